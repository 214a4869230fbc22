import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liveLines } from '../../../src/cli/report/live.ts';
import { Progress } from '../../../src/cli/report/progress.ts';

const plainStyle = { color: false, unicode: false };
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

function copying(): Progress {
  const progress = new Progress();
  progress.apply({ type: 'phase', phase: 'copy' }, 0);
  progress.apply({ type: 'copy:start', images: 18, blobs: 112, bytes: 1_000_000_000 }, 0);
  return progress;
}

describe('liveLines()', () => {
  it('shows images, bytes, rate, time left, what was mounted and present, and the transfers', () => {
    const progress = copying();
    progress.apply(
      {
        type: 'blob:start',
        digest: digest('a'),
        size: 200_000_000,
        image: 'ghcr.io/siderolabs/kubelet:v1.37.1',
        host: 'ghcr.io',
      },
      0,
    );
    for (let at = 250; at <= 10_000; at += 250)
      progress.apply({ type: 'blob:bytes', digest: digest('a'), bytes: 2_500_000 }, at);
    progress.apply(
      { type: 'blob:done', digest: digest('b'), size: 5_000_000, outcome: 'mounted', repository: 'r/a' },
      10_000,
    );
    progress.apply(
      { type: 'blob:done', digest: digest('c'), size: 7_000_000, outcome: 'present', repository: 'r/a' },
      10_000,
    );
    progress.apply({ type: 'image:done', image: 'x', target: 'y', digest: digest('d'), bytes: 1 }, 10_000);
    const lines = liveLines(progress, { now: 10_000, size: { columns: 120, rows: 24 }, style: plainStyle });
    expect(lines[0]).toContain('images 1/18');
    expect(lines[0]).toContain('100.0 MB of 1.0 GB');
    expect(lines[0]).toMatch(/ (9\.\d|10\.\d) MB\/s {2}1 m \d\d s left/);
    expect(lines[0]).toMatch(/###-+ /);
    expect(lines[1]).toBe('1 blob mounted (5.0 MB)  1 blob already there (7.0 MB)');
    expect(lines[2]).toBe('  ########--------  50 %  200.0 MB  ghcr.io/siderolabs/kubelet:v1.37.1  aaaaaaaaaaaa');
    expect(lines).toHaveLength(3);
  });

  it('shows what moves before what has arrived and is still being handed on', () => {
    const progress = copying();
    for (const letter of ['a', 'b'])
      progress.apply({ type: 'blob:start', digest: digest(letter), size: 100, image: 'x:1', host: 'h' }, 0);
    progress.apply({ type: 'blob:bytes', digest: digest('a'), bytes: 100 }, 10);
    const lines = liveLines(progress, { now: 20, size: { columns: 80, rows: 24 }, style: plainStyle });
    expect(lines.slice(1)).toEqual([expect.stringMatching(/ {2}0 % .*bbbb/), expect.stringMatching(/100 % .*aaaa/)]);
  });

  it('counts down a wait and drops it when it is over', () => {
    const progress = copying();
    progress.apply({ type: 'wait', host: 'ghcr.io', seconds: 41, reason: '429' }, 1000);
    const at = (now: number) =>
      liveLines(progress, { now, size: { columns: 80, rows: 24 }, style: plainStyle }).join('\n');
    expect(at(1000)).toContain('ghcr.io asks us to wait 41 s (429)');
    expect(at(31_500)).toContain('ghcr.io asks us to wait 11 s (429)');
    expect(at(42_000)).not.toContain('wait');
  });

  it('shows that a transfer waits for its next try, and forgets one that failed', () => {
    const progress = copying();
    progress.apply({ type: 'blob:start', digest: digest('a'), size: 10, image: 'a/b:1', host: 'h' }, 0);
    progress.apply(
      {
        type: 'blob:retry',
        digest: digest('a'),
        image: 'a/b:1',
        attempt: 2,
        delayMs: 500,
        message: 'connection reset',
      },
      0,
    );
    const lines = () => liveLines(progress, { now: 0, size: { columns: 80, rows: 24 }, style: plainStyle });
    expect(lines().at(-1)).toBe('  a/b:1  trying again: connection reset');
    progress.apply({ type: 'blob:failed', digest: digest('a'), code: 'ERR_PROTOCOL' }, 0);
    expect(lines()).toHaveLength(1);
  });

  it('counts transfers beyond the eight it shows', () => {
    const progress = copying();
    for (const letter of 'abcdef0123') {
      progress.apply({ type: 'blob:start', digest: digest(letter), size: 10, image: letter, host: 'h' }, 0);
    }
    expect(liveLines(progress, { now: 0, size: { columns: 80, rows: 24 }, style: plainStyle }).at(-1)).toBe(
      '  and 2 more',
    );
  });

  it('fits any size, whatever the network sends', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 30 }),
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.boolean(),
        (columns, rows, text, unicode) => {
          const progress = copying();
          progress.apply({ type: 'blob:start', digest: digest('a'), size: 1e12, image: text, host: text }, 0);
          progress.apply({ type: 'blob:start', digest: digest('b'), size: 0, image: text, host: text }, 0);
          progress.apply(
            { type: 'blob:retry', digest: digest('b'), image: text, attempt: 1, delayMs: 1, message: text },
            0,
          );
          progress.apply({ type: 'wait', host: text, seconds: 5, reason: text }, 0);
          progress.apply(
            { type: 'blob:done', digest: digest('c'), size: 1e15, outcome: 'mounted', repository: text },
            0,
          );
          const lines = liveLines(progress, { now: 1, size: { columns, rows }, style: { color: false, unicode } });
          expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
          for (const line of lines) {
            expect(line.length).toBeLessThanOrEqual(Math.max(1, columns - 1));
            expect(line).toMatch(/^[\x20-\x7e█░]*$/);
          }
        },
      ),
    );
  });

  it('uses colour only where it is asked to', () => {
    const size = { columns: 80, rows: 24 };
    expect(liveLines(copying(), { now: 0, size, style: plainStyle }).join('')).not.toContain('\u001b');
    expect(liveLines(copying(), { now: 0, size, style: { color: true, unicode: true } }).join('')).toContain(
      '\u001b[1m',
    );
  });

  it('says what is counted before the copy begins', () => {
    const progress = new Progress();
    progress.apply({ type: 'phase', phase: 'resolve' }, 0);
    progress.apply({ type: 'resolve:progress', done: 3, total: 18 }, 0);
    expect(liveLines(progress, { now: 0, size: { columns: 80, rows: 24 }, style: plainStyle })).toEqual([
      'resolving  3/18 images',
    ]);
  });
});
