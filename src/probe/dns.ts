/** Whether a name server answers a question, over UDP or TCP. */
import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  type DnsAnswer,
  type DnsQuestion,
  firstMessage,
  framed,
  printQuestion,
  type ReadAnswer,
  readAnswer,
} from './dns-message.ts';
import { codeOf, type Limits, StepFailure, seconds, TimedOut, within } from './trail.ts';
import { askUdp, type Echo } from './udp.ts';

function questionFor(name: string): DnsQuestion {
  return { name, family: 4, id: randomInt(65_536), edns: false };
}

/** Throws StepFailure. An answer that belongs to the question counts, whatever it says. */
export async function askDnsOverUdp(
  place: { readonly addresses: readonly string[]; readonly port: number },
  name: string,
  limits: Limits,
): Promise<Echo<DnsAnswer>> {
  const question = questionFor(name);
  const echo = await askUdp(
    place,
    { packet: printQuestion(question), read: (bytes) => right(bytes, question) },
    limits,
  );
  return { ...echo, value: accepted(echo.value) };
}

function right(bytes: Buffer, question: DnsQuestion): DnsAnswer | undefined {
  const read: ReadAnswer = readAnswer(bytes, question);
  return 'rejected' in read ? undefined : read;
}

/** RCODE 5 (RFC 1035, 4.1.1): not for who asks. */
function accepted(answer: DnsAnswer): DnsAnswer {
  if (answer.code !== 5) return answer;
  throw new StepFailure('wrong answer', 'it refuses to answer questions from here (REFUSED)', {
    hint: 'have the name server serve this host too',
  });
}

/** `answers`, and with what where that is not an address. */
export function dnsState({ code }: DnsAnswer, name: string): string {
  if (code === 3) return `answers: ${JSON.stringify(name)} is not a name it knows`;
  return code === 0 ? 'answers' : `answers with a failure (RCODE ${code})`;
}

/** Asks over a connected socket. Throws StepFailure. */
export async function askDnsOverTcp(socket: Socket, name: string, limits: Limits): Promise<DnsAnswer> {
  const question = questionFor(name);
  try {
    const bytes = await within<Buffer>(limits, ({ resolve, reject }) => {
      let pending = Buffer.alloc(0);
      socket.on('error', reject);
      socket.on('close', () => reject(new StepFailure('blocked', 'connection cut before an answer came')));
      socket.on('data', (chunk) => {
        pending = Buffer.concat([pending, chunk]);
        const message = firstMessage(pending);
        if (message !== undefined) resolve(message);
      });
      socket.write(framed(printQuestion(question)));
      return () => void socket.destroy();
    });
    const answer = right(bytes, question);
    if (answer !== undefined) return accepted(answer);
    throw new StepFailure('wrong answer', 'what comes back is no answer to the question');
  } catch (error) {
    if (limits.signal.aborted) throw limits.signal.reason;
    if (error instanceof StepFailure) throw error;
    const state =
      error instanceof TimedOut
        ? `connected, and no answer within ${seconds(limits.timeoutMs)}`
        : `connection cut (${codeOf(error)})`;
    throw new StepFailure('blocked', state, { cause: error });
  }
}
