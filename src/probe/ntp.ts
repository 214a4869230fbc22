/** A question for the time, and what an answer to it looks like (RFC 5905, 7.3; RFC 4330, 5). */
import { randomBytes } from 'node:crypto';

export interface NtpAnswer {
  /** 1 for a clock, up to 15 from there; 16 is not synchronised. */
  readonly stratum: number;
  /** Worth knowing of this server. */
  readonly notes: readonly string[];
}

/** Version 4, mode 3: a client. */
const clientHeader = 0x23;
const serverMode = 4;
const length = 48;

/** The packet, with 64 bits of chance as the time it was sent: the clock of this host is nobody's business, and answers repeat them. */
export function ntpQuestion(): Buffer {
  const packet = Buffer.alloc(length);
  packet.writeUInt8(clientHeader, 0);
  randomBytes(8).copy(packet, 40);
  return packet;
}

/** Undefined for what is no answer to this question: another mode, another time in it, too short. */
export function readNtpAnswer(bytes: Buffer, question: Buffer): NtpAnswer | undefined {
  if (bytes.length < length) return undefined;
  const isOurs = bytes.subarray(24, 32).equals(question.subarray(40, 48));
  if ((bytes.readUInt8(0) & 7) !== serverMode || !isOurs) return undefined;
  const stratum = bytes.readUInt8(1);
  const notes: string[] = [];
  const isUnset = bytes.readUInt8(0) >> 6 === 3 || stratum >= 16;
  if (stratum === 0) notes.push(`it sends clients away (${kissCode(bytes)})`);
  else if (isUnset) notes.push('its own clock is not set: clients do not take its time');
  return { stratum, notes };
}

/** Four letters (RFC 5905, 7.4). */
function kissCode(bytes: Buffer): string {
  const text = bytes.toString('latin1', 12, 16);
  return /^[A-Z]{4}$/.test(text) ? text : 'kiss of death';
}
