import { describe, expect, it } from 'vitest';
import { Told } from '../../../src/cli/egress/watch-text.ts';
import { AirgapError } from '../../../src/errors.ts';
import type { WatchEvent } from '../../../src/probe/watch.ts';

const failed: Extract<WatchEvent, { type: 'failed' }> = {
  type: 'failed',
  host: 'ghcr.io',
  failure: { kind: 'no-such-name', message: 'no such name: "ghcr.io"' },
  keptSeconds: 12,
  retryMs: 1000,
  partly: false,
};

function lines(...events: WatchEvent[]): (string | undefined)[] {
  const told = new Told();
  return events.map((event) => told.line(event)?.text);
}

describe('Told', () => {
  it('tells of a trouble once, again when it changes, and when it is over', () => {
    expect(
      lines(
        failed,
        { ...failed, keptSeconds: 9, retryMs: 2000 },
        { ...failed, keptSeconds: 0 },
        { ...failed, keptSeconds: 0 },
        { type: 'recovered', host: 'ghcr.io' },
        { ...failed, partly: true },
      ),
    ).toEqual([
      'cannot resolve ghcr.io: no such name; its addresses stay for 12 s more; tried again',
      undefined,
      'cannot resolve ghcr.io: no such name; its sets are empty; tried again',
      undefined,
      'ghcr.io: resolved again',
      'cannot resolve all of ghcr.io: no such name; tried again',
    ]);
  });

  it('tells what could not be written until it is', () => {
    const error = new AirgapError('ERR_USAGE', 'Cannot run "nft": no', { hint: 'try this' });
    const unwritten = { type: 'unwritten', hosts: ['ghcr.io'], error, retryMs: 1000 } as const;
    const refreshed = { type: 'refreshed', hosts: ['a.example', 'b.example'], addresses: 3, nextMs: 1000 } as const;
    expect(lines(unwritten, unwritten, refreshed, unwritten)).toEqual([
      'Cannot run "nft": no (try this); tried again',
      undefined,
      'refreshed 2 names: 3 addresses, next in 1.0 s',
      'Cannot run "nft": no (try this); tried again',
    ]);
  });

  it('prints nothing as it came', () => {
    const [line] = lines({ type: 'changed', host: 'a\nb', came: ['\u001b[31m'], left: ['\u202e'], staySeconds: 1 });
    expect(line).toMatch(/^[\x20-\x7e]+$/);
  });
});
