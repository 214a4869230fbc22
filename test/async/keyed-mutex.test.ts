import { describe, expect, it } from 'vitest';
import { KeyedMutex } from '../../src/async/keyed-mutex.ts';

describe('KeyedMutex', () => {
  it('runs work of one key in order and one at a time, other keys beside it', async () => {
    const mutex = new KeyedMutex<string>();
    const log: string[] = [];
    const step = (name: string) => async () => {
      log.push(`+${name}`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`-${name}`);
      return name;
    };
    const all = [
      mutex.run('k', { work: step('1') }),
      mutex.run('k', { work: step('2') }),
      mutex.run('x', { work: step('3') }),
    ];
    expect(await Promise.all(all)).toEqual(['1', '2', '3']);
    expect(log.filter((line) => !line.endsWith('3'))).toEqual(['+1', '-1', '+2', '-2']);
    expect(log.indexOf('+3')).toBeLessThan(log.indexOf('-1'));
  });

  it('goes on after a failure and past one who left the queue', async () => {
    const mutex = new KeyedMutex<string>();
    const controller = new AbortController();
    const failing = mutex.run('k', { work: () => Promise.reject(new Error('no')) });
    const leaving = mutex.run('k', { work: async () => 'never', signal: controller.signal });
    const last = mutex.run('k', { work: async () => 'last' });
    controller.abort(new Error('left'));
    await expect(failing).rejects.toThrow('no');
    await expect(leaving).rejects.toThrow('left');
    expect(await last).toBe('last');
  });

  it('does not let the next one in while the one before a leaver is still at work', async () => {
    const mutex = new KeyedMutex<string>();
    const controller = new AbortController();
    let busy = true;
    const first = mutex.run('k', {
      work: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        busy = false;
      },
    });
    const leaving = mutex.run('k', { work: async () => {}, signal: controller.signal });
    const last = mutex.run('k', { work: async () => busy });
    controller.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    expect(await last).toBe(false);
    await first;
  });
});
