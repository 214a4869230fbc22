/**
 * A question to a DNS server, and its answer read with suspicion: whatever the bytes are, nothing is thrown. Messages: RFC 1035
 * section 4; EDNS0: RFC 6891; AAAA: RFC 3596; which answer belongs to a question: RFC 5452 section 9.
 */
import { isIP } from 'node:net';
import { type Answer, type DecodedPacket, decode, encode } from 'dns-packet';

/** Address records by family: A and AAAA. */
export type Family = 4 | 6;

/** One question. */
export interface DnsQuestion {
  /** Lower case, without a dot at its end. */
  readonly name: string;
  readonly family: Family;
  /** 0 to 65535, by chance. */
  readonly id: number;
  /** Say which size is taken over UDP: old servers refuse such a question. */
  readonly edns: boolean;
}

/** An answer that belongs to the question. */
export interface DnsAnswer {
  /** RCODE: 0 is no error, 1 not understood, 2 server failure, 3 no such name, 4 not implemented, 5 refused. */
  readonly code: number;
  /** It did not fit: ask over TCP. */
  readonly truncated: boolean;
  readonly aliases: readonly { readonly name: string; readonly target: string; readonly ttl: number }[];
  readonly addresses: readonly { readonly name: string; readonly address: string; readonly ttl: number }[];
}

/** `foreign`: of another question; wait on. `wrong`: of this one by its id, and of no use. */
export type ReadAnswer = DnsAnswer | { readonly rejected: 'foreign' | 'wrong'; readonly reason: string };

/** What fits through nearly every path without fragments, which resolvers agreed on for the DNS flag day of 2020. */
const udpSize = 1232;
const recursionDesired = 0x01_00;
const truncatedFlag = 0x02_00;

/** The bytes of a question for a recursive server. The name has to be one isAskable() takes. */
export function printQuestion({ name, family, id, edns }: DnsQuestion): Buffer {
  return encode({
    type: 'query',
    id,
    flags: recursionDesired,
    questions: [{ type: typeOf(family), name, class: 'IN' }],
    additionals: edns ? [optRecord] : [],
  });
}

const optRecord: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: udpSize,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

function typeOf(family: Family): 'A' | 'AAAA' {
  return family === 4 ? 'A' : 'AAAA';
}

/**
 * A name that fits into a question: labels of 1 to 63 letters, digits, hyphens and underscores, 253 characters at most (RFC 1035
 * section 2.3.4; underscores stand in the names of hosting services).
 */
export function isAskable(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i.test(name);
}

/** Over TCP every message has its length before it, in two bytes (RFC 1035, 4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The first message of such a stream; undefined until all of it came. */
export function firstMessage(stream: Buffer): Buffer | undefined {
  const end = stream.length < 2 ? Number.POSITIVE_INFINITY : 2 + stream.readUInt16BE(0);
  return stream.length < end ? undefined : stream.subarray(2, end);
}

/** Reads what came for a question. */
export function readAnswer(bytes: Buffer, question: DnsQuestion): ReadAnswer {
  if (bytes.length < 12) return { rejected: 'foreign', reason: 'a message that is too short' };
  if (bytes.readUInt16BE(0) !== question.id) return { rejected: 'foreign', reason: 'an answer with another id' };
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch {
    return { rejected: 'wrong', reason: 'an answer that cannot be read' };
  }
  const [asked, ...more] = packet.questions ?? [];
  const flags = packet.flags ?? 0;
  const code = flags & 0xf;
  if (packet.type !== 'response') return { rejected: 'wrong', reason: 'a question in place of an answer' };
  // Servers that did not understand a question need not repeat it.
  const isBare = asked === undefined && code !== 0 && code !== 3;
  const isOurs = asked?.type === typeOf(question.family) && hostName(asked.name) === question.name;
  if (!isBare && (!isOurs || more.length > 0)) return { rejected: 'wrong', reason: 'an answer to another question' };
  return { code, truncated: (flags & truncatedFlag) !== 0, ...recordsOf(packet, question.family) };
}

function recordsOf(packet: DecodedPacket, family: Family): Pick<DnsAnswer, 'aliases' | 'addresses'> {
  const aliases: { name: string; target: string; ttl: number }[] = [];
  const addresses: { name: string; address: string; ttl: number }[] = [];
  for (const answer of packet.answers ?? []) {
    if (answer.type === 'OPT' || answer.class !== 'IN') continue;
    const known = { name: hostName(answer.name), ttl: secondsOf(answer.ttl) };
    if (answer.type === 'CNAME' && typeof answer.data === 'string')
      aliases.push({ ...known, target: hostName(answer.data) });
    if (answer.type !== typeOf(family) || typeof answer.data !== 'string' || isIP(answer.data) !== family) continue;
    addresses.push({ ...known, address: answer.data });
  }
  return { aliases, addresses };
}

function hostName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

/** A TTL with its highest bit set means 0 (RFC 2181 section 8). */
function secondsOf(ttl: number | undefined): number {
  return ttl === undefined || ttl > 0x7f_ff_ff_ff ? 0 : ttl;
}
