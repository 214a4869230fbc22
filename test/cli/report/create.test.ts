import { afterEach, describe, expect, it, vi } from 'vitest';
import { createReporter } from '../../../src/cli/report/create.ts';
import type { AirgapEvent } from '../../../src/events.ts';
import { FakeTerminal, KeptOutput } from '../terminal.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const events: readonly AirgapEvent[] = [
  { type: 'phase', phase: 'copy' },
  { type: 'copy:start', images: 2, blobs: 2, bytes: 100 },
  { type: 'warning', host: 'ghcr.io', message: 'old\u001b[2J client' },
  { type: 'warning', host: 'ghcr.io', message: 'old\u001b[2J client' },
  { type: 'warning', host: 'quay.io', message: 'old\u001b[2J client' },
  { type: 'blob:start', digest, size: 100, image: 'a:1', host: 'ghcr.io' },
  { type: 'blob:bytes', digest, bytes: 60 },
  { type: 'blob:bytes', digest, bytes: 40 },
  { type: 'blob:done', digest, size: 100, outcome: 'copied', repository: 'r/a' },
  { type: 'image:done', image: 'a:1', target: 'r/a:1', digest, bytes: 100 },
  { type: 'image:present', image: 'b:1', target: 'r/b:1', digest },
  { type: 'image:failed', image: 'c:1', code: 'ERR_NOT_FOUND', message: 'Cannot copy "c:1": gone' },
];

const base = { json: false, quiet: false, color: false, unicode: false };

afterEach(() => void vi.useRealTimers());

describe('createReporter() without a terminal', () => {
  it('prints a line per image and per interval, each warning once per host, on standard error', () => {
    vi.useFakeTimers();
    const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
    let now = 0;
    const reporter = createReporter({ ...base, stdout, stderr, now: () => now });
    for (const event of events) reporter.event(event);
    now = 10_000;
    vi.advanceTimersByTime(10_000);
    reporter.close();
    vi.advanceTimersByTime(30_000);
    expect(stderr.lines).toEqual([
      'warning: ghcr.io says: old\\x1b[2J client',
      'warning: quay.io says: old\\x1b[2J client',
      'copied   a:1 (100 B)',
      'present  b:1',
      'failed   c:1: Cannot copy "c:1": gone',
      expect.stringMatching(/^copying {2}images 3\/2, 100 B of 100 B/),
    ]);
    expect(stdout.text).toBe('');
  });

  it('prints waits and repetitions', () => {
    const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
    const reporter = createReporter({ ...base, stdout, stderr });
    reporter.event({ type: 'wait', host: 'ghcr.io', seconds: 40.2, reason: '429' });
    reporter.event({ type: 'http:retry', host: 'ghcr.io', method: 'GET', attempt: 4, delayMs: 2450, message: 'reset' });
    reporter.close();
    expect(stderr.lines).toEqual([
      'waiting  ghcr.io asks us to wait 41 s (429)',
      'retry    ghcr.io GET in 2.5 s: reset',
    ]);
  });

  it('does not mention repetitions at once, nor what the plan tells', () => {
    const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
    const reporter = createReporter({ ...base, stdout, stderr });
    const again = { attempt: 1, delayMs: 250, message: 'reset' };
    reporter.event({ type: 'http:retry', host: 'ghcr.io', method: 'GET', ...again });
    reporter.event({ type: 'blob:retry', digest, image: 'a:1', ...again });
    reporter.event({ type: 'resolve:failed', image: 'a:1', code: 'ERR_NOT_FOUND', message: 'gone' });
    reporter.close();
    expect(stderr.text).toBe('');
  });

  it('tells a reason that several images share once', () => {
    const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
    const reporter = createReporter({ ...base, stdout, stderr });
    for (const image of ['a:1', 'b:1'])
      reporter.event({ type: 'image:failed', image, code: 'ERR_NO_SPACE', message: 'Cannot write "x": no space' });
    reporter.close();
    expect(stderr.lines).toEqual(['failed   a:1: Cannot write "x": no space', 'failed   b:1: for the same reason']);
  });

  it('tells a warning from a note', () => {
    const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
    const reporter = createReporter({ ...base, stdout, stderr });
    reporter.event({ type: 'notice', message: 'one' });
    reporter.event({ type: 'notice', message: 'two', isWarning: true });
    reporter.close();
    expect(stderr.lines).toEqual(['note: one', 'warning: two']);
  });
});

