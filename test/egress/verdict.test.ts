import { describe, expect, it } from 'vitest';
import { isMissed, verdicts } from '../../src/egress/verdict.ts';
import { destination } from '../probe/world.ts';

describe('isMissed()', () => {
  it('is so of what is required and known not to be open, and of nothing else', () => {
    const missed = (required: boolean) =>
      verdicts.filter((verdict) =>
        isMissed({
          destination: destination(443, { required }),
          verdict,
          state: '',
          notes: [],
          steps: [],
          addresses: [],
        }),
      );
    expect(missed(true)).toEqual(['blocked', 'intercepted', 'wrong answer']);
    expect(missed(false)).toEqual([]);
  });
});
