/** Names as every program on this machine looks them up: its hosts file, its name servers. */
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { limitTo } from '../async/limit.ts';
import { lookUp } from './look-up.ts';
import { type NameServer, systemNameServers } from './name-servers.ts';
import { type Names, noSuchName, unanswered } from './names.ts';
import { codeOf, type Limits, StepFailure, TimedOut, within } from './trail.ts';

export interface SystemNamesOptions {
  /** Default: those of this machine. */
  readonly servers?: readonly NameServer[];
  /** Default: where POSIX systems keep it. */
  readonly hostsFile?: string;
}

/** getaddrinfo() runs in one of four threads (libuv): more at once would queue, and their time run out while they do. */
const threads = 4;

/**
 * getaddrinfo() waits 20 seconds and more for name servers that do not answer, cannot be ended, and keeps the process from ending. So
 * whether one answers is asked first; where none does, the hosts file alone is read.
 */
export function systemNames(options: SystemNamesOptions = {}): Names {
  const { servers = systemNameServers(), hostsFile = '/etc/hosts' } = options;
  const limit = limitTo(threads);
  let isAnswered: Promise<boolean> | undefined;
  return async (name, limits) => {
    isAnswered ??= servers.length === 0 ? Promise.resolve(true) : answersAny(servers, { name, limits });
    if (await isAnswered) return await limit(() => throughSystem(name, limits));
    const addresses = hostsIn(await readFile(hostsFile, 'utf8').catch(() => ''), name);
    if (addresses.length === 0) throw unanswered('those of this machine are silent');
    return { addresses, by: hostsFile };
  };
}

/** Any answer counts, and so does a refusal. */
async function answersAny(
  servers: readonly NameServer[],
  { name, limits }: { readonly name: string; readonly limits: Limits },
): Promise<boolean> {
  const { timeoutMs, signal } = limits;
  // Each is tried twice within the limit.
  const asked = await Promise.all(
    servers.map((server) => lookUp(name, { servers: [server], timeoutMs: Math.ceil(timeoutMs / 2), signal })),
  );
  return asked.some(({ failure, addresses }) => addresses.length > 0 || failure?.kind !== 'timeout');
}

async function throughSystem(name: string, limits: Limits) {
  try {
    const found = await within<readonly { readonly address: string }[]>(limits, ({ resolve, reject }) => {
      lookup(name, { all: true }).then(resolve, reject);
      return () => {};
    });
    return { addresses: found.map(({ address }) => address), by: 'this machine' };
  } catch (error) {
    if (limits.signal.aborted) throw limits.signal.reason;
    if (error instanceof TimedOut) throw unanswered(error.message);
    if (codeOf(error) === 'EAI_AGAIN') throw unanswered('temporary failure');
    if (error instanceof StepFailure || codeOf(error) === '') throw error;
    throw noSuchName(name, error);
  }
}

/** Addresses of a name in a hosts file (hosts(5)): an address and its names on a line, `#` begins a comment. */
export function hostsIn(text: string, name: string): string[] {
  const found = text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const isOurs = isIP(address) !== 0 && names.some((one) => one.toLowerCase() === name.toLowerCase());
    return isOurs ? [address] : [];
  });
  return [...new Set(found)];
}
