import { describe, expect, it } from 'vitest';
import { mayRepeat, RetryBudget } from '../../src/http/retry.ts';

describe('RetryBudget', () => {
  it('grants as many repeats as it has retries, each within its doubled delay', () => {
    const budget = new RetryBudget({ retries: 10, backoffMs: 250 });
    const most = [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000];
    for (const limit of most) {
      const delay = budget.next('backoff');
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(limit);
    }
    expect(budget.next('backoff')).toBeUndefined();
  });

  it('repeats quickly only twice, at once only once, and never what is final', () => {
    const budget = new RetryBudget({ retries: 5, backoffMs: 10 });
    expect(budget.next('at-once')).toBe(0);
    expect(budget.next('quick')).toBeLessThanOrEqual(10);
    expect(budget.next('quick')).toBeLessThanOrEqual(10);
    expect(budget.next('quick')).toBeUndefined();
    expect(budget.next('never')).toBeUndefined();
    expect(budget.next('at-once')).toBeGreaterThanOrEqual(0);
    expect(budget.attempts).toBe(3);
  });

  it('does not take pauses from the retries', () => {
    const budget = new RetryBudget({ retries: 0, backoffMs: 10 });
    for (let i = 0; i < 10; i++) expect(budget.next('paused')).toBe(0);
    expect(budget.next('paused')).toBeUndefined();
  });
});

describe('mayRepeat()', () => {
  it.each([
    [true, true, { repeat: 'backoff', undone: false }, true],
    [false, true, { repeat: 'backoff', undone: false }, false],
    [false, true, { repeat: 'backoff', undone: true }, true],
    [true, false, { repeat: 'backoff', undone: true }, false],
    [true, true, { repeat: 'never', undone: true }, false],
  ] as const)('repeatable %s, body there %s, %j: %s', (repeatable, bodyIsThere, failure, expected) => {
    expect(mayRepeat({ repeatable, bodyIsThere }, failure)).toBe(expected);
  });
});
