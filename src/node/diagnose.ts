/** The known mistakes in a node's configuration, each with the line it stands in and what to write instead. */
import type { Origin } from '../errors.ts';
import type { NodeConfig } from '../talos/node-config.ts';
import type { TalosVersion } from '../talos/version.ts';
import { endpointMistakes } from './mistakes-endpoints.ts';
import { keyMistakes } from './mistakes-keys.ts';
import { mirrorMistakes } from './mistakes-mirrors.ts';
import { credentialMistakes } from './mistakes-trust.ts';
import { verificationMistakes } from './mistakes-verification.ts';

export interface Diagnosis {
  /** Short and stable, of lower-case words: `double-v2`. */
  readonly code: string;
  /** `error`: the node refuses the configuration, or cannot pull. `warning`: it does something that is hardly meant. */
  readonly severity: 'error' | 'warning';
  /** One line, values quoted, no full stop. */
  readonly message: string;
  /** What to write: one sentence, no full stop. */
  readonly hint: string;
  readonly origin?: Origin | undefined;
}

/** What is asked of a configuration: the release decides what a part of it does. */
export interface Diagnosing {
  readonly config: NodeConfig;
  readonly version: TalosVersion;
}

/** Errors first, else by their lines, whichever text they stand in. Pure; throws nothing. */
export function diagnose(config: NodeConfig, node: { readonly version: TalosVersion }): readonly Diagnosis[] {
  const diagnosing = { config, version: node.version };
  const found = [
    ...keyMistakes(diagnosing),
    ...mirrorMistakes(diagnosing),
    ...endpointMistakes(diagnosing),
    ...credentialMistakes(diagnosing),
    ...verificationMistakes(diagnosing),
  ];
  return found.toSorted((a, b) => rank(a) - rank(b) || (a.origin?.line ?? 0) - (b.origin?.line ?? 0));
}

function rank(diagnosis: Diagnosis): number {
  return diagnosis.severity === 'error' ? 0 : 1;
}