describe('createReporter() with --json', () => {
  it('prints nothing but JSON lines, sums chunks up, and ends with the result', () => {
    const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
    const reporter = createReporter({ ...base, json: true, stdout, stderr, now: () => 0 });
    for (const event of events) reporter.event(event);
    reporter.text(['a table']);
    reporter.result({ exitCode: 6 });
    reporter.close();
    const parsed = stdout.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(parsed.filter(({ type }) => type === 'blob:bytes')).toEqual([{ type: 'blob:bytes', digest, bytes: 100 }]);
    expect(parsed.filter(({ type }) => type === 'warning')).toHaveLength(2);
    expect(parsed.at(-1)).toEqual({ type: 'result', exitCode: 6 });
    expect(stderr.text).toBe('');
  });

  it('escapes what a terminal would obey', () => {
    const stdout = new KeptOutput();
    const reporter = createReporter({ ...base, json: true, stdout, stderr: new KeptOutput() });
    reporter.event({ type: 'notice', message: 'a\u009b31m\u202eb\u001b' });
    reporter.close();
    expect(stdout.text.trimEnd()).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(JSON.parse(stdout.text)).toEqual({ type: 'notice', message: 'a\u009b31m\u202eb\u001b' });
  });
});

describe('createReporter() with --quiet', () => {
  it('prints problems and nothing else', () => {
    const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
    const reporter = createReporter({ ...base, quiet: true, stdout, stderr });
    for (const event of events) reporter.event(event);
    reporter.text(['a table']);
    reporter.problem(['error: gone']);
    reporter.close();
    expect([stdout.text, stderr.text]).toEqual(['', 'error: gone\n']);
  });
});

describe('createReporter() on a terminal', () => {
  it('draws at most ten frames a second and leaves only lines that are worth keeping', () => {
    vi.useFakeTimers();
    const [stdout, terminal] = [new KeptOutput(), new FakeTerminal(80)];
    const reporter = createReporter({ ...base, stdout, stderr: terminal, now: () => Date.now() });
    reporter.event({ type: 'phase', phase: 'copy' });
    reporter.event({ type: 'copy:start', images: 2, blobs: 2, bytes: 100_000 });
    for (let step = 0; step < 1000; step += 1) {
      reporter.event({ type: 'blob:bytes', digest, bytes: 100 });
      vi.advanceTimersByTime(1);
    }
    expect(terminal.frames).toBeLessThanOrEqual(10);
    expect(terminal.screen[0]).toMatch(/^images 0\/2/);
    reporter.event({ type: 'image:failed', image: 'c:1', code: 'ERR_NOT_FOUND', message: 'gone' });
    vi.advanceTimersByTime(100);
    reporter.close();
    vi.advanceTimersByTime(1000);
    expect(terminal.screen).toEqual(['failed   c:1: gone']);
    expect(terminal.listenerCount('resize')).toBe(0);
  });

  it('makes way for a table and draws again at a new width', () => {
    vi.useFakeTimers();
    const [stdout, terminal] = [new KeptOutput(), new FakeTerminal(100)];
    const reporter = createReporter({ ...base, stdout, stderr: terminal, now: () => Date.now() });
    reporter.event({ type: 'phase', phase: 'resolve' });
    vi.advanceTimersByTime(100);
    reporter.text(['IMAGE']);
    vi.advanceTimersByTime(300);
    expect([terminal.screen, stdout.text]).toEqual([[], 'IMAGE\n']);
    reporter.event({ type: 'phase', phase: 'copy' });
    reporter.event({ type: 'copy:start', images: 2, blobs: 2, bytes: 100_000 });
    vi.advanceTimersByTime(100);
    terminal.resize(24);
    expect(terminal.screen.every((line) => line.length < 24)).toBe(true);
    expect(terminal.screen).toHaveLength(1);
    reporter.close();
    expect(terminal.screen).toEqual([]);
  });
});
