/**
 * `npm run bench`: the same mirroring by this program and by what else is on PATH, between two docker-registry instances.
 *
 *   --cases LIST    of: talos-wan, talos-loopback, many-wan, many-loopback, large-wan, large-narrow, large-loopback (default: talos-wan,talos-loopback)
 *   --tools LIST    names from the table, "airgap" first (default: all that are here)
 *   --rounds N      default 3; the tools take turns within each round
 *   --scale X       layer sizes (set "many": number of images) times X; default 1
 *   --rtt MS --rate MBIT   the wide-area link; default 50 and 200. "narrow": one connection gets an eighth of the rate
 *   --again         run each tool a second time, with nothing left to do, and measure that too
 *   --markdown FILE write the tables there as well
 *
 * Needs docker-registry, curl and GNU time (Debian packages docker-registry, curl, time).
 */
import { fork, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { imageSet } from './image-set.mjs';
import { measure } from './measure.mjs';
import { differences, readings, startRegistry } from './registry.mjs';
import { table } from './table.mjs';
import { isHere, tools, versionOf } from './tools.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: 'talos-wan,talos-loopback' },
    tools: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    rtt: { type: 'string', default: '50' },
    rate: { type: 'string', default: '200' },
    again: { type: 'boolean', default: false },
    markdown: { type: 'string' },
  },
});

function requirePrograms() {
  const needed = { 'docker-registry': 'docker-registry', curl: 'curl', '/usr/bin/time': 'time' };
  const absent = Object.keys(needed).filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  if (absent.length === 0) return;
  console.error(
    `Cannot compare anything: the Debian package ${absent.map((program) => needed[program]).join(' and ')} is not installed`,
  );
  process.exit(2);
}

/** The link of a case: undefined for loopback. */
function startLink(kind, registry) {
  if (kind === 'loopback') return undefined;
  const share = kind === 'narrow' ? '0.125' : '1';
  const child = fork(fileURLToPath(new URL('link.mjs', import.meta.url)), [
    registry.host,
    options.rtt,
    options.rate,
    share,
  ]);
  return new Promise((resolve) => {
    child.once('message', ({ port }) => {
      const delivered = () =>
        new Promise((answer) => {
          child.once('message', (message) => answer(message.delivered));
          child.send('delivered');
        });
      resolve({ host: `127.0.0.1:${port}`, delivered, stop: () => child.kill() });
    });
  });
}

/** One tool, once: from an empty target, and once more when asked for. */
async function runTool(name, { source, target, link, set, folder }) {
  const workFolder = mkdtempSync(join(folder, 'tool-'));
  const work = tools[name].prepare({ folder: workFolder, source: link?.host ?? source.host, target: target.host, set });
  await target.wipe();
  const results = [];
  for (const pass of options.again && !tools[name].floor ? ['cold', 'again'] : ['cold']) {
    await Promise.all([source.takeLog(), target.takeLog()]);
    const before = (await link?.delivered()) ?? 0;
    const cost = await measure(work, workFolder);
    const upstream = readings(await source.takeLog(), set);
    const wire = link === undefined ? upstream.bytes : (await link.delivered()) - before;
    const different = tools[name].floor ? undefined : differences(target.storage, set);
    const targetRequests = (await target.takeLog()).length;
    results.push({
      name,
      pass,
      ...cost,
      upstreamRequests: upstream.requests,
      upstreamBytes: wire,
      twice: upstream.twice,
      targetRequests,
      different,
    });
    const mark = cost.status === 0 ? '' : ` FAILED (${cost.status}): ${cost.said.trim().split('\n').at(-1)}`;
    console.error(
      `  ${name}, ${pass}: ${cost.wall.toFixed(2)} s, ${upstream.requests} + ${targetRequests} requests, ${different ?? '-'} differences${mark}`,
    );
  }
  rmSync(workFolder, { recursive: true, force: true });
  return results;
}

async function runCase(title, names) {
  const [setName, kind] = title.split('-');
  const set = await imageSet(setName, { scale: Number(options.scale), cacheFolder: join(root, '.cache/bench') });
  const folder = mkdtempSync(join(tmpdir(), 'airgap-bench-'));
  const source = await startRegistry(join(folder, 'source'), { storage: set.storage, readOnly: true });
  const target = await startRegistry(join(folder, 'target'), { storage: join(folder, 'storage') });
  const link = await startLink(kind, source);
  const results = [];
  try {
    for (let round = 0; round < Number(options.rounds); round += 1) {
      console.error(`${title}, round ${round + 1}`);
      // Each round starts with another tool, so that none always runs first.
      for (let turn = 0; turn < names.length; turn += 1) {
        const name = names[(turn + round) % names.length];
        results.push(...(await runTool(name, { source, target, link, set, folder })));
      }
    }
  } finally {
    link?.stop();
    await Promise.all([source.stop(), target.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
  return `${heading(title, set, kind)}\n\n${table(results, names)}`;
}

function heading(title, set, kind) {
  const megabytes = (bytes) => (bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 0 });
  const links = {
    loopback: 'loopback',
    wan: `${options.rtt} ms round trip, ${options.rate} Mbit/s to the upstream`,
    narrow: `${options.rtt} ms, ${options.rate} Mbit/s to the upstream, an eighth of it per connection`,
  };
  const contents = `${set.images.length} tags, ${set.manifestCount} manifests, ${set.blobCount} blobs, ${megabytes(set.uniqueBytes)} MB unique, ${megabytes(set.withoutReuse)} MB without reuse`;
  return `### ${title}\n\n${contents}; ${links[kind]}; ${options.rounds} rounds`;
}

async function main() {
  requirePrograms();
  mkdirSync(join(root, '.cache/bench'), { recursive: true });
  const asked = options.tools?.split(';').flatMap((part) => (part in tools ? [part] : part.split(',')));
  const names = (asked ?? Object.keys(tools)).filter((name) => name in tools && isHere(tools[name]));
  const versions = names
    .filter((name) => !name.includes(', '))
    .map((name) => `${name} ${versionOf(tools[name])}`.trim());
  const machine = `${new Date().toISOString().slice(0, 10)}, ${cpus().length} processors, Node.js ${process.version}; ${versions.join(', ')}`;
  const sections = [];
  for (const title of options.cases.split(',')) sections.push(await runCase(title, names));
  const text = `${machine}\n\n${sections.join('\n\n')}\n`;
  console.log(text);
  if (options.markdown !== undefined) writeFileSync(options.markdown, text);
}

await main();
