/** TCP to a host that has several addresses. */
import { createConnection, isIP, type Socket } from 'node:net';
import { linkSignals } from '../async/linked-signal.ts';
import { codeOf, type Limits, StepFailure, seconds, TimedOut, within } from './trail.ts';

export interface Connected {
  readonly socket: Socket;
  readonly address: string;
  /** Of how many addresses: some, where there are many. */
  readonly tried: number;
  /** Round trip: from the first packet to the answer. */
  readonly milliseconds: number;
  /** Addresses that did not answer as well, one line each; settles soon after the first answer. Never rejects. */
  readonly others: Promise<readonly string[]>;
}

/** Most addresses of one name that are tried. */
const mostAddresses = 8;
/** How much longer than the first answer others are waited for. */
const grace = { leastMs: 500, times: 5 } as const;

/**
 * Connects to all addresses at once: a firewall that holds some of a name's addresses lets some connections through, and who tries one
 * after another only sees it now and then. Throws StepFailure where none answers.
 */
export async function connectToAny(addresses: readonly string[], port: number, limits: Limits): Promise<Connected> {
  const started = performance.now();
  const tried = someOfBoth(addresses, mostAddresses);
  const stop = new AbortController();
  const link = linkSignals([limits.signal, stop.signal]);
  const own = { timeoutMs: limits.timeoutMs, signal: link.signal };
  const attempts = tried.map((address) => connectTo(address, port, own));
  try {
    const first = await Promise.any(attempts.map(async (attempt, index) => ({ socket: await attempt, index })));
    const milliseconds = performance.now() - started;
    const others = othersOf(attempts, { first: first.index, tried, milliseconds, stop }).finally(link.unlink);
    return { socket: first.socket, address: tried[first.index] ?? '', tried: tried.length, milliseconds, others };
  } catch (error) {
    link.unlink();
    if (limits.signal.aborted) throw limits.signal.reason;
    const reasons = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [error];
    throw notConnected(reasons, { tried, timeoutMs: limits.timeoutMs });
  }
}

/** The first ones, and where that leaves out a family, some of that: what is closed for one may be open for the other. */
export function someOfBoth(addresses: readonly string[], most: number): readonly string[] {
  if (addresses.length <= most) return addresses;
  const [fourth, sixth] = [4, 6].map((family) => addresses.filter((address) => isIP(address) === family));
  const ofSixth = Math.min(sixth?.length ?? 0, Math.max(most / 2, most - (fourth?.length ?? 0)));
  return [...(fourth ?? []).slice(0, most - ofSixth), ...(sixth ?? []).slice(0, ofSixth)];
}

function connectTo(address: string, port: number, limits: Limits): Promise<Socket> {
  return within(limits, ({ resolve, reject }) => {
    const socket = createConnection({ host: address, port });
    socket.on('error', reject);
    socket.on('connect', () => resolve(socket));
    return (failed) => {
      if (failed) socket.on('error', () => {}).destroy();
      else socket.off('error', reject).on('error', () => {});
    };
  });
}

interface Race {
  readonly first: number;
  readonly tried: readonly string[];
  readonly milliseconds: number;
  readonly stop: AbortController;
}

async function othersOf(
  attempts: readonly Promise<Socket>[],
  { first, tried, milliseconds, stop }: Race,
): Promise<readonly string[]> {
  const late = setTimeout(() => stop.abort(), Math.max(grace.leastMs, grace.times * milliseconds));
  const states = await Promise.all(
    attempts.map(async (attempt, index) => {
      if (index === first) return [];
      try {
        (await attempt).destroy();
        return [];
      } catch (error) {
        // Without IPv6 here its addresses say nothing.
        if (isWithoutRoute(error) && isIP(tried[index] ?? '') !== isIP(tried[first] ?? '')) return [];
        return [`${tried[index]}: ${stop.signal.aborted && codeOf(error) === '' ? 'no answer' : stateOf(error)}`];
      }
    }),
  );
  clearTimeout(late);
  return states.flat();
}

function notConnected(
  reasons: readonly unknown[],
  { tried, timeoutMs }: { readonly tried: readonly string[]; readonly timeoutMs: number },
): StepFailure {
  // What an address that cannot be reached at all says is no news beside one that was refused or dropped.
  const telling = reasons.filter((reason) => !isWithoutRoute(reason));
  const [first] = telling.length === 0 ? reasons : telling;
  const several = tried.length === 1 ? '' : ` (tried ${tried.join(', ')})`;
  if (first instanceof TimedOut) {
    return new StepFailure('blocked', `connection not answered within ${seconds(timeoutMs)}${several}`, {
      hint: 'a firewall that drops looks like this',
    });
  }
  return new StepFailure('blocked', `${stateOf(first)}${several}`, { hint: hintOf(first), cause: first });
}

/** This host itself cannot send there: it has no route, or not this family. */
export function isWithoutRoute(reason: unknown): boolean {
  return ['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(reason));
}

/** What an error of a socket says, in a few words. */
export function stateOf(error: unknown): string {
  const code = codeOf(error);
  if (error instanceof TimedOut) return error.message;
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'EPERM' || code === 'EACCES') return `forbidden on this host (${code})`;
  if (isWithoutRoute(error)) return `no route to it (${code})`;
  if (code === 'EHOSTUNREACH') return `rejected on the way (${code})`;
  return code === '' ? String(error instanceof Error ? error.message : error) : `connection failed (${code})`;
}

/** What to do about it. */
export function hintOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED')
    return 'a firewall that rejects looks like this, and so does a host on which nobody listens';
  if (code === 'EPERM' || code === 'EACCES') return "look at this host's own firewall rules";
  if (isWithoutRoute(error)) return 'look at the routes of this host';
  return 'a router or firewall on the way rejects it';
}
