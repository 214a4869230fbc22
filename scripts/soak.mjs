/**
 * Runs with random faults, each chosen by its own seed: they end complete or with a precise error, and the next run completes them.
 *   npm run soak -- --runs 50 --seed 1
 */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
});

const folder = mkdtempSync(join(tmpdir(), 'airgap-soak-'));
const table = join(folder, 'table.jsonl');
appendFileSync(table, '');
let shown = 0;

/** Prints the runs that ended since the last call. */
function show() {
  const lines = readFileSync(table, 'utf8').split('\n').slice(0, -1);
  for (const line of lines.slice(shown)) {
    const { seed, outcome, failed, seconds, upstreamRequests, targetRequests, faults } = JSON.parse(line);
    const images = failed === 0 ? '' : `${failed} failed`;
    const cells = [
      String(seed).padStart(6),
      outcome.padEnd(19),
      images.padEnd(8),
      seconds.toFixed(1).padStart(5),
      String(upstreamRequests).padStart(5),
      String(targetRequests).padStart(5),
      ` ${faults}`,
    ];
    console.log(cells.join(' '));
  }
  shown = lines.length;
  return lines.map((line) => JSON.parse(line));
}

console.log('  seed outcome             images       s    up    to  faults');
const vitest = spawn(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    'unit',
    '--reporter',
    'dot',
    'test/faults/soak.test.ts',
  ],
  {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, AIRGAP_SOAK_RUNS: values.runs, AIRGAP_SOAK_SEED: values.seed, AIRGAP_SOAK_TABLE: table },
  },
);
const watching = setInterval(show, 500);
vitest.once('exit', (code) => {
  clearInterval(watching);
  const done = show();
  rmSync(folder, { recursive: true, force: true });
  const complete = done.filter(({ outcome }) => outcome === 'complete').length;
  const ends = `${complete} complete, ${done.length - complete} with an error`;
  const verdict =
    code === 0 ? 'no damage in any of them, and the next run completed each' : 'NOT all as they should be: see above';
  console.log(`${done.length} runs: ${ends}; ${verdict}`);
  process.exitCode = code === 0 ? 0 : 1;
});
