import { describe, expect, it } from 'vitest';
import { Hopeless } from '../../src/copy/context.ts';
import { AirgapError, type ErrorCode, type ErrorDetails } from '../../src/errors.ts';

function failure(code: ErrorCode, details: ErrorDetails): AirgapError {
  return new AirgapError(code, 'Cannot fetch blob "x": it failed', details);
}

function afterwards(error: AirgapError): { readonly same: boolean; readonly other: boolean; readonly target: boolean } {
  const hopeless = new Hopeless();
  hopeless.note(error, 'ghcr.io');
  const condemned = (registry?: string) => {
    try {
      hopeless.check(registry);
      return false;
    } catch (thrown) {
      expect(thrown).toBe(error);
      return true;
    }
  };
  return { same: condemned('ghcr.io'), other: condemned('quay.io'), target: condemned() };
}

describe('Hopeless', () => {
  it.each([
    ['does not answer', failure('ERR_UNREACHABLE', { end: 'source' })],
    ['says nothing', failure('ERR_TIMEOUT', { end: 'source' })],
    ['limits us', failure('ERR_RATE_LIMITED', { end: 'source', status: 429 })],
    ['is not available', failure('ERR_UNREACHABLE', { end: 'source', status: 503 })],
  ])('condemns an upstream registry that %s, and no other', (_name, error) => {
    expect(afterwards(error)).toEqual({ same: true, other: false, target: false });
  });

  it.each([
    ['answers 500 for one blob', failure('ERR_UNREACHABLE', { end: 'source', status: 500 })],
    ['breaks off the body of one blob', failure('ERR_UNREACHABLE', { end: 'source', status: 200 })],
    ['lacks one blob', failure('ERR_NOT_FOUND', { end: 'source', status: 404 })],
    ['may yet answer', failure('ERR_UNREACHABLE', { end: 'source', retryable: true })],
  ])('goes on with an upstream registry that %s', (_name, error) => {
    expect(afterwards(error)).toEqual({ same: false, other: false, target: false });
  });

  it.each([
    ['is full', failure('ERR_NO_SPACE', { end: 'target', status: 507 })],
    ['is gone', failure('ERR_UNREACHABLE', { end: 'target' })],
    ['is left because of an interrupt', failure('ERR_INTERRUPTED', {})],
  ])('condemns everything when the target %s', (_name, error) => {
    expect(afterwards(error)).toEqual({ same: true, other: true, target: true });
  });
});
