/** Every fault case, by what goes wrong. The table in docs/faults.md is made of them. */
import { redirects, tokens } from './cases/access.ts';
import { finalAnswers, lastingErrors, quotas, serverFaults, tooManyRequests } from './cases/answers.ts';
import { cutBodies, cutUploads, resets, silences, unreachable } from './cases/connections.ts';
import { headers, ranges, wrongBytes } from './cases/content.ts';
import { fullTargets, losses, restarts } from './cases/targets.ts';
import { locations, mounts, ways } from './cases/uploads.ts';
import type { FaultCase } from './stage.ts';

export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly FaultCase[];
}

export const caseGroups: readonly CaseGroup[] = [
  { title: 'Too many requests', cases: [...tooManyRequests, ...quotas] },
  { title: 'Errors of the server', cases: [...serverFaults, ...lastingErrors, ...finalAnswers] },
  { title: 'Connections reset', cases: resets },
  { title: 'Bodies cut short', cases: cutBodies },
  { title: 'Uploads cut short', cases: cutUploads },
  { title: 'Silence', cases: silences },
  { title: 'Upstreams that are not there', cases: unreachable },
  { title: 'Ranges', cases: ranges },
  { title: 'Wrong bytes', cases: wrongBytes },
  { title: 'Heads that say too little or lie', cases: headers },
  { title: 'Redirects', cases: redirects },
  { title: 'Tokens', cases: tokens },
  { title: 'Where uploads go', cases: locations },
  { title: 'How uploads go', cases: ways },
  { title: 'Mounts', cases: mounts },
  { title: 'Content lost at the target', cases: losses },
  { title: 'Restarts', cases: restarts },
  { title: 'Full disks', cases: fullTargets },
];
