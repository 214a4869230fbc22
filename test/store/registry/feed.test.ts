import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContentFeed } from '../../../src/store/registry/feed.ts';
import type { ReopenableContent } from '../../../src/store/store.ts';
import { collect, patternBytes } from './loopback-server.ts';

function contentIn(bytes: Buffer, chunk: number): ReopenableContent {
  return {
    async *open(offset) {
      for (let at = offset; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
    },
  };
}

describe('ContentFeed', () => {
  it('hands out every byte once and in order, however it is cut and whatever is given back', async () => {
    const steps = fc.array(
      fc.record({ take: fc.integer({ min: 1, max: 400 }), back: fc.boolean(), streamed: fc.boolean() }),
      { minLength: 1, maxLength: 60 },
    );
    const property = fc.asyncProperty(
      fc.nat(2000),
      fc.integer({ min: 1, max: 300 }),
      steps,
      async (size, chunk, script) => {
        const bytes = patternBytes(size);
        const feed = new ContentFeed(contentIn(bytes, chunk), { size, offset: 0 });
        const got: Uint8Array[] = [];
        for (let index = 0; feed.position < size; index += 1) {
          const step = script[index % script.length] ?? { take: 1, back: false, streamed: false };
          const count = Math.min(step.take, size - feed.position);
          if (step.streamed) got.push(await collect(feed.piece(count)));
          else {
            const start = feed.position;
            const piece = await feed.collect(count);
            if (step.back && index < script.length) {
              feed.giveBack(piece);
              expect(feed.position).toBe(start);
            } else got.push(...piece.buffers);
          }
        }
        expect(feed.failure()).toBeUndefined();
        expect(Buffer.concat(got).equals(bytes)).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });

  it('tells content that is too short or too long', async () => {
    const bytes = patternBytes(100);
    for (const size of [99, 101]) {
      const feed = new ContentFeed(contentIn(bytes, 30), { size, offset: 0 });
      await feed.collect(size);
      expect(feed.failure()?.error).toMatchObject({ code: 'ERR_SIZE_MISMATCH', retryable: true });
    }
  });

  it('ends a piece that is read on after the feed was started over', async () => {
    const bytes = patternBytes(100);
    const feed = new ContentFeed(contentIn(bytes, 30), { size: 100, offset: 0 });
    const stale = feed.piece(100)[Symbol.asyncIterator]();
    await stale.next();
    feed.reopen(10);
    const fresh = await feed.collect(90);
    expect(await stale.next()).toMatchObject({ done: true });
    expect(Buffer.concat(fresh.buffers).equals(bytes.subarray(10))).toBe(true);
    expect(feed.failure()).toBeUndefined();
  });

  it('opens nothing before the first byte is asked for, and lets go on close()', async () => {
    let opened = 0;
    let released = 0;
    const content: ReopenableContent = {
      async *open() {
        opened += 1;
        try {
          yield Buffer.alloc(10);
          yield Buffer.alloc(10);
        } finally {
          released += 1;
        }
      },
    };
    const feed = new ContentFeed(content, { size: 20, offset: 0 });
    expect(opened).toBe(0);
    await feed.collect(5);
    feed.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect([opened, released]).toEqual([1, 1]);
  });
});
