/**
 * `node scripts/bench/serve.mjs`: `airgap serve` and docker-registry give the same files, on loopback, to clients that throw them away.
 *
 *   --cases LIST    of: first, same, first-different, different, manifests, latency (default: all, in this order)
 *   --servers LIST  default: airgap,docker-registry
 *   --rounds N      default 5; the servers take turns within each round, and who begins changes
 *   --clients N     connections at once; default 50
 *   --scale X       layer sizes times X; default 1
 *   --client NAME   `discard` (serve-client.py, default) or `curl`: as many processes of it as connections
 *   --program FILE  default dist/bin/airgap.js
 *   --markdown FILE write the table there as well
 *
 * The files lie in the page cache: the servers are measured, not the disk. Needs docker-registry, python3, and for `curl` GNU time.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure } from './measure.mjs';
import { servedContent } from './serve-content.mjs';
import { startServer } from './serve-servers.mjs';
import { serveTable } from './serve-table.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: 'first,same,first-different,different,manifests,latency' },
    servers: { type: 'string', default: 'airgap,docker-registry' },
    rounds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '50' },
    scale: { type: 'string', default: '1' },
    client: { type: 'string', default: 'discard' },
    program: { type: 'string', default: join(root, 'dist/bin/airgap.js') },
    markdown: { type: 'string' },
  },
});
const clients = Number(options.clients);

/**
 * Per case: the paths each connection asks for, one after the other. `first` and `first-different` are `same` and `different` on a
 * server that has read nothing yet: airgap checks what it serves for the first time.
 */
const cases = {
  first: (content) => each(() => [blob(content, content.large)]),
  same: (content) => each(() => [blob(content, content.large)]),
  'first-different': (content) => each((index) => [blob(content, content.small[index % content.small.length])]),
  different: (content) => each((index) => [blob(content, content.small[index % content.small.length])]),
  manifests: (content) => {
    const paths = content.manifests.slice(1).map(({ tag }) => `/v2/${content.repository}/manifests/${tag}`);
    return each((index) => paths.filter((_, position) => position % clients === index));
  },
  latency: (content) => each(() => [blob(content, content.large)]),
};

function each(paths) {
  return Array.from({ length: clients }, (_, index) => paths(index));
}

function blob({ repository }, { digest }) {
  return `/v2/${repository}/blobs/${digest}`;
}

/** Starts the client; `end()` closes its input and gives what it printed. */
function startClient(task) {
  const child = spawn('python3', [fileURLToPath(new URL('serve-client.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  const done = new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (status) => {
      if (status === 0) resolve(JSON.parse(printed));
      else reject(new Error(`the client ended with ${status}`));
    });
  });
  child.stdin.write(`${JSON.stringify(task)}\n`);
  return {
    done,
    end: () => {
      child.stdin.end();
      return done;
    },
  };
}

async function download(server, connections, folder) {
  if (options.client === 'curl') {
    const one = (paths) =>
      `curl -sf ${paths.map((path) => `-o /dev/null http://127.0.0.1:${server.port}${path}`).join(' ')} &`;
    const cost = await measure({ command: ['sh', '-c', `${connections.map(one).join('\n')}\nwait`] }, folder);
    if (cost.status !== 0) throw new Error(`curl ended with ${cost.status}: ${cost.said}`);
    return { wall: cost.wall, cpu: cost.cpu, firsts: [] };
  }
  return startClient({ port: server.port, connections }).done;
}

async function runCase(name, server, { content, folder }) {
  const connections = cases[name](content);
  server.forgetPeak();
  const before = server.cpuSeconds();
  const ask = [`/v2/${content.repository}/manifests/all`, blob(content, content.config)];
  const probe = name === 'latency' ? startClient({ port: server.port, probe: ask, every: 0.02 }) : undefined;
  const result = await download(server, connections, folder);
  const firsts = probe === undefined ? result.firsts : Object.values((await probe.end()).firsts).flat();
  const row = {
    case: name,
    server: server.name,
    wall: result.wall,
    bytes: result.bytes,
    client: result.cpu,
    cpu: server.cpuSeconds() - before,
    memory: server.peakMegabytes(),
    firsts,
  };
  console.error(
    `  ${name}, ${server.name}: ${row.wall.toFixed(2)} s, ${row.cpu.toFixed(2)} s of processor, ${row.memory.toFixed(0)} MB`,
  );
  return row;
}

async function runServer(name, { content, folder }) {
  const server = await startServer(name, { content, folder: join(folder, name), program: options.program });
  const rows = [];
  try {
    for (const title of options.cases.split(',')) rows.push(await runCase(title, server, { content, folder }));
  } finally {
    await server.stop();
  }
  return rows;
}

async function main() {
  const absent = ['docker-registry', 'python3'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  if (absent.length > 0) {
    console.error(`Cannot compare anything: the Debian package ${absent.join(' and ')} is not installed`);
    process.exit(2);
  }
  mkdirSync(join(root, '.cache/bench'), { recursive: true });
  const content = await servedContent(join(root, `.cache/bench/serve-${options.scale}`), {
    scale: Number(options.scale),
  });
  spawnSync('sh', ['-c', 'cat "$0"/blobs/sha256/* > /dev/null', content.layout]);
  const folder = mkdtempSync(join(tmpdir(), 'airgap-bench-serve-'));
  const names = options.servers.split(',');
  const rows = [];
  try {
    for (let round = 0; round < Number(options.rounds); round += 1) {
      console.error(`round ${round + 1}`);
      const order = names.map((_, index) => names[(index + round) % names.length]);
      for (const name of order) rows.push(...(await runServer(name, { content, folder })));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const version = spawnSync('docker-registry', ['--version'], { encoding: 'utf8' }).stdout.trim();
  const machine = `${new Date().toISOString().slice(0, 10)}, ${cpus().length} processors shared with the client, Node.js ${process.version}, ${version}; ${clients} connections, ${options.rounds} rounds, client: ${options.client}`;
  const text = `${machine}\n\n${serveTable(rows, { cases: options.cases.split(','), names })}\n`;
  console.log(text);
  if (options.markdown !== undefined) writeFileSync(options.markdown, text);
}

await main();
