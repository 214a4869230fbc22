import { describe, expect, it } from 'vitest';
import { ByteBudget, SendingRate } from '../../../src/store/registry/features.ts';

describe('ByteBudget', () => {
  it('gives what is free, and never more', () => {
    const budget = new ByteBudget(10);
    expect([budget.take(6), budget.take(6), budget.take(4)]).toEqual([true, false, true]);
    budget.give(6);
    expect(budget.take(6)).toBe(true);
  });
});

describe('SendingRate', () => {
  it('is nothing at first, and then what the last half second or more brought', () => {
    let now = 0;
    const rate = new SendingRate(() => now);
    rate.add(1000);
    expect(rate.perSecond).toBe(0);
    now = 500;
    rate.add(1000);
    expect(rate.perSecond).toBe(4000);
    now = 2500;
    rate.add(1000);
    expect(rate.perSecond).toBe(500);
  });
});
