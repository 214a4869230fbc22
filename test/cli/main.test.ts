/** The built program as a process: start, signals, pipes, exit status. */
import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type WorkFolder, workFolder } from './airgap.ts';

const program = fileURLToPath(new URL('../../dist/bin/airgap.js', import.meta.url));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

interface Started {
  readonly ended: Promise<Ended>;
  signal(name: NodeJS.Signals): void;
  /** Resolves once standard error holds this text. */
  says(text: string): Promise<void>;
  closeStdout(): void;
}

let folder: WorkFolder;
let silent: Server;
let silentPort = 0;

beforeAll(async () => {
  silent = createServer(() => {});
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  const address = silent.address();
  silentPort = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => void silent.close());

beforeEach(() => {
  folder = workFolder();
});

afterEach(() => folder.remove());

function start(argv: readonly string[], env: Record<string, string> = {}): Started {
  const began = performance.now();
  const child = spawn(process.execPath, [program, ...argv], {
    cwd: folder.path,
    env: { PATH: folder.file('bin'), HOME: folder.path, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<Ended>((done) => {
    child.once('close', (status) => done({ status, stdout, stderr, ms: performance.now() - began }));
  });
  const says = (text: string): Promise<void> =>
    new Promise((done) => {
      const look = (): void => void (stderr.includes(text) && done());
      child.stderr.on('data', look);
      look();
    });
  return { ended, says, signal: (name) => void child.kill(name), closeStdout: () => void child.stdout.destroy() };
}

/** A source that takes the connection and never answers: the run waits there. */
const waiting = () => ['mirror', 'ghcr.io/a/b:1', '--source-endpoint', `*=http://127.0.0.1:${silentPort}`];

describe('airgap', () => {
  it('starts quickly, as a command loads only what it needs', async () => {
    const times: number[] = [];
    for (let run = 0; run < 5; run += 1) {
      const { status, stdout, ms } = await start(['--help']).ended;
      expect([status, stdout]).toEqual([0, expect.stringContaining('Usage: airgap')]);
      times.push(ms);
    }
    // 150 ms on an idle machine; test machines are not idle.
    expect(Math.min(...times)).toBeLessThan(400);
  });

  it('prints its version', async () => {
    const { status, stdout } = await start(['--version']).ended;
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/)]);
  });

  it('ends with 2 for what it does not know', async () => {
    const { status, stderr } = await start(['mirro']).ended;
    expect([status, stderr]).toEqual([2, expect.stringContaining('Did you mean mirror?')]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends at once, cleanly and with 130 on %s', async (name) => {
    const run = start(waiting());
    await run.says('no --to was given');
    const sent = performance.now();
    run.signal(name);
    const { status, stderr } = await run.ended;
    expect(performance.now() - sent).toBeLessThan(2500);
    expect(status).toBe(130);
    expect(stderr).toMatch(new RegExp(`error: Cannot go on: interrupted by ${name}\\n +hint: `));
    expect(stderr).not.toContain('    at ');
  });

  it('does not mind a reader that goes away', async () => {
    const run = start(['images', '--talos', 'v1.14.4']);
    run.closeStdout();
    const { status, stderr } = await run.ended;
    expect([status, stderr]).toEqual([0, expect.not.stringContaining('EPIPE')]);
  });

  it('reads nothing from an empty standard input and says what to give', async () => {
    const { status, stderr } = await start(['mirror']).ended;
    expect([status, stderr]).toEqual([2, expect.stringContaining('no images were named')]);
  });
});
