/** docker-registry as source and target of the comparison, its access log, and what its storage holds. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { blobPath, linkPath } from './image-set.mjs';

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function startRegistry(folder, { storage, readOnly = false }) {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const configuration = {
    version: '0.1',
    log: { level: 'error' },
    storage: {
      filesystem: { rootdirectory: storage },
      cache: { blobdescriptor: 'inmemory' },
      maintenance: { uploadpurging: { enabled: false }, readonly: { enabled: readOnly } },
    },
    http: { addr: `127.0.0.1:${port}`, secret: 'bench' },
  };
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(configuration));
  let log = '';
  let child;
  const start = async () => {
    mkdirSync(storage, { recursive: true });
    child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.setEncoding('utf8').on('data', (text) => {
      log += text;
    });
    for (let attempt = 0; attempt < 200 && !(await listens(port)); attempt += 1) await wait(25);
  };
  const stop = async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  await start();
  return {
    host: `127.0.0.1:${port}`,
    port,
    storage,
    /** What was asked since the last call. */
    takeLog: async () => {
      await wait(150);
      const entries = parseLog(log);
      log = '';
      return entries;
    },
    /** Empty again, on the same port. */
    wipe: async () => {
      await stop();
      rmSync(storage, { recursive: true, force: true });
      await start();
    },
    stop,
  };
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function parseLog(text) {
  return [...text.matchAll(/"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3}) (\d+|-)/g)].map(
    ([, method, path, status, bytes]) => ({
      method,
      path: decodeURIComponent(path),
      status: Number(status),
      bytes: bytes === '-' ? 0 : Number(bytes),
    }),
  );
}

/** Requests, body bytes, and blob bytes beyond the first reading of each blob. */
export function readings(log, set) {
  const sizes = new Map(set.blobs.map(({ digest, size }) => [digest, size]));
  const perBlob = new Map();
  for (const { method, path, bytes, status } of log) {
    const digest = /\/blobs\/(sha256:[0-9a-f]{64})/.exec(path)?.[1];
    if (method === 'GET' && digest !== undefined && status < 300)
      perBlob.set(digest, (perBlob.get(digest) ?? 0) + bytes);
  }
  const twice = [...perBlob].reduce((sum, [digest, bytes]) => sum + Math.max(0, bytes - (sizes.get(digest) ?? 0)), 0);
  return {
    requests: log.length,
    bytes: log.reduce((sum, { bytes, method }) => sum + (method === 'GET' ? bytes : 0), 0),
    twice,
  };
}

/** What of the set is missing in a target's storage or differs from it: tags, manifests, blobs. */
export function differences(storage, set) {
  let found = 0;
  const linked = (repository, place, digest) => {
    const file = linkPath(storage, repository, place);
    const data = blobPath(storage, digest);
    return existsSync(file) && readFileSync(file, 'utf8') === digest && existsSync(data);
  };
  for (const { path, tag, manifests, blobs } of set.images) {
    if (!linked(path, `_manifests/tags/${tag}/current`, manifests.at(-1).digest)) found += 1;
    for (const { digest } of manifests)
      if (!linked(path, `_manifests/revisions/sha256/${digest.slice(7)}`, digest)) found += 1;
    for (const { digest, size } of blobs) {
      if (
        !linked(path, `_layers/sha256/${digest.slice(7)}`, digest) ||
        statSync(blobPath(storage, digest)).size !== size
      )
        found += 1;
    }
  }
  return found;
}
