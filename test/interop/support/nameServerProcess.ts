/** The name server of the tests as a process of its own, for a network namespace. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { NameEntry } from '../../support/nameServer.ts';
import type { Order } from './nameServerOrders.ts';

const served = fileURLToPath(new URL('nameServerOrders.ts', import.meta.url));
const runner = fileURLToPath(new URL('../../support/run.mjs', import.meta.url));

export interface NameServerProcess {
  readonly address: string;
  /** Resolves once it answers so. */
  set(name: string, entry: NameEntry): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Port 53 of an address; `command` runs a command in the namespace. */
export async function nameServerIn(
  command: (words: readonly string[]) => readonly string[],
  address = '127.0.0.1',
): Promise<NameServerProcess> {
  const [program = '', ...args] = command([process.execPath, runner, served, address]);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const done = async (): Promise<void> => {
    const { value } = await lines.next();
    if (value !== 'done') throw new Error(`the name server ended: ${String(value)}`);
  };
  await done();
  const order = async (what: Order): Promise<void> => {
    child.stdin.write(`${JSON.stringify(what)}\n`);
    await done();
  };
  return {
    address,
    set: (set, entry) => order({ set, entry }),
    stop: () => order({ do: 'stop' }),
    start: () => order({ do: 'start' }),
    close: () => ended(child),
  };
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.stdin?.end();
  });
}
