import { describe, expect, it } from 'vitest';
import { AirgapError } from '../src/errors.ts';

describe('AirgapError', () => {
  const error = new AirgapError('ERR_UNREACHABLE', 'Cannot fetch blob "ghcr.io/a/b@sha256:1": cut', {
    cause: new Error('ECONNRESET'),
    end: 'source',
    host: 'ghcr.io',
    reference: 'ghcr.io/a/b@sha256:1',
    hint: 'run again',
    retryable: true,
    status: 200,
  });

  it('with() adds what is not known and keeps what is', () => {
    const more = error.with({ end: 'target', reference: 'other', digest: 'sha256:1', origins: ['images.txt:3'] });
    expect(more).toMatchObject({
      end: 'source',
      reference: 'ghcr.io/a/b@sha256:1',
      digest: 'sha256:1',
      retryable: true,
    });
    expect(more.origins).toEqual(['images.txt:3']);
    expect(more.with({ origins: ['other.txt:1'] }).origins).toEqual(['images.txt:3']);
  });

  it('forImage() names the image in place of its part, and keeps everything else', () => {
    const named = error.forImage('ghcr.io/a/b:1', ['images.txt:3']);
    const { message, cause, host, hint, status, retryable } = error;
    expect(named).toMatchObject({ message, cause, host, hint, status, retryable, reference: 'ghcr.io/a/b:1' });
    expect(named.origins).toEqual(['images.txt:3']);
  });
});
