import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Meter } from '../../src/copy/meter.ts';
import { ExtraStreams, rangedContent, StreamGovernor } from '../../src/copy/ranges.ts';
import { AirgapError } from '../../src/errors.ts';
import type { UnverifiedContent } from '../../src/store/store.ts';

const body = Uint8Array.from({ length: 400_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);

async function collect(content: UnverifiedContent): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Link {
  open: number;
  most: number;
  readonly ranges: string[];
}

/** A link that gives each connection `perTick` bytes per tick, however many there are. */
function limitedLink(perTick: number): {
  readonly link: Link;
  readonly meter: Meter;
  read(start: number, end: number): UnverifiedContent;
} {
  const link: Link = { open: 0, most: 0, ranges: [] };
  const meter = new Meter();
  async function* read(start: number, end: number): UnverifiedContent {
    link.open += 1;
    link.most = Math.max(link.most, link.open);
    link.ranges.push(`${start}-${end}`);
    try {
      for (let at = start; at < end; at += perTick) {
        await delay(5);
        const chunk = body.subarray(at, Math.min(end, at + perTick));
        meter.add(chunk.byteLength);
        yield chunk;
      }
    } finally {
      link.open -= 1;
    }
  }
  return { link, meter, read };
}

describe('rangedContent()', () => {
  it('asks for nothing more once it is left, not even for ranges that waited for a connection', async () => {
    const meter = new Meter();
    const asked: string[] = [];
    async function* read(start: number, end: number, kind: 'first' | 'extra'): UnverifiedContent {
      asked.push(`${kind} ${start}`);
      if (kind === 'extra') throw new AirgapError('ERR_UNSUPPORTED', 'no free connection');
      for (let at = start; at < end; at += 10) {
        await delay(1);
        yield body.subarray(at, at + 10);
      }
    }
    const sizes = { size: 1000, offset: 0, rangeBytes: 100, maxStreams: 2 };
    for await (const _chunk of rangedContent({ ...sizes, extra: new ExtraStreams(2), meter, read })) {
      if (asked.length > 1) break;
    }
    await delay(20);
    expect(asked).toEqual(['first 0', 'extra 100']);
  });

  it('gives every byte once and in order, with more streams where each connection is slow', async () => {
    const { link, meter, read } = limitedLink(500);
    const options = {
      size: body.length,
      offset: 0,
      rangeBytes: 4_000,
      maxStreams: 8,
      extra: new ExtraStreams(8),
      meter,
      read,
    };
    expect(await collect(rangedContent(options))).toEqual(Buffer.from(body));
    expect(link.most).toBeGreaterThanOrEqual(4);
    expect(meter.bytes).toBe(body.length);
  });

  it('starts at an offset', async () => {
    const { meter, read } = limitedLink(50_000);
    const options = {
      size: body.length,
      offset: 150_001,
      rangeBytes: 10_000,
      maxStreams: 4,
      extra: new ExtraStreams(4),
      meter,
      read,
    };
    expect(await collect(rangedContent(options))).toEqual(Buffer.from(body.subarray(150_001)));
  });

  it('reads a range in its turn when no connection was free for it', async () => {
    const { meter, read } = limitedLink(2_000);
    let refused = 0;
    const busy = (start: number, end: number, kind: 'first' | 'extra') => {
      if (kind === 'extra') {
        refused += 1;
        return failing();
      }
      return read(start, end);
    };
    const options = {
      size: body.length,
      offset: 0,
      rangeBytes: 8_000,
      maxStreams: 4,
      extra: new ExtraStreams(4),
      meter,
      read: busy,
    };
    expect(await collect(rangedContent(options))).toEqual(Buffer.from(body));
    expect(refused).toBeGreaterThan(0);
  });

  it('gives its extra streams back and closes every connection when it is left early', async () => {
    const { link, meter, read } = limitedLink(500);
    const extra = new ExtraStreams(7);
    const options = { size: body.length, offset: 0, rangeBytes: 4_000, maxStreams: 8, extra, meter, read };
    let taken = 0;
    for await (const chunk of rangedContent(options)) {
      taken += chunk.byteLength;
      if (taken > 100_000) break;
    }
    await delay(50);
    expect(link.open).toBe(0);
    expect(Array.from({ length: 8 }, () => extra.take())).toEqual([true, true, true, true, true, true, true, false]);
  });

  it('throws what a range threw', async () => {
    const extra = new ExtraStreams(1);
    const broken = {
      size: 10,
      offset: 0,
      rangeBytes: 4,
      maxStreams: 2,
      extra,
      meter: new Meter(),
      read: () => failing('ERR_PROTOCOL'),
    };
    await expect(collect(rangedContent(broken))).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });
});

async function* failing(code: 'ERR_UNSUPPORTED' | 'ERR_PROTOCOL' = 'ERR_UNSUPPORTED'): UnverifiedContent {
  yield await Promise.reject(new AirgapError(code, 'Cannot read: no'));
}

describe('StreamGovernor', () => {
  /** Plays `seconds` on a link whose rate depends on the number of streams. */
  function play(rateFor: (streams: number) => number, seconds: number): number[] {
    const meter = new Meter();
    let now = 0;
    const governor = new StreamGovernor(meter, 8, () => now);
    const seen: number[] = [];
    for (; now < seconds * 1000; now += 100) {
      const streams = governor.streams();
      seen.push(streams);
      meter.add(rateFor(streams) * 100);
    }
    return seen;
  }

  it('goes up to the most streams where each one brings its own rate', () => {
    expect(play((streams) => 1000 * streams, 6).at(-1)).toBe(8);
  });

  it('goes back to one where a second brings nothing, and rests before it tries again', () => {
    const seen = play(() => 1000, 10);
    expect(seen.at(-1)).toBe(1);
    expect(seen.filter((streams) => streams === 2).length).toBeLessThan(15);
    expect(Math.max(...seen)).toBe(2);
  });

  it('stays where the gain ends', () => {
    expect(play((streams) => 1000 * Math.min(streams, 4), 6).at(-1)).toBe(4);
  });
});
