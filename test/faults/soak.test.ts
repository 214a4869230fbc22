/**
 * Random faults from a seed: every run ends complete or with a precise error, no tag stands on a half image, and the next run
 * without faults completes it. AIRGAP_SOAK_RUNS (5) and AIRGAP_SOAK_SEED (1) choose; with AIRGAP_SOAK_TABLE=FILE each run adds a JSON line there.
 */
import { appendFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { brokenPromises, differences, halfImages, silentErrors } from './checks.ts';
import { describeFaults, randomCase } from './random-case.ts';
import { type CaseRun, type FaultCase, runCase } from './stage.ts';

const runs = Number(process.env.AIRGAP_SOAK_RUNS ?? 5);
const firstSeed = Number(process.env.AIRGAP_SOAK_SEED ?? 1);
const table = process.env.AIRGAP_SOAK_TABLE ?? '';

function note(seed: number, given: FaultCase, run: CaseRun): void {
  if (table === '') return;
  const { outcome, seconds, upstreamRequests, targetRequests } = run;
  const failed = run.errors.length;
  const line = { seed, outcome, failed, seconds, upstreamRequests, targetRequests, faults: describeFaults(given) };
  appendFileSync(table, `${JSON.stringify(line)}\n`);
}

async function expectNoDamage(run: CaseRun): Promise<void> {
  const { store, seeded } = run.stage;
  expect(await halfImages(store)).toEqual([]);
  expect(await brokenPromises(run, { store, images: seeded.images })).toEqual([]);
  expect(silentErrors(run)).toEqual([]);
}

/** Servers as they should be. */
async function expectCompleted({ stage }: CaseRun): Promise<void> {
  stage.upstream.faults.clear();
  stage.target.faults.clear();
  const again = await stage.mirror();
  expect(again.thrown?.message).toBeUndefined();
  const failed = again.result?.receipt.images.flatMap((image) =>
    image.status === 'failed' ? [image.error.message] : [],
  );
  expect([...(failed ?? []), ...(again.result?.failures ?? []).map(({ error }) => error.message)]).toEqual([]);
  for (const image of stage.seeded.images) expect(await differences(stage.store, image)).toEqual([]);
}

describe('random faults', () => {
  const seeds = Array.from({ length: runs }, (_, at) => firstSeed + at);
  it.each(seeds)(
    'seed %i: complete or a precise error, and the next run completes it',
    { timeout: 60_000 },
    async (seed) => {
      const given = randomCase(seed);
      const run = await runCase(given);
      try {
        note(seed, given, run);
        await expectNoDamage(run);
        await expectCompleted(run);
      } finally {
        await run.stage.close();
      }
    },
  );
});
