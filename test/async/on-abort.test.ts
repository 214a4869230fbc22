import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { linkSignals } from '../../src/async/linked-signal.ts';
import { onAbort } from '../../src/async/on-abort.ts';
import { abortable, sleep } from '../../src/async/sleep.ts';

describe('onAbort()', () => {
  it('tells everyone once, through one listener on the signal', () => {
    const controller = new AbortController();
    const told: number[] = [];
    for (let i = 0; i < 100; i++) onAbort(controller.signal, () => told.push(i));
    onAbort(controller.signal, () => told.push(-1))();
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort();
    onAbort(controller.signal, () => told.push(100));
    expect(told).toEqual(Array.from({ length: 101 }, (_, i) => i));
  });
});

describe('sleep()', () => {
  it('ends with the time or with the reason of the signal', async () => {
    const before = performance.now();
    await sleep(20);
    expect(performance.now() - before).toBeGreaterThan(18);
    const controller = new AbortController();
    const long = sleep(60_000, controller.signal);
    controller.abort(new Error('enough'));
    await expect(long).rejects.toThrow('enough');
    await expect(sleep(1, controller.signal)).rejects.toThrow('enough');
  });
});

describe('abortable()', () => {
  it('gives the result, or the reason when that comes first', async () => {
    const controller = new AbortController();
    expect(await abortable(Promise.resolve(1), controller.signal)).toBe(1);
    const stuck = abortable(new Promise(() => {}), controller.signal);
    controller.abort(new Error('enough'));
    await expect(stuck).rejects.toThrow('enough');
  });
});

describe('linkSignals()', () => {
  it('follows each source with its reason until it is unlinked', () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const linked = linkSignals([one.signal, undefined, two.signal]);
    const loose = linkSignals([one.signal, two.signal]);
    loose.unlink();
    two.abort('why');
    expect([linked.signal.aborted, linked.signal.reason, loose.signal.aborted]).toEqual([true, 'why', false]);
    expect(linkSignals([one.signal, two.signal]).signal.reason).toBe('why');
  });
});
