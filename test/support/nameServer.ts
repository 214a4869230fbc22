/**
 * A DNS server of our own over UDP and TCP, whose answers can be changed at any time.
 *
 *     const dns = await startNameServer();
 *     dns.set('ghcr.io', { addresses: ['127.0.0.7', '::1'], ttl: 60 });
 *     dns.set('cdn.example', { alias: 'ghcr.io', ttl: 5 });
 *     ... dns.server ... dns.count('ghcr.io', 'A') ...
 *     await dns.close();
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import { type Answer, type DecodedPacket, decode, encode, type Packet, type Question } from 'dns-packet';

/** What goes wrong with an answer. */
export type NameFault =
  | 'NXDOMAIN'
  | 'SERVFAIL'
  | 'REFUSED'
  /** FORMERR for whoever speaks EDNS0, the answer for who does not. */
  | 'no-edns'
  | 'silent'
  /** UDP says no more than that the answer is cut off. */
  | 'truncated'
  /** UDP cuts off, and TCP ends the connection. */
  | 'truncated-dead-end'
  | 'wrong-id'
  | 'wrong-question'
  | 'no-response-flag'
  | 'garbage'
  | 'garbage-body'
  /** Another answer with a wrong id comes before the right one. */
  | 'spoofed-first';

/** What a name has. */
export interface NameEntry {
  readonly addresses?: readonly string[];
  /** Name it is another name for (CNAME); its records follow in the same answer where they are known. */
  readonly alias?: string;
  /** The answer ends with the alias: whoever asked has to ask again. */
  readonly aliasAlone?: boolean;
  /** Seconds. Default 60. */
  readonly ttl?: number;
  readonly fault?: NameFault;
  /** The fault is of questions for this type alone. */
  readonly faultFor?: 'A' | 'AAAA';
  readonly delayMs?: number;
}

export interface AskedQuestion {
  readonly name: string;
  readonly type: string;
  readonly over: 'udp' | 'tcp';
  readonly id: number;
  /** Of who asked. */
  readonly port: number;
  readonly edns: number | undefined;
  /** `performance.now()`. */
  readonly at: number;
}

export interface TestNameServer {
  readonly server: { readonly address: string; readonly port: number };
  /** Every question, in the order they came. */
  readonly questions: readonly AskedQuestion[];
  count(name: string, type?: string): number;
  /** Replaces what the name has. Names that were never set are NXDOMAIN. */
  set(name: string, entry: NameEntry): void;
  remove(name: string): void;
  /** Ends it as if it was killed; the answers stay. */
  stop(): Promise<void>;
  /** Answers again, at the same port. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** At most this many bytes over UDP where EDNS0 is not spoken. */
const plainSize = 512;

/** By default on 127.0.0.1 and a free port. */
export async function startNameServer(
  options: { readonly address?: string; readonly port?: number } = {},
): Promise<TestNameServer> {
  const server = new NameServerOnSockets(options.address ?? '127.0.0.1');
  await server.listen(options.port ?? 0);
  return server;
}

class NameServerOnSockets implements TestNameServer {
  readonly #address: string;
  readonly #entries = new Map<string, NameEntry>();
  readonly #connections = new Set<Socket>();
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;
  #port = 0;
  readonly questions: AskedQuestion[] = [];

  constructor(address: string) {
    this.#address = address;
  }

