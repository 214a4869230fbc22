import { describe, expect, it } from 'vitest';
import { ContactLog, timeOfEnvironment } from '../../src/cli/contact-log.ts';
import type { HostContact } from '../../src/http/client.ts';

const host: HostContact = {
  host: 'a.test:443',
  purpose: 'registry',
  requests: 1,
  receivedBytes: 2,
  sentBytes: 3,
  firstAt: Date.parse('2026-11-26T10:08:04.900Z'),
  lastAt: Date.parse('2026-11-26T10:08:09Z'),
  registries: ['a.test:443'],
  through: [],
};

function logOf(...clients: readonly (readonly HostContact[])[]): ContactLog {
  const log = new ContactLog({});
  for (const contacts of clients) log.watch({ contacts: () => contacts });
  return log;
}

describe('ContactLog', () => {
  it('sums over the clients of a run, as a lock has it', () => {
    const counts = { requests: 2, receivedBytes: 4, sentBytes: 6 };
    const times = { first: '2026-11-26T10:08:04Z', last: '2026-11-26T10:08:09Z' };
    expect(logOf([host], [host]).contacts()).toEqual([
      {
        host: 'a.test:443',
        purpose: 'registry',
        observed: { registries: ['a.test:443'], through: [], ...counts, ...times },
      },
    ]);
  });

  it('leaves out what no lock is read back with', () => {
    const odd = { ...host, host: "a'b.test:443" };
    const proxied = {
      ...host,
      registries: ['a.test:443', "a'b.test:443"],
      through: ['pro+xy:1', 'direct', 'proxy.test:1'],
    };
    expect(logOf([odd, proxied]).contacts()).toMatchObject([
      { observed: { registries: ['a.test:443'], through: ['direct', 'proxy.test:1'] } },
    ]);
  });

  it('never ends before it began, when the clock is set back', () => {
    const [contact] = logOf([{ ...host, lastAt: 0 }]).contacts();
    expect(contact?.observed).toMatchObject({ first: '2026-11-26T10:08:04Z', last: '2026-11-26T10:08:04Z' });
  });
});

describe('timeOfEnvironment()', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['0', '1970-01-01T00:00:00Z'],
    ['253402300799', '9999-12-31T23:59:59Z'],
  ])('reads %j', (text, time) => {
    expect(timeOfEnvironment(text === undefined ? {} : { SOURCE_DATE_EPOCH: text })).toBe(time);
  });

  it.each(['-1', '1.5', '1e3', ' 1', '0x10', 'now', '253402300800', '9'.repeat(400)])('refuses %j', (text) => {
    expect(() => timeOfEnvironment({ SOURCE_DATE_EPOCH: text })).toThrow(/Cannot use SOURCE_DATE_EPOCH/);
  });
});
