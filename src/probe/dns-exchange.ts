/** One question to one DNS server: over UDP, and over TCP when the answer did not fit (RFC 7766). */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createConnection, isIP } from 'node:net';
import { type DnsAnswer, type DnsQuestion, firstMessage, framed, printQuestion, readAnswer } from './dns-message.ts';
import type { NameServer } from './name-servers.ts';
import { codeOf, TimedOut, within } from './trail.ts';

/** Where an exchange goes to, and how long it may take. */
export interface ExchangeOptions {
  readonly server: NameServer;
  /** For the answer over UDP, and once more for one over TCP. */
  readonly timeoutMs: number;
  /** Its reason is what the exchange then rejects with. */
  readonly signal: AbortSignal | undefined;
}

/** No answer that can be used. `detail` in a few words: `no answer within 3000 ms`, `ECONNREFUSED`. */
export interface NoAnswer {
  readonly failed: 'timeout' | 'wrong-answer';
  readonly detail: string;
}

type Outcome = DnsAnswer | NoAnswer;

/** Asks with a random id from a random port. An answer that is cut off is asked for over TCP, one that refuses EDNS0 without it. */
export async function exchange(
  asked: Pick<DnsQuestion, 'name' | 'family'>,
  options: ExchangeOptions,
): Promise<Outcome> {
  const first = await askUdp({ ...asked, id: randomInt(65_536), edns: true }, options);
  // FORMERR and NOTIMP of a server that is older than EDNS0 (RFC 6891 section 7).
  const isOld = 'code' in first && (first.code === 1 || first.code === 4);
  const answer = isOld ? await askUdp({ ...asked, id: randomInt(65_536), edns: false }, options) : first;
  if ('failed' in answer || !answer.truncated) return answer;
  const whole = await askTcp({ ...asked, id: randomInt(65_536), edns: !isOld }, options);
  return 'failed' in whole
    ? { ...whole, detail: `its answer is cut off over UDP, and over TCP: ${whole.detail}` }
    : whole;
}

function askUdp(question: DnsQuestion, options: ExchangeOptions): Promise<Outcome> {
  const { server } = options;
  let foreign: string | undefined;
  return within<Outcome>(options, ({ resolve: done }) => {
    const socket = createSocket(isIP(server.address) === 6 ? 'udp6' : 'udp4');
    socket.on('error', (error) => done(notReached(error)));
    // A connected socket takes from this server alone (RFC 5452 section 9), and tells at once when nobody listens there.
    socket.on('connect', () => socket.send(printQuestion(question)));
    socket.on('message', (bytes) => {
      const read = readAnswer(bytes, question);
      if (!('rejected' in read)) done(read);
      else if (read.rejected === 'wrong') done({ failed: 'wrong-answer', detail: read.reason });
      // Anybody may send these: the right one may still come.
      else foreign = read.reason;
    });
    socket.connect(server.port, server.address);
    return () => void socket.close();
  }).catch((error: unknown) => notInTime(error, { ...options, foreign }));
}

function askTcp(question: DnsQuestion, options: ExchangeOptions): Promise<Outcome> {
  const { server } = options;
  return within<Outcome>(options, ({ resolve: done }) => {
    const socket = createConnection({ host: server.address, port: server.port });
    let pending = Buffer.alloc(0);
    socket.on('error', (error) => done(notReached(error)));
    socket.on('close', () => done({ failed: 'timeout', detail: 'TCP connection ended without an answer' }));
    socket.on('connect', () => socket.write(framed(printQuestion(question))));
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      const bytes = firstMessage(pending);
      if (bytes === undefined) return;
      const read = readAnswer(bytes, question);
      done('rejected' in read ? { failed: 'wrong-answer', detail: read.reason } : { ...read, truncated: false });
    });
    return () => void socket.destroy();
  }).catch((error: unknown) => notInTime(error, options));
}

/** `foreign`: what came that belongs to something else; nothing else came in time. */
function notInTime(
  error: unknown,
  { timeoutMs, foreign }: ExchangeOptions & { readonly foreign?: string | undefined },
): NoAnswer {
  if (!(error instanceof TimedOut)) throw error;
  if (foreign !== undefined) return { failed: 'wrong-answer', detail: foreign };
  return { failed: 'timeout', detail: `no answer within ${timeoutMs} ms` };
}

function notReached(error: Error): NoAnswer {
  return { failed: 'timeout', detail: codeOf(error) || error.message };
}
