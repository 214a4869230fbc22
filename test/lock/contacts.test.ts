import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHostAndPort, sumContacts, timeText } from '../../src/lock/contacts.ts';
import type { Contact } from '../../src/lock/lock.ts';
import { contact as anyContact } from './arbitraries.ts';

const contact = (more: Partial<NonNullable<Contact['observed']>> = {}): Contact => ({
  host: 'a.test:443',
  purpose: 'registry',
  observed: {
    registries: ['a.test:443'],
    through: [],
    requests: 1,
    receivedBytes: 10,
    sentBytes: 2,
    first: '2026-11-26T10:00:00Z',
    last: '2026-11-26T10:00:05Z',
    ...more,
  },
});

describe('isHostAndPort()', () => {
  it.each(['a.test:443', '10.0.0.1:5000', '[fd00::1]:80', 'my_bucket.s3.test:443', '_x.test:1', 'localhost:65535'])(
    'takes %s',
    (text) => {
      expect(isHostAndPort(text)).toBe(true);
    },
  );

  it.each([
    ...['', 'a.test', 'a.test:', ':443', 'a.test:0', 'a.test:65536', 'a.test:0443', 'A.test:443', 'a.test.:443'],
    ...['a b:1', 'a*b:1', '*.a.test:443', "a'b:1", 'a;b:1', 'a$b:1', 'u@a:1', 'fd00::1:80', '[fd00::1%25eth0]:80'],
    ...['[fd00:0::1]:80', 'a.test:443\n', '-a.test:1', 'a..test:1', '1.2.3.999:1', `${'a'.repeat(64)}.test:1`],
  ])('refuses %j', (text) => {
    expect(isHostAndPort(text)).toBe(false);
  });
});

describe('timeText()', () => {
  it('is UTC to the second, cut and not rounded, and nothing for what is no time', () => {
    expect([timeText(0), timeText(1_764_151_684_999)]).toEqual(['1970-01-01T00:00:00Z', '2025-11-26T10:08:04Z']);
    expect([timeText(Number.NaN), timeText(1e15), timeText(Number.MAX_VALUE)]).toEqual(['', '', '']);
  });
});

describe('sumContacts()', () => {
  it('adds counts, joins hosts, and takes the earliest and the latest time', () => {
    const later = contact({
      through: ['proxy.test:3128'],
      registries: ['b.test:443', 'a.test:443'],
      first: '2026-11-27T10:00:00Z',
      last: '2026-11-27T10:00:00Z',
    });
    const sum = contact({
      through: ['direct', 'proxy.test:3128'],
      registries: ['a.test:443', 'b.test:443'],
      requests: 2,
      receivedBytes: 20,
      sentBytes: 4,
      last: '2026-11-27T10:00:00Z',
    });
    expect(sumContacts([contact(), later])).toEqual([sum]);
    expect(sumContacts([later, contact()])).toEqual([sum]);
  });

  it('keeps purposes apart, and what is known beside a contact of which nothing is', () => {
    const bare: Contact = { host: 'a.test:443', purpose: 'registry' };
    const token: Contact = { host: 'a.test:443', purpose: 'token' };
    expect(sumContacts([token, bare, contact()])).toEqual([contact(), token]);
    expect(sumContacts([contact(), bare])).toEqual([contact()]);
    expect(sumContacts([bare, bare])).toEqual([bare]);
  });

  it('keeps that a host was reached through a proxy and without one', () => {
    const [plain, one] = [contact(), contact({ through: ['p.test:1'] })];
    const throughOf = (contacts: readonly Contact[]) => sumContacts(contacts)[0]?.observed?.through;
    expect(throughOf([plain, plain])).toEqual([]);
    expect(throughOf([one, one])).toEqual(['p.test:1']);
    expect(throughOf([plain, one])).toEqual(['direct', 'p.test:1']);
    expect(throughOf([contact({ through: ['direct', 'p.test:1'] }), contact({ through: ['b.test:1'] })])).toEqual([
      'b.test:1',
      'direct',
      'p.test:1',
    ]);
  });

  it('keeps no more contacts than a lock is read back with, however many new names a registry thinks of', () => {
    const many = Array.from({ length: 10_002 }, (_, at) => ({ ...contact(), host: `h${100_000 + at}.test:443` }));
    const sum = sumContacts(many);
    expect([sum.length, sum.at(-1)?.host]).toEqual([10_000, 'h109999.test:443']);
  });

  it('never leaves the numbers that a lock may hold', () => {
    const most = contact({ requests: Number.MAX_SAFE_INTEGER });
    expect(sumContacts([most, most])[0]?.observed?.requests).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('gives the same for any order, and for sums of sums', () => {
    const some = fc.array(anyContact, { maxLength: 8 });
    fc.assert(
      fc.property(some, some, (one, other) => {
        const whole = sumContacts([...one, ...other]);
        expect(sumContacts([...other, ...one].toReversed())).toEqual(whole);
        expect(sumContacts([...sumContacts(one), ...sumContacts(other)])).toEqual(whole);
      }),
    );
  });
});
