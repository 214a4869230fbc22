/** The two servers, and what the system knows of their processes. Linux. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './registry.mjs';

/** Neither writes an access log. */
export const servers = {
  airgap: async ({ content, program, port }) => {
    const address = `127.0.0.1:${port}`;
    return [
      process.execPath,
      [program, 'serve', `oci:${content.layout}`, '--listen', address, '--no-patch', '--quiet'],
    ];
  },
  'docker-registry': async ({ content, folder, port }) => {
    const configuration = {
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: {
        filesystem: { rootdirectory: content.storage },
        cache: { blobdescriptor: 'inmemory' },
        maintenance: { uploadpurging: { enabled: false }, readonly: { enabled: true } },
      },
      http: { addr: `127.0.0.1:${port}`, secret: 'bench' },
    };
    writeFileSync(join(folder, 'registry.yml'), JSON.stringify(configuration));
    return ['docker-registry', ['serve', join(folder, 'registry.yml')]];
  },
};

/** A server that has just begun. `cpuSeconds()` and `peakMegabytes()` are of its process; the peak is since `forgetPeak()`. */
export async function startServer(name, { content, folder, program }) {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const [command, args] = await servers[name]({ content, folder, program, port });
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint = (complaint + text).slice(-2000);
  });
  for (let attempt = 0; !(await listens(port)); attempt += 1) {
    if (child.exitCode !== null || attempt > 400) throw new Error(`${name} did not start\n${complaint}`);
    await wait(25);
  }
  const file = (what) => `/proc/${child.pid}/${what}`;
  const memory = (field) =>
    Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(file('status'), 'utf8'))?.[1]);
  return {
    name,
    port,
    cpuSeconds: () => {
      const fields = readFileSync(file('stat'), 'utf8').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    forgetPeak: () => writeFileSync(file('clear_refs'), '5'),
    peakMegabytes: () => (memory('VmHWM') * 1024) / 1e6,
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
