/**
 * Asks DNS servers for all addresses of a name, with the aliases on the way to them and every TTL, which the resolver of Node.js does
 * not tell. A stub resolver (RFC 1034 section 5.3.1) over RFC 1035 messages: EDNS0 (RFC 6891), TCP for what is cut off (RFC 7766),
 * random ids and ports (RFC 5452), TTLs as RFC 2181 section 8 reads them, an absent name as RFC 8020 does.
 */
import { exchange, type NoAnswer } from './dns-exchange.ts';
import type { DnsAnswer, Family } from './dns-message.ts';
import { isAskable } from './dns-message.ts';
import { type NameServer, printNameServer } from './name-servers.ts';

/** Why a name has no addresses. `timeout` also where nobody listens. */
export type LookUpFailureKind =
  | 'no-such-name'
  | 'no-address'
  | 'refused'
  | 'server-failure'
  | 'timeout'
  | 'wrong-answer';

export interface LookUpFailure {
  readonly kind: LookUpFailureKind;
  /** One line, no full stop; may hold names out of an answer. */
  readonly message: string;
}

export interface ChainLink {
  /** What the name before it stands for. */
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
}

export interface LookedUpAddress {
  readonly address: string;
  readonly family: Family;
  /** Seconds: the least along its chain. */
  readonly ttl: number;
}

/** What servers say about a name. */
export interface LookUp {
  /** As it was asked for. */
  readonly name: string;
  /** Who answered; undefined where nobody did. */
  readonly server: NameServer | undefined;
  /** Aliases (CNAME) in order, from the name on. */
  readonly chain: readonly ChainLink[];
  /** Every one once, IPv4 first, in the order of the answers. */
  readonly addresses: readonly LookedUpAddress[];
  /** Set where there is no address. */
  readonly failure?: LookUpFailure | undefined;
  /** Of one family, where the other gave addresses: not answered, which is not the same as having none. */
  readonly unanswered?: LookUpFailure | undefined;
}

export interface LookUpOptions {
  /** Asked in this order: the next one when one does not answer, fails or refuses. */
  readonly servers: readonly NameServer[];
  /** For one try. Every server is tried twice before a name counts as not answered. */
  readonly timeoutMs: number;
  /** Its reason is what lookUp() then rejects with. */
  readonly signal?: AbortSignal | undefined;
}

/** Aliases of one name that are followed; resolvers allow about as many. */
const longestChain = 16;
const rounds = 2;

/** Asks for IPv4 and IPv6 addresses at once. Rejects only when the signal is aborted. */
export async function lookUp(name: string, options: LookUpOptions): Promise<LookUp> {
  const asked = name.toLowerCase().replace(/\.$/, '');
  if (!isAskable(asked)) {
    const failure = { kind: 'no-such-name', message: 'not a name that DNS can be asked for' } as const;
    return { name, server: undefined, chain: [], addresses: [], failure };
  }
  const [fourth, sixth] = await Promise.all([walk(asked, 4, options), walk(asked, 6, options)]);
  const found = fourth.addresses.length > 0 || sixth.addresses.length === 0 ? fourth : sixth;
  const { chain } = found.chain.length === 0 ? sixth : found;
  const addresses = [...fourth.addresses, ...sixth.addresses];
  const failure = graver(fourth.failure, sixth.failure);
  const server = found.server ?? fourth.server ?? sixth.server;
  if (addresses.length === 0) return { name, server, chain, addresses, failure };
  const isTold = failure !== undefined && failure.kind !== 'no-address' && failure.kind !== 'no-such-name';
  return { name, server, chain, addresses, ...(isTold && { unanswered: failure }) };
}

/** Which of two failures says more: one that may pass comes before one that says what the name has. */
function graver(one: LookUpFailure | undefined, other: LookUpFailure | undefined): LookUpFailure | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return gravity.indexOf(other.kind) < gravity.indexOf(one.kind) ? other : one;
}

const gravity: readonly LookUpFailureKind[] = [
  'wrong-answer',
  'timeout',
  'server-failure',
  'refused',
  'no-such-name',
  'no-address',
];

type Walked = Pick<LookUp, 'server' | 'chain' | 'addresses' | 'failure'>;

