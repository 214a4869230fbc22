/**
 * `npm run quickstart`: the whole corridor on a small image set, from a bare clone and without any registry.
 * Works in `.quickstart/` and removes it at the end; `npm run quickstart -- --keep` leaves it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { seedQuickstart } from './quickstart-images.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = join(root, '.quickstart');
const program = join(root, 'dist/bin/airgap.js');
const started = performance.now();

function heading(text) {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`\n== ${text} (${seconds} s)\n`);
}

/** Runs `airgap` as a user would type it, in the working folder. It has to succeed. */
async function airgap(...args) {
  console.log(`$ airgap ${args.map((arg) => (/[*\s]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`);
  const child = spawn(process.execPath, [program, ...args], { cwd: work, stdio: ['ignore', 'inherit', 'inherit'] });
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Error(`airgap ${args[0]} ended with status ${status}`);
}

/** Something served, asked until it answers. */
async function whileServing(what, use) {
  const port = await freePort();
  console.log(`$ airgap serve ${what.join(' ')} --listen 127.0.0.1:${port} &`);
  const child = spawn(process.execPath, [program, 'serve', ...what, '--listen', `127.0.0.1:${port}`], {
    cwd: work,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const gone = new Promise((resolve) => child.once('close', resolve));
  try {
    const url = `http://127.0.0.1:${port}`;
    for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt += 1) {
      if (
        await fetch(`${url}/v2/`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        break;
      await wait(50);
    }
    await use(url);
  } finally {
    child.kill('SIGTERM');
    await gone;
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function show(url, options) {
  console.log(`$ curl ${options?.method === 'HEAD' ? '-I ' : ''}${url}`);
  const answer = await fetch(url, options);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  if (options?.method !== 'HEAD') console.log((await answer.text()).trim());
  else
    console.log(
      ['content-type', 'docker-content-digest'].map((name) => `${name}: ${answer.headers.get(name)}`).join('\n'),
    );
}

async function main() {
  heading('Install and build, where that has not been done');
  const setup = spawnSync(process.execPath, [join(root, 'scripts/setup.mjs')], { cwd: root, stdio: 'inherit' });
  if (setup.status !== 0) throw new Error('Installing or building failed');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);

  heading('Make a small image set and serve it: this stands for the internet');
  const { openMemory, serveStore } = await import('../dist/index.js');
  const store = openMemory();
  const references = await seedQuickstart(
    store,
    JSON.parse(readFileSync(join(root, 'fixtures/quickstart/images.json'), 'utf8')),
  );
  const upstream = await serveStore(store);
  writeFileSync(join(work, 'images.txt'), `${references.join('\n')}\n`);
  console.log(`images.txt, served at ${upstream.url}:\n${references.join('\n')}`);

  try {
    heading('Mirror it into a directory');
    await airgap(
      'mirror',
      'images.txt',
      '--source-endpoint',
      `*=${upstream.url}`,
      '--endpoint',
      'http://10.5.0.1:6000',
    );

    heading('The internet is gone: is everything in place?');
    await upstream.close();
    await airgap('verify', '--deep');

    heading('What the nodes are told: airgap-talos.yaml');
    console.log(readFileSync(join(work, 'airgap-talos.yaml'), 'utf8').trim());

    heading('Serve it, as for the cluster');
    await whileServing(['airgap-mirror'], async (url) => {
      await show(`${url}/v2/_catalog`);
      await show(`${url}/v2/siderolabs/kubelet/tags/list`);
      await show(`${url}/v2/pause/manifests/3.10?ns=registry.k8s.io`, { method: 'HEAD' });
      await airgap('verify', '--as', 'talos@v1.14.4', '--to', url);
    });

    heading('Across a gap: into a bundle, on a disk, and into a registry on the other side');
    await airgap(
      'mirror',
      'airgap.lock',
      '--from',
      'oci:airgap-mirror',
      '--to',
      'bundle:talos.tar',
      '--lock',
      'bundle.lock',
    );
    await airgap('check', 'bundle:talos.tar');
    mkdirSync(join(work, 'site'));
    await whileServing(['oci:site', '--writable'], async (url) => {
      await airgap('mirror', '--from', 'bundle:talos.tar', '--to', url, '--lock', 'site.lock', '--quiet');
      await airgap('verify', '--lock', 'site.lock');
    });
    heading('Done');
  } finally {
    await upstream.close();
    if (!process.argv.includes('--keep')) rmSync(work, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
