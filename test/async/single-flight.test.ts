import { describe, expect, it } from 'vitest';
import { SingleFlight } from '../../src/async/single-flight.ts';

function gated() {
  let open: (value: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const signals: AbortSignal[] = [];
  const work = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<string>((resolve, reject) => {
      open = resolve;
      fail = reject;
    });
  };
  return { work, signals, open: (value: string) => open(value), fail: (error: Error) => fail(error) };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('SingleFlight', () => {
  it('gives one result to all who ask meanwhile, and starts again afterwards', async () => {
    const flights = new SingleFlight<string, string>();
    const { work, signals, open } = gated();
    const both = [flights.run('k', { work }), flights.run('k', { work })];
    await turn();
    open('v');
    expect(await Promise.all(both)).toEqual(['v', 'v']);
    const again = flights.run('k', { work });
    await turn();
    open('w');
    expect(await again).toBe('w');
    expect(signals).toHaveLength(2);
  });

  it('forgets a failure', async () => {
    const flights = new SingleFlight<string, string>();
    const { work, fail, open } = gated();
    const first = flights.run('k', { work });
    await turn();
    fail(new Error('no'));
    await expect(first).rejects.toThrow('no');
    const second = flights.run('k', { work });
    await turn();
    open('yes');
    expect(await second).toBe('yes');
  });

  it('lets the one who started it leave without stopping the others', async () => {
    const flights = new SingleFlight<string, string>();
    const { work, signals, open } = gated();
    const controller = new AbortController();
    const first = flights.run('k', { work, signal: controller.signal });
    const second = flights.run('k', { work });
    await turn();
    controller.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    expect(signals[0]?.aborted).toBe(false);
    open('v');
    expect(await second).toBe('v');
  });

  it('aborts the work when the last one has left, and the next one starts anew', async () => {
    const flights = new SingleFlight<string, string>();
    const { work, signals, open } = gated();
    const controller = new AbortController();
    const only = flights.run('k', { work, signal: controller.signal });
    await turn();
    controller.abort(new Error('left'));
    await expect(only).rejects.toThrow('left');
    expect(signals[0]?.aborted).toBe(true);
    const next = flights.run('k', { work });
    await turn();
    open('v');
    expect(await next).toBe('v');
    expect(signals).toHaveLength(2);
  });
});
