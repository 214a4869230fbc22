/** Each fault, once, against real sockets. With AIRGAP_FAULT_TABLE=FILE what came of it is appended there, a JSON line per case. */
import { appendFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { caseGroups } from './cases.ts';
import { brokenPromises, differences, halfImages, silentErrors } from './checks.ts';
import { type CaseRun, type FaultCase, runCase } from './stage.ts';

const table = process.env.AIRGAP_FAULT_TABLE ?? '';

const order = caseGroups.flatMap(({ cases }) => cases);

function note(group: string, given: FaultCase, run: CaseRun): void {
  if (table === '') return;
  const { outcome, seconds, upstreamRequests, targetRequests, fetchedBytes, uniqueBytes } = run;
  const fetched = fetchedBytes / uniqueBytes;
  const line = {
    order: order.indexOf(given),
    group,
    name: given.name,
    outcome,
    seconds,
    upstreamRequests,
    targetRequests,
    fetched,
  };
  appendFileSync(table, `${JSON.stringify(line)}\n`);
}

/** Without faults, what was left undone gets done. */
async function expectRepaired({ stage }: CaseRun): Promise<void> {
  stage.upstream.faults.clear();
  stage.target.faults.clear();
  const again = await stage.mirror();
  expect(again.thrown).toBeUndefined();
  expect(again.result?.receipt.images.filter(({ status }) => status === 'failed')).toEqual([]);
  for (const image of stage.seeded.images) expect(textOf(await differences(stage.store, image))).toBe('');
}

async function expectNoDamage(given: FaultCase, run: CaseRun): Promise<void> {
  const { stage } = run;
  if (given.expected === 'complete') expect(textOf(run.errors.map(({ message }) => message))).toBe('');
  expect(run.outcome).toBe(given.expected);
  expect(textOf(await halfImages(stage.store))).toBe('');
  expect(textOf(await brokenPromises(run, { store: stage.store, images: stage.seeded.images }))).toBe('');
  expect(textOf(silentErrors(run))).toBe('');
  await given.check?.(run);
  expect(run.fetchedBytes / run.uniqueBytes).toBeLessThanOrEqual((given.most ?? 1) + 0.005);
  if (given.expected !== 'complete' && given.repairable !== false) await expectRepaired(run);
}

for (const { title, cases } of caseGroups) {
  describe.concurrent(title, () => {
    it.each(cases.map((given) => [given.name, given] as const))('%s', async (_name, given) => {
      const run = await runCase(given);
      try {
        note(title, given, run);
        await expectNoDamage(given, run);
      } finally {
        await run.stage.close();
      }
    });
  });
}

function textOf(lines: readonly string[]): string {
  return [...new Set(lines)].join('\n');
}