/** Follows the aliases of one name, within an answer and across answers. */
async function walk(name: string, family: Family, options: LookUpOptions): Promise<Walked> {
  const chain: ChainLink[] = [];
  const seen = new Set([name]);
  let current = name;
  let server: NameServer | undefined;
  for (;;) {
    const asked = await ask({ name: current, family }, options);
    server = asked.server ?? server;
    const fail = (failure: LookUpFailure): Walked => ({ server, chain, addresses: [], failure });
    if ('kind' in asked) return fail(asked);
    const before = current;
    for (let next = aliasOf(asked.answer, current); next !== undefined; next = aliasOf(asked.answer, current)) {
      const trouble = troubleWith(next.target, { seen, chain });
      if (trouble !== undefined) return fail({ kind: 'wrong-answer', message: trouble });
      seen.add(next.target);
      chain.push({ name: next.target, ttl: next.ttl });
      current = next.target;
    }
    const addresses = addressesOf(asked.answer, { name: current, family, chain });
    if (addresses.length > 0) return { server, chain, addresses };
    if (asked.answer.code === 3) return fail({ kind: 'no-such-name', message: `no such name: ${quoted(current)}` });
    if (current === before) return fail({ kind: 'no-address', message: `${quoted(current)} has no address` });
  }
}

function quoted(name: string): string {
  return JSON.stringify(name);
}

function aliasOf(answer: DnsAnswer, name: string): DnsAnswer['aliases'][number] | undefined {
  return answer.aliases.find((alias) => alias.name === name);
}

function troubleWith(
  target: string,
  { seen, chain }: { readonly seen: ReadonlySet<string>; readonly chain: readonly ChainLink[] },
): string | undefined {
  if (!isAskable(target)) return 'an alias leads to what is no name';
  if (seen.has(target)) return `the aliases lead in a circle: ${quoted(target)} comes twice`;
  return chain.length >= longestChain ? `more than ${longestChain} aliases, one after another` : undefined;
}

function addressesOf(
  answer: DnsAnswer,
  { name, family, chain }: { readonly name: string; readonly family: Family; readonly chain: readonly ChainLink[] },
): LookedUpAddress[] {
  const least = Math.min(Number.POSITIVE_INFINITY, ...chain.map((link) => link.ttl));
  const found = new Map<string, LookedUpAddress>();
  for (const { name: owner, address, ttl } of answer.addresses) {
    if (owner !== name) continue;
    const known = found.get(address)?.ttl ?? Number.POSITIVE_INFINITY;
    found.set(address, { address, family, ttl: Math.min(known, ttl, least) });
  }
  return [...found.values()];
}

type Asked =
  | { readonly answer: DnsAnswer; readonly server: NameServer }
  | (LookUpFailure & { readonly server?: never });

/** The first server that knows, each tried again after all others did not. */
async function ask(
  question: { readonly name: string; readonly family: Family },
  { servers, timeoutMs, signal }: LookUpOptions,
): Promise<Asked> {
  let failure: LookUpFailure = { kind: 'timeout', message: 'there is no name server to ask' };
  let left = servers;
  for (let round = 0; round < rounds && left.length > 0; round += 1) {
    const again: NameServer[] = [];
    for (const server of left) {
      const outcome = await exchange(question, { server, timeoutMs, signal });
      const trouble = failureOf(outcome, server);
      if (trouble === undefined && 'code' in outcome) return { answer: outcome, server };
      if (trouble !== undefined) failure = trouble;
      // Who refused once does so again.
      if (trouble?.kind === 'timeout' || trouble?.kind === 'server-failure') again.push(server);
    }
    left = again;
  }
  return failure;
}

function failureOf(outcome: DnsAnswer | NoAnswer, server: NameServer): LookUpFailure | undefined {
  const who = `name server ${printNameServer(server)}`;
  if ('failed' in outcome) return { kind: outcome.failed, message: `${who}: ${outcome.detail}` };
  if (outcome.code === 0 || outcome.code === 3) return undefined;
  if (outcome.code === 5) return { kind: 'refused', message: `${who} refuses to answer (REFUSED)` };
  const name = { 1: 'FORMERR', 2: 'SERVFAIL', 4: 'NOTIMP' }[outcome.code] ?? `RCODE ${outcome.code}`;
  return { kind: 'server-failure', message: `${who} failed (${name})` };
}
