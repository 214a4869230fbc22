/**
 * `npm run bench:bundles`: bundles against `tar` of the same files, in the same run and on the same disk.
 *
 *   --mebibytes N   content of the layout (default 1024), in layers of 4 to 128 MiB and a few hundred small ones
 *   --rounds N      default 3; both take turns within each round
 *   --markdown FILE write the table there as well
 *
 * write: a layout into one file. load: the file into a directory. check: every byte read and hashed, against sha256sum.
 * `tar` neither hashes nor flushes what it writes; "tar, synced" is followed by a sync of the file, as our write is.
 * Ends with the delta: its bytes against the sum of the blobs that are new in it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure } from './measure.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'dist/bin/airgap.js');
const { values: options } = parseArgs({
  options: {
    mebibytes: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    markdown: { type: 'string' },
  },
});

/** A layout of images with layers of many sizes. Every third large layer is shared by two images. */
function writeLayout(folder, bytes) {
  const blobs = join(folder, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const store = (content, mediaType) => {
    const hex = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(blobs, hex), content);
    return { mediaType, digest: `sha256:${hex}`, size: content.length };
  };
  const manifests = [];
  let left = bytes;
  let shared;
  for (let image = 0; left > 0; image += 1) {
    const layers = shared === undefined ? [] : [shared];
    for (const size of [128, 40, 12, 4, 0.1, 0.02].map((mib) => Math.round(mib * 1024 * 1024))) {
      if (left <= 0) break;
      layers.push(store(randomBytes(Math.min(size, left)), 'application/vnd.oci.image.layer.v1.tar'));
      left -= size;
    }
    shared = image % 3 === 0 ? layers.at(-3) : undefined;
    const config = store(
      Buffer.from(
        JSON.stringify({ architecture: 'amd64', os: 'linux', image, rootfs: { type: 'layers', diff_ids: [] } }),
      ),
      'application/vnd.oci.image.config.v1+json',
    );
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = store(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers })), mediaType);
    const name = `registry.example/team/app-${image}:1`;
    manifests.push({
      ...manifest,
      annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
    });
  }
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}\n');
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
  return manifests.length;
}

const folder = mkdtempSync(join(tmpdir(), 'airgap-bench-bundles-'));
const airgap = (...args) => [process.execPath, program, ...args, '--quiet'];
const shell = (text) => ['bash', '-c', text];

/** Each case: who does it, and what is removed before. */
const cases = {
  write: {
    airgap: airgap('mirror', '--from', 'oci:layout', '--to', 'bundle:ours.tar', '--lock', 'ours.lock'),
    tar: ['tar', 'cf', 'theirs.tar', '-C', 'layout', '.'],
    'tar, synced': shell('tar cf theirs.tar -C layout . && sync theirs.tar'),
    before: ['ours.tar', 'ours.lock', 'theirs.tar'],
  },
  load: {
    airgap: airgap('mirror', '--from', 'bundle:ours.tar', '--to', 'oci:loaded', '--lock', 'loaded.lock'),
    tar: shell('mkdir theirs && tar xf theirs.tar -C theirs'),
    'tar, synced': shell('mkdir theirs && tar xf theirs.tar -C theirs && sync -f theirs'),
    before: ['loaded', 'loaded.lock', 'theirs'],
  },
  check: {
    airgap: airgap('check', 'bundle:ours.tar'),
    sha256sum: shell('sha256sum layout/blobs/sha256/* > sums'),
    before: [],
  },
};

function delta() {
  const run = (...args) => execFileSync(process.execPath, [program, ...args, '--quiet'], { cwd: folder });
  const receipt = spawnSync(process.execPath, [program, 'receipt', '--to', 'oci:layout'], { cwd: folder });
  writeFileSync(join(folder, 'site.receipt'), receipt.stdout);
  mkdirSync(join(folder, 'news'));
  writeLayout(join(folder, 'news'), 64 * 1024 * 1024);
  for (const name of readdirSync(join(folder, 'layout/blobs/sha256')))
    if (!existsSync(join(folder, 'news/blobs/sha256', name)))
      execFileSync('ln', [join(folder, 'layout/blobs/sha256', name), join(folder, 'news/blobs/sha256', name)]);
  const own = readdirSync(join(folder, 'news/blobs/sha256')).filter(
    (name) => !existsSync(join(folder, 'layout/blobs/sha256', name)),
  );
  const fresh = own.reduce((sum, name) => sum + statSync(join(folder, 'news/blobs/sha256', name)).size, 0);
  run('mirror', '--from', 'oci:news', '--to', 'bundle:delta.tar', '--have', 'site.receipt', '--lock', 'delta.lock');
  const size = statSync(join(folder, 'delta.tar')).size;
  return `delta: ${size} bytes for ${fresh} new ones: ${(size / fresh).toFixed(4)}`;
}

const middle = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Every runner in each round, one after the other: measurements by runner. */
async function takeTurns(name, { before, runners }) {
  const results = Object.fromEntries(Object.keys(runners).map((who) => [who, []]));
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const [who, command] of Object.entries(runners)) {
      const own = before.filter((file) => file.startsWith('theirs') === (who !== 'airgap'));
      for (const file of own) rmSync(join(folder, file), { recursive: true, force: true });
      spawnSync('sync');
      const result = await measure({ command }, folder);
      if (result.status !== 0) throw new Error(`${name}, ${who}: status ${result.status}\n${result.said}`);
      results[who].push(result);
    }
  }
  return results;
}

/** Rows of the table; the second runner is what the others are held against. */
function rowsOf(name, results) {
  const [, peer] = Object.keys(results);
  const floor = middle(results[peer].map(({ wall }) => wall));
  return Object.entries(results).map(([who, runs]) => {
    const walls = runs.map(({ wall }) => wall).sort((a, b) => a - b);
    const shown = [walls[0], middle(walls), walls.at(-1)].map((wall) => wall.toFixed(2)).join(' / ');
    const cpu = middle(runs.map((run) => run.cpu)).toFixed(1);
    const memory = middle(runs.map((run) => run.memory)).toFixed(0);
    return `| ${name} | ${who} | ${shown} | ${cpu} | ${memory} | ${(middle(walls) / floor).toFixed(2)} |`;
  });
}

async function main() {
  const bytes = Number(options.mebibytes) * 1024 * 1024;
  const images = writeLayout(join(folder, 'layout'), bytes);
  const lines = [`${images} images, ${options.mebibytes} MiB; Node ${process.version}`, ''];
  lines.push('| case | who | wall s min / median / max | CPU s | peak RSS MB | of tar |', '|---|---|---|---|---|---|');
  for (const [name, { before, ...runners }] of Object.entries(cases)) {
    lines.push(...rowsOf(name, await takeTurns(name, { before, runners })));
  }
  lines.push('', delta());
  const text = lines.join('\n');
  console.log(text);
  if (options.markdown !== undefined) writeFileSync(options.markdown, `${text}\n`);
}

main().finally(() => rmSync(folder, { recursive: true, force: true }));
