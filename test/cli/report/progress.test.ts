import { describe, expect, it } from 'vitest';
import { Progress } from '../../../src/cli/report/progress.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('Progress', () => {
  it('takes back bytes of a transfer that starts again', () => {
    const progress = new Progress();
    progress.apply({ type: 'copy:start', images: 1, blobs: 1, bytes: 100 }, 0);
    progress.apply({ type: 'blob:start', digest, size: 100, image: 'a', host: 'h' }, 0);
    progress.apply({ type: 'blob:bytes', digest, bytes: 60 }, 10);
    progress.apply({ type: 'blob:bytes', digest, bytes: -60 }, 20);
    expect([progress.bytesMoved, progress.transfers()[0]?.bytes]).toEqual([0, 0]);
  });

  it('knows no rate at first, the recent one later, and none while nothing moves', () => {
    const progress = new Progress();
    progress.apply({ type: 'copy:start', images: 1, blobs: 1, bytes: 1e9 }, 0);
    expect(progress.rate(100)).toBeUndefined();
    for (let at = 200; at <= 20_000; at += 200) progress.apply({ type: 'blob:bytes', digest, bytes: 200_000 }, at);
    for (let at = 20_200; at <= 40_000; at += 200) progress.apply({ type: 'blob:bytes', digest, bytes: 400_000 }, at);
    expect(progress.rate(40_000)).toBeGreaterThan(1_900_000);
    expect(progress.rate(40_000)).toBeLessThan(2_100_000);
    expect(progress.rate(80_000)).toBe(0);
    expect(progress.timeLeft(80_000)).toBeUndefined();
  });

  it('does not count what an earlier process brought as still to be moved', () => {
    const progress = new Progress();
    progress.apply({ type: 'copy:start', images: 1, blobs: 2, bytes: 300 }, 0);
    progress.apply({ type: 'blob:start', digest, size: 100, image: 'a', host: 'h' }, 0);
    progress.apply({ type: 'blob:bytes', digest, bytes: 60 }, 10);
    progress.apply({ type: 'blob:resume', digest, offset: 40, size: 100 }, 20);
    expect([progress.transfers()[0]?.bytes, progress.bytesMoved, progress.bytesTotal]).toEqual([100, 60, 260]);
  });

  it('drops the transfers of an image that failed', () => {
    const progress = new Progress();
    progress.apply({ type: 'blob:start', digest, size: 100, image: 'a', host: 'h' }, 0);
    progress.apply({ type: 'image:failed', image: 'a', code: 'ERR_NOT_FOUND', message: 'gone' }, 0);
    expect([progress.transfers(), progress.imagesFailed]).toEqual([[], 1]);
  });
});
