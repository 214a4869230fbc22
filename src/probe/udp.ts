/** A datagram and what comes back. */
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { hintOf, someOfBoth, stateOf } from './connect.ts';
import { codeOf, type Limits, StepFailure, seconds, TimedOut, within } from './trail.ts';

export interface Datagram<T> {
  readonly packet: Uint8Array;
  /** Reads an answer; undefined for one that is not of this question: the right one may still come. */
  readonly read: (bytes: Buffer) => T | undefined;
}

export interface Echo<T> {
  readonly value: T;
  readonly address: string;
  readonly milliseconds: number;
}

/** Most addresses of one name that are asked. */
const mostAddresses = 4;
/** Datagrams get lost: as often it is sent within the limit. */
const sendings = 3;

/**
 * Sends it to every address, from sockets that take from there alone and are told when nobody listens (ICMP). Throws StepFailure
 * `blocked` where none answers, `wrong answer` where only what nobody asked for came.
 */
export async function askUdp<T>(
  { addresses, port }: { readonly addresses: readonly string[]; readonly port: number },
  datagram: Datagram<T>,
  limits: Limits,
): Promise<Echo<T>> {
  const started = performance.now();
  try {
    return await Promise.any(
      someOfBoth(addresses, mostAddresses).map(async (address) => {
        const value = await askOne({ address, port }, datagram, limits);
        return { value, address, milliseconds: performance.now() - started };
      }),
    );
  } catch (error) {
    if (limits.signal.aborted) throw limits.signal.reason;
    throw notEchoed(error instanceof AggregateError ? error.errors : [error], limits);
  }
}

/** Bytes came, and they were no answer. */
class OnlyGarbage extends Error {}

function askOne<T>(
  { address, port }: { readonly address: string; readonly port: number },
  { packet, read }: Datagram<T>,
  limits: Limits,
): Promise<T> {
  let isForeign = false;
  return within<T>(limits, ({ resolve, reject }) => {
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
    let again: NodeJS.Timeout | undefined;
    const send = (): void => socket.send(packet, (error) => error !== null && reject(error));
    socket.on('error', reject);
    socket.on('message', (bytes) => {
      const value = read(bytes);
      if (value === undefined) isForeign = true;
      else resolve(value);
    });
    socket.on('connect', () => {
      again = setInterval(send, limits.timeoutMs / sendings);
      send();
    });
    socket.connect(port, address);
    return () => {
      clearInterval(again);
      socket.off('error', reject).on('error', () => {});
      socket.close();
    };
  }).catch((error: unknown) => {
    throw error instanceof TimedOut && isForeign ? new OnlyGarbage() : error;
  });
}

function notEchoed(reasons: readonly unknown[], { timeoutMs }: Limits): StepFailure {
  if (reasons.some((reason) => reason instanceof OnlyGarbage)) {
    return new StepFailure('wrong answer', 'what comes back is no answer to the question', {
      hint: 'something on the way answers in its place',
    });
  }
  const refused = reasons.find((reason) => codeOf(reason) !== '');
  if (refused !== undefined) return refusedDatagram(refused);
  return new StepFailure('blocked', `no answer within ${seconds(timeoutMs)}`, {
    hint: 'a firewall that drops looks like this, on the way there or back',
  });
}

function refusedDatagram(error: unknown): StepFailure {
  const state = codeOf(error) === 'ECONNREFUSED' ? 'port unreachable (ICMP)' : stateOf(error);
  return new StepFailure('blocked', state, { hint: hintOf(error), cause: error });
}

/**
 * For what never answers strangers, WireGuard above all (whitepaper, 5.1: "silence is a virtue"): throws StepFailure `blocked` where a
 * refusal (ICMP) comes back, and returns after the limit where nothing does.
 */
export async function watchForRefusal(
  place: { readonly address: string; readonly port: number },
  packet: Uint8Array,
  limits: Limits,
): Promise<void> {
  try {
    await askOne(place, { packet, read: () => true }, limits);
  } catch (error) {
    if (limits.signal.aborted) throw limits.signal.reason;
    if (codeOf(error) !== '') throw refusedDatagram(error);
  }
}