  get server() {
    return { address: this.#address, port: this.#port };
  }

  count(name: string, type?: string): number {
    return this.questions.filter((asked) => asked.name === name && (type === undefined || asked.type === type)).length;
  }

  set(name: string, entry: NameEntry): void {
    this.#entries.set(name.toLowerCase(), entry);
  }

  remove(name: string): void {
    this.#entries.delete(name.toLowerCase());
  }

  /** A free port of TCP may be taken for UDP: another is tried. */
  async listen(port: number, tries = 20): Promise<void> {
    const tcp = createServer((socket) => this.#serveTcp(socket));
    tcp.listen(port, this.#address);
    await once(tcp, 'listening');
    const address = tcp.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : port;
    const udp = createSocket(isIP(this.#address) === 6 ? 'udp6' : 'udp4');
    try {
      udp.bind(this.#port, this.#address);
      await once(udp, 'listening');
    } catch (error) {
      await new Promise((resolve) => tcp.close(resolve));
      if (port !== 0 || tries <= 1) throw error;
      return await this.listen(port, tries - 1);
    }
    udp.on('message', (message, from) => this.#serveUdp(message, from));
    udp.on('error', () => {});
    [this.#udp, this.#tcp] = [udp, tcp];
  }

  async start(): Promise<void> {
    if (this.#udp === undefined) await this.listen(this.#port);
  }

  async stop(): Promise<void> {
    const [udp, tcp] = [this.#udp, this.#tcp];
    [this.#udp, this.#tcp] = [undefined, undefined];
    for (const socket of this.#connections) socket.destroy();
    if (udp !== undefined) await new Promise<void>((resolve) => udp.close(() => resolve()));
    if (tcp !== undefined) await new Promise<void>((resolve) => tcp.close(() => resolve()));
  }

  close(): Promise<void> {
    return this.stop();
  }

  #serveUdp(message: Buffer, from: RemoteInfo): void {
    const query = readQuery(message);
    if (query === undefined) return;
    this.#log(query, { over: 'udp', port: from.port });
    const { fault, delayMs = 0 } = this.#entryFor(query);
    const send = (packet: Buffer): void => this.#udp?.send(packet, from.port, from.address, () => {});
    const answer = (): void => {
      if (fault === 'silent') return;
      const right = this.#answer(query);
      if (fault === 'spoofed-first') {
        send(encode({ ...right, id: (query.id + 1) % 65_536, answers: [record(query.question, '203.0.113.66')] }));
      }
      const bytes = encode(right);
      const room = Math.max(plainSize, query.edns ?? 0);
      const cut = fault === 'truncated' || fault === 'truncated-dead-end' || bytes.length > room;
      send(faulty(cut ? encode({ ...right, flags: right.flags | truncatedFlag, answers: [] }) : bytes, fault));
    };
    if (delayMs > 0) setTimeout(answer, delayMs);
    else answer();
  }

  #serveTcp(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => {});
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0);
        this.#answerTcp(socket, pending.subarray(2, end));
        pending = pending.subarray(end);
      }
    });
  }

  #answerTcp(socket: Socket, message: Buffer): void {
    const query = readQuery(message);
    if (query === undefined) return;
    this.#log(query, { over: 'tcp', port: socket.remotePort ?? 0 });
    const { fault } = this.#entryFor(query);
    if (fault === 'silent') return;
    if (fault === 'truncated-dead-end') return void socket.destroy();
    const bytes = faulty(encode(this.#answer(query)), fault);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    // In pieces, as a network may deliver it.
    socket.write(length.subarray(0, 1));
    socket.write(length.subarray(1));
    socket.write(bytes);
  }

  #log({ question, id, edns }: Query, { over, port }: { readonly over: 'udp' | 'tcp'; readonly port: number }): void {
    const name = question.name.toLowerCase();
    this.questions.push({ name, type: question.type, over, id, port, edns, at: performance.now() });
  }

  /** The entry with a fault of another type left out. */
  #entryFor({ question }: Query): NameEntry {
    const entry = this.#entries.get(question.name.toLowerCase());
    if (entry === undefined) return { fault: 'NXDOMAIN' };
    const { fault, ...rest } = entry;
    return fault === undefined || (entry.faultFor !== undefined && entry.faultFor !== question.type) ? rest : entry;
  }

  #answer(query: Query): Packet & { readonly flags: number } {
    const { question, id } = query;
    const { fault } = this.#entryFor(query);
    const known = { type: 'response' as const, id, questions: [question] };
    const refusal = fault === 'no-edns' ? (query.edns === undefined ? 0 : 1) : (codes[fault ?? ''] ?? 0);
    if (refusal > 0) return { ...known, flags: recursionFlags | refusal, answers: [] };
    const { answers, missing } = this.#records(question);
    const additionals: Answer[] = query.edns === undefined ? [] : [optRecord];
    return { ...known, flags: recursionFlags | (missing ? 3 : 0), answers, additionals };
  }

  /** Along the aliases that are known. `missing`: the name at the end is not. */
  #records(question: Question): { answers: Answer[]; missing: boolean } {
    const answers: Answer[] = [];
    let name = question.name;
    for (let step = 0; step < 40; step += 1) {
      const entry = this.#entries.get(name.toLowerCase());
      if (entry === undefined || entry.fault === 'NXDOMAIN') return { answers, missing: true };
      const { ttl = 60, alias, addresses = [] } = entry;
      if (alias === undefined) {
        const family = question.type === 'A' ? 4 : question.type === 'AAAA' ? 6 : 0;
        const own = addresses.filter((address) => isIP(address) === family);
        return {
          answers: [...answers, ...own.map((data) => record({ ...question, name }, data, ttl))],
          missing: false,
        };
      }
      answers.push({ type: 'CNAME', name, class: 'IN', ttl, data: alias });
      if (entry.aliasAlone === true) break;
      name = alias;
    }
    return { answers, missing: false };
  }
}

interface Query {
  readonly id: number;
  readonly question: Question;
  /** Size the client takes over UDP, where it speaks EDNS0. */
  readonly edns: number | undefined;
}

const recursionFlags = 0x01_80;
const truncatedFlag = 0x02_00;
const codes: Readonly<Record<string, number>> = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };

const optRecord: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

function readQuery(message: Buffer): Query | undefined {
  let packet: DecodedPacket;
  try {
    packet = decode(message);
  } catch {
    return undefined;
  }
  const [question] = packet.questions ?? [];
  if (packet.type !== 'query' || packet.id === undefined || question === undefined) return undefined;
  const opt = packet.additionals?.find((extra) => extra.type === 'OPT');
  return { id: packet.id, question, edns: opt?.type === 'OPT' ? opt.udpPayloadSize : undefined };
}

function record({ name, type }: Question, data: string, ttl = 60): Answer {
  return {
    type: type === 'AAAA' ? 'AAAA' : 'A',
    name,
    class: 'IN',
    ttl,
    data: type === 'AAAA' && isIP(data) === 4 ? '::66' : data,
  };
}

function faulty(bytes: Buffer, fault: NameFault | undefined): Buffer {
  const changed = Buffer.from(bytes);
  if (fault === 'wrong-id') changed.writeUInt16BE((bytes.readUInt16BE(0) + 1) % 65_536, 0);
  if (fault === 'no-response-flag') changed.writeUInt8(bytes.readUInt8(2) & 0x7f, 2);
  // The first letter of the name that was asked for.
  if (fault === 'wrong-question') changed.writeUInt8(bytes.readUInt8(13) === 0x7a ? 0x79 : 0x7a, 13);
  if (fault === 'garbage') return Buffer.from('this is no DNS message at all');
  if (fault === 'garbage-body') changed.fill(0xff, 12);
  return changed;
}
