/** Tries a destination that is spoken to in datagrams. */
import { randomBytes } from 'node:crypto';
import type { Attempt } from './attempt.ts';
import { askDnsOverUdp, dnsState } from './dns.ts';
import { ntpQuestion, readNtpAnswer } from './ntp.ts';
import { askUdp, watchForRefusal } from './udp.ts';

/** What an attempt ended with. `isSure` false: nothing says that it is closed, nothing that it is open. */
export interface Told {
  readonly text: string;
  readonly isSure: boolean;
}

/** Names, the time, or something that does not answer strangers. Throws StepFailure. */
export async function speakUdp(attempt: Attempt): Promise<Told> {
  const { speaks, port } = attempt.destination;
  const { limits, trail } = attempt;
  const place = { addresses: await attempt.resolve(), port };
  return await trail.take('answer', async () => {
    const { text, isSure, milliseconds } =
      speaks === 'dns' ? await udpNames(attempt, place) : speaks === 'ntp' ? await udpTime(attempt, place) : silent();
    if (!isSure) await watchForRefusal({ address: place.addresses[0] ?? '', port }, handshake(), limits);
    attempt.milliseconds = milliseconds;
    return { value: { text, isSure }, detail: text };
  });
}

interface TimedTold extends Told {
  readonly milliseconds?: number;
}

type Place = Parameters<typeof askUdp>[0];

async function udpNames({ probing }: Attempt, place: Place): Promise<TimedTold> {
  const { value, milliseconds } = await askDnsOverUdp(place, probing.question, probing.limits);
  return { text: dnsState(value, probing.question), isSure: true, milliseconds };
}

async function udpTime({ notes, limits }: Attempt, place: Place): Promise<TimedTold> {
  const packet = ntpQuestion();
  const echo = await askUdp(place, { packet, read: (bytes) => readNtpAnswer(bytes, packet) }, limits);
  notes.push(...echo.value.notes);
  const { stratum } = echo.value;
  const text = stratum === 0 ? 'answers, and tells no time' : `tells the time, stratum ${stratum}`;
  return { text, isSure: true, milliseconds: echo.milliseconds };
}

function silent(): TimedTold {
  return { text: 'not refused, and cannot be told: it does not answer strangers', isSure: false };
}

/** Has the length and first bytes of a WireGuard handshake (whitepaper, 5.4.2), and no meaning: it is dropped. */
function handshake(): Buffer {
  return Buffer.concat([Buffer.from([1, 0, 0, 0]), randomBytes(144)]);
}
