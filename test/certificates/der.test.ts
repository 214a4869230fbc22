import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bitString,
  boolean,
  explicitly,
  implicitly,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  time,
  utf8String,
} from '../../src/certificates/der.ts';

const hex = (der: Uint8Array): string => Buffer.from(der).toString('hex');

/** Tag, length and content of the first value: written apart from the encoder, after X.690, 8.1. */
function readValue(der: Uint8Array): { tag: number; content: Uint8Array; rest: Uint8Array } {
  const [tag = 0, first = 0] = der;
  const count = first < 0x80 ? 0 : first & 0x7f;
  const length = count === 0 ? first : Number(`0x${hex(der.subarray(2, 2 + count))}`);
  const start = 2 + count;
  return { tag, content: der.subarray(start, start + length), rest: der.subarray(start + length) };
}

describe('DER', () => {
  it.each([
    ['true', boolean(true), '0101ff'],
    ['false', boolean(false), '010100'],
    ['0', integer(0), '020100'],
    ['127', integer(127), '02017f'],
    ['128, which would be negative in one octet', integer(128), '02020080'],
    ['256', integer(256), '02020100'],
    ['octets with zeros before them', integer(Buffer.from('000000ff', 'hex')), '020200ff'],
    ['ecdsa-with-SHA256', objectIdentifier('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    ['subjectAltName', objectIdentifier('2.5.29.17'), '0603551d11'],
    ['keyCertSign and cRLSign', namedBits(5, 6), '03020106'],
    ['digitalSignature', namedBits(0), '03020780'],
    ['decipherOnly, in the second octet', namedBits(8), '0303070080'],
    ['a bit string', bitString(Buffer.from('beef', 'hex')), '030300beef'],
    ['a text', utf8String('ä'), '0c02c3a4'],
    ['[0] EXPLICIT 2', explicitly(0, integer(2)), 'a003020102'],
    ['[7] IMPLICIT octets', implicitly(7, Buffer.from([10, 5, 0, 1])), '87040a050001'],
    ['an empty sequence', sequence(), '3000'],
    [
      'a time in 2049',
      time(new Date('2049-12-31T23:59:59.999Z')),
      `170d${Buffer.from('491231235959Z').toString('hex')}`,
    ],
    ['a time in 2050', time(new Date('2050-01-01T00:00:00Z')), `180f${Buffer.from('20500101000000Z').toString('hex')}`],
  ])('writes %s', (_, der, expected) => {
    expect(hex(der)).toBe(expected);
  });

  it('writes lengths in the shortest form', () => {
    for (const [length, header] of [
      [127, '047f'],
      [128, '048180'],
      [255, '0481ff'],
      [256, '04820100'],
      [65_536, '0483010000'],
    ] as const)
      expect(hex(octetString(new Uint8Array(length))).slice(0, header.length)).toBe(header);
  });

  it('nests so that every value can be read back', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 6 }), (parts) => {
        const outer = readValue(sequence(...parts.map(octetString)));
        expect([outer.tag, outer.rest.length]).toEqual([0x30, 0]);
        let rest = outer.content;
        for (const part of parts) {
          const inner = readValue(rest);
          expect([inner.tag, hex(inner.content)]).toEqual([0x04, hex(part)]);
          rest = inner.rest;
        }
        expect(rest.length).toBe(0);
      }),
    );
  });

  it('writes any whole number as itself, never negative', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), (octets) => {
        const { content } = readValue(integer(octets));
        expect((content[0] ?? 0) & 0x80).toBe(0);
        expect(BigInt(`0x${hex(content)}`)).toBe(BigInt(`0x${hex(octets)}`));
        expect(content.length === 1 || content[0] !== 0 || ((content[1] ?? 0) & 0x80) !== 0).toBe(true);
      }),
    );
  });
});
