/** Writes ASN.1 in DER (ITU-T X.690): what certificates need of it, and nothing that reads. Pure. */

/** One encoded value, tag and length included. */
export type Der = Uint8Array;

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  contextPrimitive: 0x80,
  contextConstructed: 0xa0,
} as const;

/** Definite form, shortest length (X.690, 10.1). */
function tagged(tag: number, content: Uint8Array): Der {
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(content.length)]), content]);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

export function sequence(...items: readonly Der[]): Der {
  return tagged(tags.sequence, Buffer.concat(items));
}

/** A set of one: the order of several would have to be by their octets. */
export function setOf(item: Der): Der {
  return tagged(tags.set, item);
}

export function boolean(value: boolean): Der {
  return tagged(tags.boolean, Buffer.from([value ? 0xff : 0x00]));
}

/** A whole number that is not negative, most significant octet first, in as few octets as possible. */
export function integer(value: number | Uint8Array): Der {
  const octets = typeof value === 'number' ? Buffer.from(value.toString(16).padStart(16, '0'), 'hex') : value;
  const first = octets.findIndex((octet) => octet !== 0);
  const short = first < 0 ? Buffer.from([0]) : octets.subarray(first);
  const isNegative = ((short[0] ?? 0) & 0x80) !== 0;
  return tagged(tags.integer, isNegative ? Buffer.concat([Buffer.from([0]), short]) : short);
}

/** Whole octets: no bit of the last one is unused. */
export function bitString(octets: Uint8Array): Der {
  return tagged(tags.bitString, Buffer.concat([Buffer.from([0]), octets]));
}

/** Named bits, counted from 0 at the most significant end; zeros at the end are left out (X.690, 11.2.2). */
export function namedBits(...bits: readonly number[]): Der {
  const last = Math.max(...bits);
  const octets = new Uint8Array(Math.floor(last / 8) + 1);
  for (const bit of bits) octets[Math.floor(bit / 8)] = (octets[Math.floor(bit / 8)] ?? 0) | (0x80 >> (bit % 8));
  return tagged(tags.bitString, Buffer.from([7 - (last % 8), ...octets]));
}

export function octetString(octets: Uint8Array): Der {
  return tagged(tags.octetString, octets);
}

/** `1.2.840.10045.4.3.2` and the like. */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap(base128);
  return tagged(tags.objectIdentifier, Buffer.from(octets));
}

function base128(value: number): number[] {
  const septets = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    septets.unshift(0x80 | (rest % 128));
  return septets;
}

export function utf8String(text: string): Der {
  return tagged(tags.utf8String, Buffer.from(text, 'utf8'));
}

/** To the second, in UTC: UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5). */
export function time(date: Date): Der {
  const text = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? tagged(tags.utcTime, Buffer.from(text.slice(2), 'latin1'))
    : tagged(tags.generalizedTime, Buffer.from(text, 'latin1'));
}

/** `[number]` around a value. */
export function explicitly(number: number, value: Der): Der {
  return tagged(tags.contextConstructed | number, value);
}

/** `[number]` in place of the tag of a primitive value. */
export function implicitly(number: number, content: Uint8Array): Der {
  return tagged(tags.contextPrimitive | number, content);
}
