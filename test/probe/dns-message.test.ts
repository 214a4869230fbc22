import { encode } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DnsQuestion, isAskable, printQuestion, readAnswer } from '../../src/probe/dns-message.ts';

const question: DnsQuestion = { name: 'ghcr.io', family: 4, id: 0x1234, edns: true };
const right = encode({
  type: 'response',
  id: 0x1234,
  questions: [{ type: 'A', name: 'ghcr.io' }],
  answers: [
    { type: 'CNAME', name: 'ghcr.io', ttl: 5, data: 'cdn.example' },
    { type: 'A', name: 'cdn.example', ttl: 5, data: '192.0.2.1' },
    { type: 'AAAA', name: 'cdn.example', ttl: 5, data: '2001:db8::1' },
    { type: 'TXT', name: 'cdn.example', ttl: 5, data: 'text' },
  ],
});

describe('readAnswer', () => {
  it('takes the records of the family that was asked for', () => {
    expect(readAnswer(right, question)).toEqual({
      code: 0,
      truncated: false,
      aliases: [{ name: 'ghcr.io', target: 'cdn.example', ttl: 5 }],
      addresses: [{ name: 'cdn.example', address: '192.0.2.1', ttl: 5 }],
    });
  });

  it('takes no answer to another name, type or id', () => {
    expect(readAnswer(right, { ...question, id: 1 })).toMatchObject({ rejected: 'foreign' });
    expect(readAnswer(right, { ...question, family: 6 })).toMatchObject({ rejected: 'wrong' });
    expect(readAnswer(right, { ...question, name: 'ghcr.example' })).toMatchObject({ rejected: 'wrong' });
    expect(readAnswer(printQuestion(question), question)).toMatchObject({ rejected: 'wrong' });
  });

  it('takes no record of another class, and reads names as they were asked for', () => {
    const id = 0x1234;
    const questions = [{ type: 'A', name: 'GhCr.IO' }] as const;
    const strange = encode({
      type: 'response',
      id,
      questions: [...questions],
      answers: [
        { type: 'A', name: 'gHcR.io', class: 'CH', ttl: 5, data: '192.0.2.66' },
        { type: 'CNAME', name: 'ghcr.io', class: 'HS', ttl: 5, data: 'evil.example' },
        { type: 'A', name: 'GHCR.io', class: 'IN', ttl: 5, data: '192.0.2.1' },
      ],
    });
    expect(readAnswer(strange, question)).toMatchObject({
      aliases: [],
      addresses: [{ name: 'ghcr.io', address: '192.0.2.1', ttl: 5 }],
    });
  });

  it('throws at no bytes whatever, and gives addresses that are addresses', () => {
    const tail = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.concat([right.subarray(0, 25), bytes]));
    const counts = fc
      .tuple(tail, fc.array(fc.nat(0xff_ff), { minLength: 4, maxLength: 4 }))
      .map(([bytes, numbers]) => withCounts(bytes, numbers));
    const turned = fc.array(fc.tuple(fc.nat(right.length - 1), fc.nat(255)), { maxLength: 12 }).map((changes) => {
      const bytes = Buffer.from(right);
      for (const [index, value] of changes) bytes[index] = value;
      return bytes;
    });
    const cut = fc.nat(right.length).map((length) => right.subarray(0, length));
    const anything = fc.uint8Array({ maxLength: 1300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(tail, counts, turned, cut, anything), (bytes) => {
        const read = readAnswer(bytes, question);
        if ('rejected' in read) return;
        for (const { address, ttl } of read.addresses) {
          expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
          expect(ttl).toBeLessThan(2 ** 31);
        }
      }),
      { numRuns: 4000 },
    );
  });
});

function withCounts(bytes: Buffer, counts: readonly number[]): Buffer {
  const changed = Buffer.from(bytes);
  // One question and as many records as chance says.
  counts.slice(1).forEach((count, index) => {
    changed.writeUInt16BE(count, 6 + 2 * index);
  });
  return changed;
}

describe('isAskable', () => {
  it.each(['ghcr.io', 'a_b.c-d.example', 'xn--bcher-kva.example', '1.example'])('takes %s', (name) => {
    expect(isAskable(name)).toBe(true);
  });

  it.each(['', '.', 'a..b', 'a b', '*.pkg.dev', '<omni>', 'é.example', `${'a'.repeat(64)}.b`, `${'a.'.repeat(127)}aa`])(
    'refuses %j',
    (name) => {
      expect(isAskable(name)).toBe(false);
    },
  );
});
