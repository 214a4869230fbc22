import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDuration, readEndpoint, readInteger, readListen, readUrl } from '../../src/cli/values.ts';
import { isAirgapError } from '../../src/errors.ts';

const onlyUsage = (read: () => unknown): void => {
  try {
    read();
  } catch (error) {
    expect(isAirgapError(error) && error.code).toBe('ERR_USAGE');
  }
};

describe('readDuration()', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['90', 90_000],
  ])('reads %s as %d ms', (text, ms) => expect(readDuration('--timeout', text)).toBe(ms));

  it.each(['', '0', '0s', '-1s', '5 m', '5m!', 'm5', '1d', '9999h', 'Infinity', '1e3s'])('refuses %j', (text) => {
    expect(() => readDuration('--timeout', text)).toThrow(/--timeout/);
  });
});

describe('readInteger()', () => {
  it.each(['', '0', '1001', '1.5', '1e3', '0x10', '-1', ' 1', '99999999999'])('refuses %j', (text) => {
    expect(() => readInteger('--retries', text)).toThrow(/--retries/);
  });

  it('reads what is in its bounds', () => {
    expect([readInteger('--n', '1'), readInteger('--n', '1000'), readInteger('--n', '0', { min: 0 })]).toEqual([
      1, 1000, 0,
    ]);
  });
});

describe('readListen()', () => {
  it.each([
    [':6000', undefined, 6000],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::1]:6000', '::1', 6000],
    ['localhost:80', 'localhost', 80],
  ])('reads %s', (text, host, port) => expect(readListen('--listen', text)).toEqual({ host, port }));

  it.each(['6000', 'localhost', ':65536', '::1:6000', 'a b:1', ':'])('refuses %j', (text) => {
    expect(() => readListen('--listen', text)).toThrow(/--listen/);
  });
});

describe('readEndpoint()', () => {
  it('normalises host, port and slash', () => {
    expect([readEndpoint('--endpoint', 'HTTP://Host:80/'), readEndpoint('--endpoint', 'https://h:6000')]).toEqual([
      'http://host',
      'https://h:6000',
    ]);
  });

  it('never repeats a password', () => {
    expect(() => readUrl('--endpoint', 'http://user:geheim@host')).toThrow(/\*\*\*@host/);
    expect(() => readUrl('--endpoint', 'ftp://user:geheim@host')).toThrow(/^(?!.*geheim)/);
  });
});

describe('every reader', () => {
  it('refuses garbage as ERR_USAGE and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const read of [readDuration, readInteger, readListen, readEndpoint, readUrl])
          onlyUsage(() => read('--x', text));
      }),
    );
  });
});
