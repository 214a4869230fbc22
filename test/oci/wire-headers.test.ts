import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseContentRange,
  parseLinkNext,
  parseRangeHeader,
  parseUploadOffset,
  parseUploadRange,
  printContentRange,
  printRange,
  printUploadRange,
} from '../../src/oci/wire-headers.ts';

const range = fc
  .tuple(fc.nat(1e9), fc.integer({ min: 1, max: 1e9 }), fc.nat(1e9))
  .map(([start, length, rest]) => ({ start, end: start + length, size: start + length + rest }));

describe('parseContentRange()', () => {
  it('undoes printContentRange()', () => {
    expect(printContentRange({ start: 0, end: 100, size: 200 })).toBe('bytes 0-99/200');
    expect(printContentRange({ start: 0, end: 100 })).toBe('bytes 0-99/*');
    fc.assert(
      fc.property(range, (one) => {
        expect(parseContentRange(printContentRange(one))).toEqual(one);
        const { size: _, ...open } = one;
        expect(parseContentRange(printContentRange(open))).toEqual(open);
      }),
    );
  });

  it.each([
    undefined,
    '',
    'bytes */200',
    'bytes 5-4/10',
    'bytes 0-10/10',
    '0-9/10',
    'bytes 0-9',
    'bytes -1-9/10',
    'items 0-9/10',
  ])('takes %s for none', (header) => {
    expect(parseContentRange(header)).toBeUndefined();
  });
});

describe('parseRangeHeader()', () => {
  it.each([
    ['bytes=0-99', 200, { start: 0, end: 100 }],
    ['bytes=100-', 200, { start: 100, end: 200 }],
    ['bytes=100-999', 200, { start: 100, end: 200 }],
    ['bytes=-50', 200, { start: 150, end: 200 }],
    ['bytes=-500', 200, { start: 0, end: 200 }],
    ['Bytes = 1-1', 200, { start: 1, end: 2 }],
    ['bytes=200-', 200, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-0', 200, 'unsatisfiable'],
    [undefined, 200, undefined],
    ['bytes=-', 200, undefined],
    ['bytes=5-4', 200, undefined],
    ['bytes=0-1,5-6', 200, undefined],
    ['items=0-1', 200, undefined],
    ['bytes=a-b', 200, undefined],
  ])('reads %s of %i bytes', (header, size, result) => {
    expect(parseRangeHeader(header, size)).toEqual(result);
  });

  it('undoes printRange()', () => {
    expect(printRange({ start: 7 })).toBe('bytes=7-');
    fc.assert(
      fc.property(range, ({ start, end, size }) => {
        expect(parseRangeHeader(printRange({ start, end }), size)).toEqual({ start, end });
      }),
    );
  });
});

describe('parseUploadRange()', () => {
  it('undoes printUploadRange() and takes a unit', () => {
    expect(printUploadRange({ start: 100, end: 200 })).toBe('100-199');
    expect(parseUploadRange('100-199')).toEqual({ start: 100, end: 200 });
    expect(parseUploadRange('bytes 100-199')).toEqual({ start: 100, end: 200 });
    for (const header of [undefined, '', '5-', '9-7', 'x']) expect(parseUploadRange(header)).toBeUndefined();
  });
});

describe('parseUploadOffset()', () => {
  it.each([
    ['0-99', 100],
    ['bytes=0-99', 100],
    ['0-0', 0],
    ['0--1', 0],
    ['5-99', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads %s as %s bytes', (header, bytes) => {
    expect(parseUploadOffset(header)).toBe(bytes);
  });
});

describe('parseLinkNext()', () => {
  it.each([
    ['</v2/_catalog?last=b&n=2>; rel="next"', '/v2/_catalog?last=b&n=2'],
    ['<https://a.io/v2/x/tags/list?last=b,c>; rel=next', 'https://a.io/v2/x/tags/list?last=b,c'],
    ['</p>; rel="prev", </n>; title="a, b"; REL="last Next"', '/n'],
    ['</p>; rel="previous"', undefined],
    ['</p>; title="rel=next"', undefined],
    ['</p>; rel="nextish"', undefined],
    ['<>; rel="next"', undefined],
    ['</p; rel="next"', undefined],
    ['/p; rel="next"', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('finds in %s the next page %s', (header, next) => {
    expect(parseLinkNext(header)).toBe(next);
  });

  it('takes time linear in the header', () => {
    const start = performance.now();
    for (const text of ['<'.repeat(1e6), '<>'.repeat(1e6), `<a>;${' '.repeat(1e6)}`, `<a>;rel="${' next'.repeat(1e5)}`])
      parseLinkNext(text);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
