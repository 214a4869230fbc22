import { describe, expect, it } from 'vitest';
import { exitCodeFor, exitCodeOfRun } from '../../src/cli/exit.ts';
import { AirgapError, errorCodes } from '../../src/errors.ts';

const error = (code: AirgapError['code'], end?: 'source' | 'target') =>
  new AirgapError(code, 'Cannot', end === undefined ? {} : { end });

describe('exitCodeFor()', () => {
  it.each([
    ['ERR_USAGE', undefined, 2],
    ['ERR_INPUT_INVALID', undefined, 2],
    ['ERR_REFERENCE_INVALID', undefined, 2],
    ['ERR_LOCK_INVALID', undefined, 2],
    ['ERR_MIRROR_CONFLICT', undefined, 2],
    ['ERR_UNSUPPORTED', undefined, 2],
    ['ERR_NOT_FOUND', 'source', 3],
    ['ERR_UNAUTHORIZED', 'source', 3],
    ['ERR_UNREACHABLE', undefined, 3],
    ['ERR_TIMEOUT', undefined, 3],
    ['ERR_UNSUPPORTED', 'source', 3],
    ['ERR_DENIED', 'target', 4],
    ['ERR_RATE_LIMITED', 'target', 4],
    ['ERR_PROTOCOL', 'target', 4],
    ['ERR_NO_SPACE', undefined, 4],
    ['ERR_DIGEST_MISMATCH', 'source', 5],
    ['ERR_SIZE_MISMATCH', 'target', 5],
    ['ERR_INTERRUPTED', undefined, 130],
  ] as const)('%s at %s is %d', (code, end, status) => expect(exitCodeFor(error(code, end))).toBe(status));

  it('knows every code, and calls anything else a defect', () => {
    for (const code of errorCodes) expect(exitCodeFor(error(code, 'target'))).toBeGreaterThan(1);
    expect([exitCodeFor(new TypeError('x')), exitCodeFor('x'), exitCodeFor(undefined)]).toEqual([1, 1, 1]);
  });
});

describe('exitCodeOfRun()', () => {
  const missing = error('ERR_NOT_FOUND', 'source');
  const denied = error('ERR_DENIED', 'target');

  it('is 0 when everything stands', () => expect(exitCodeOfRun({ complete: 2, failures: [], findings: 0 })).toBe(0));
  it('is 6 when some failed', () => expect(exitCodeOfRun({ complete: 1, failures: [missing], findings: 0 })).toBe(6));
  it('names the end when all failed there', () => {
    expect(exitCodeOfRun({ complete: 0, failures: [missing, missing], findings: 0 })).toBe(3);
    expect(exitCodeOfRun({ complete: 0, failures: [denied], findings: 0 })).toBe(4);
  });
  it('is 6 when all failed at different ends', () =>
    expect(exitCodeOfRun({ complete: 0, failures: [missing, denied], findings: 0 })).toBe(6));
  it('is 5 when what was copied does not stand', () =>
    expect(exitCodeOfRun({ complete: 1, failures: [missing], findings: 1 })).toBe(5));
});
