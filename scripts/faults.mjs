/**
 * Runs every fault case of test/faults against real sockets, prints what came of each, and writes docs/faults.md.
 *   npm run faults
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs/faults.md');

/** Vitest's own report goes to stderr: the table alone is on stdout. */
function runCases() {
  const folder = mkdtempSync(join(tmpdir(), 'airgap-faults-'));
  const table = join(folder, 'table.jsonl');
  writeFileSync(table, '');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const result = spawnSync(
    process.execPath,
    [vitest, 'run', '--project', 'unit', '--reporter', 'dot', 'test/faults/faults.test.ts'],
    { cwd: root, stdio: ['ignore', 2, 2], env: { ...process.env, AIRGAP_FAULT_TABLE: table } },
  );
  const lines = readFileSync(table, 'utf8').split('\n').filter(Boolean);
  rmSync(folder, { recursive: true, force: true });
  return { failed: result.status !== 0, cases: lines.map((line) => JSON.parse(line)) };
}

/** In the order of the list of cases: they run side by side and end as they like. */
function grouped(cases) {
  const groups = new Map();
  for (const each of cases) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
  for (const members of groups.values()) members.sort((a, b) => a.order - b.order);
  return [...groups].sort(([, [a]], [, [b]]) => a.order - b.order);
}

const columns = ['case', 'outcome', 'seconds', 'upstream', 'target', 'fetched'];

function row(each) {
  return [
    each.name,
    each.outcome,
    each.seconds.toFixed(1),
    String(each.upstreamRequests),
    String(each.targetRequests),
    `${each.fetched.toFixed(2)}×`,
  ];
}

function printed(groups) {
  const rows = groups.flatMap(([, members]) => members.map(row));
  const widths = columns.map((name, at) => Math.max(name.length, ...rows.map((cells) => cells[at].length)));
  const line = (cells) =>
    cells
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  ')
      .trimEnd();
  return [
    line(columns),
    ...groups.flatMap(([title, members]) => ['', title, ...members.map((each) => line(row(each)))]),
  ];
}

function markdown(groups, count) {
  const tables = groups.map(([title, members]) =>
    [
      `## ${title}`,
      '',
      '| case | outcome | s | requests upstream | requests target | bytes fetched |',
      '|---|---|--:|--:|--:|--:|',
      ...members.map((each) => `| ${row(each).join(' | ')} |`),
    ].join('\n'),
  );
  return `# What the copier survives

Made by \`npm run faults\`: ${count} cases, each against real servers on loopback that misbehave as its name says (\`test/faults\`).
Three images with shared layers are mirrored, 1.6 MB in all, unless the case needs others. The same cases run in the test suite.

After every case this holds, or the case fails: no tag stands on a half image; what is called complete is there byte for byte; an error
names its image and host, the digest where bytes were wrong, and what to do where something can be done; and where the outcome is an
error, a run without the fault completes what is missing.

- **s**: seconds of the run, with other cases beside it; backoff is shortened to 8 ms. It differs from run to run.
- **requests**: everything asked of that end, tokens and redirects included. Without any fault: 15 and 58.
- **bytes fetched**: what upstream gave out, as a multiple of the bytes there are. Above 1 where bytes on their way were lost with a
  connection or were wrong. The layers here are so small that all of one fits into the buffers of the sockets: of a large layer
  those buffers and at most two parts of an upload are what is lost.

${tables.join('\n\n')}
`;
}

const { failed, cases } = runCases();
const groups = grouped(cases);
console.log(printed(groups).join('\n'));
console.log(`\n${cases.length} cases${failed ? ', NOT all as expected: see above' : ', all as expected'}`);
if (failed) process.exitCode = 1;
else writeFileSync(page, markdown(groups, cases.length));
