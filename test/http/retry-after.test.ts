import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quotaOf, retryAfterMs } from '../../src/http/retry-after.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

describe('retryAfterMs()', () => {
  it.each([
    ['41', 41_000],
    [' 0 ', 0],
    ['1.5', 1500],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    ['99999999999999', undefined],
  ])('reads %j as %s', (text, expected) => {
    expect(retryAfterMs({ 'retry-after': text }, now)).toBe(expected);
  });

  it('measures a date against the clock of the server', () => {
    const headers = { 'retry-after': 'Thu, 01 Jan 2026 01:00:30 GMT', date: 'Thu, 01 Jan 2026 01:00:00 GMT' };
    expect(retryAfterMs(headers, now)).toBe(30_000);
  });

  it('gives nothing but waits of zero or more, whatever the text', () => {
    fc.assert(fc.property(fc.string(), (text) => (retryAfterMs({ 'retry-after': text }, now) ?? 0) >= 0));
  });
});

describe('quotaOf()', () => {
  it.each([
    [
      { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' },
      { remaining: 76, resetMs: 216_000 },
    ],
    [
      { 'ratelimit-remaining': '0', 'ratelimit-reset': '30' },
      { remaining: 0, resetMs: 30_000 },
    ],
    [{ 'ratelimit-remaining': '3' }, { remaining: 3, resetMs: undefined }],
    [{ 'ratelimit-remaining': 'many' }, undefined],
    [{}, undefined],
  ])('reads %j', (headers, expected) => {
    expect(quotaOf(headers as Record<string, string>)).toEqual(expected);
  });
});
