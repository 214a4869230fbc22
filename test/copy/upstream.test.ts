import { describe, expect, it } from 'vitest';
import { Meters } from '../../src/copy/meter.ts';
import { ExtraStreams } from '../../src/copy/ranges.ts';
import { defaultCopySettings } from '../../src/copy/settings.ts';
import { UpstreamContent } from '../../src/copy/upstream.ts';
import { AirgapError } from '../../src/errors.ts';
import type { AirgapEvent } from '../../src/events.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { FetchOptions, UnverifiedContent } from '../../src/store/store.ts';
import { contentOfBytes } from '../../src/store/verified.ts';
import { randomBytes } from '../support/layers.ts';
import { watch } from '../support/watched.ts';

const bytes = randomBytes('upstream', 300_000);
const blob: Descriptor = { mediaType: mediaTypes.octetStream, digest: digestOf(bytes), size: bytes.length };
const home = { registry: 'ghcr.io', repository: 'a/b' };
const second = { registry: 'ghcr.io', repository: 'c/d' };

type Fetch = (real: () => Promise<UnverifiedContent>, asked: FetchOptions) => Promise<UnverifiedContent>;

interface Opened {
  readonly content: UpstreamContent;
  readonly asked: FetchOptions[];
  readonly events: AirgapEvent[];
}

async function open(
  fetch: Fetch,
  more: { readonly signal?: AbortSignal; readonly backoffMs?: number } = {},
): Promise<Opened> {
  const store = openMemory();
  await store.repository(home).push(blob, contentOfBytes(blob, bytes));
  const asked: FetchOptions[] = [];
  const source = watch(store, {
    fetch: (real, { options }) => {
      asked.push(options);
      return fetch(real, options);
    },
  });
  const events: AirgapEvent[] = [];
  const content = new UpstreamContent(
    { descriptor: blob, from: [home, second], image: 'ghcr.io/a/b:1' },
    {
      source,
      settings: { ...defaultCopySettings, backoffMs: more.backoffMs ?? 1 },
      meters: new Meters(),
      extra: new ExtraStreams(0),
      events: (event) => events.push(event),
      signal: more.signal,
    },
  );
  return { content, asked, events };
}

async function collect(content: UnverifiedContent): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function broken(details: { readonly retryable?: boolean; readonly status?: number } = {}): AirgapError {
  return new AirgapError('ERR_UNREACHABLE', 'Cannot fetch blob "x": cut', { end: 'source', ...details });
}

async function* cut(content: UnverifiedContent, after: number): UnverifiedContent {
  let left = after;
  for await (const chunk of content) {
    yield chunk.subarray(0, left);
    left -= chunk.byteLength;
    if (left <= 0) throw broken({ retryable: true });
  }
}

async function* nothing(): UnverifiedContent {}

describe('UpstreamContent.open()', () => {
  it('goes on at the byte where it broke, and takes back no count', async () => {
    let left = 3;
    const { content, asked, events } = await open(async (real) =>
      left-- > 0 ? cut(await real(), 50_000) : await real(),
    );
    expect((await collect(content.open(0))).equals(bytes)).toBe(true);
    expect(asked.map(({ offset }) => offset ?? 0)).toEqual([0, 50_000, 100_000, 150_000]);
    const told = events.flatMap((event) => (event.type === 'blob:bytes' ? [event.bytes] : []));
    expect(told.reduce((sum, count) => sum + count, 0)).toBe(blob.size);
  });

  it('asks for pieces where whole answers break without a byte, and keeps to them', async () => {
    const { content, asked } = await open(async (real, { offset = 0, end = blob.size }) => {
      if (end - offset > 100_000) throw broken({ retryable: true });
      return await real();
    });
    expect((await collect(content.open(0))).equals(bytes)).toBe(true);
    expect(asked.map(({ offset, end }) => `${offset ?? 0}-${end ?? ''}`)).toEqual([
      '0-',
      '0-300000',
      '0-75000',
      '75000-150000',
      '150000-225000',
      '225000-300000',
    ]);
  });

  it('asks for pieces once where whole answers never begin, however often the transport tried', async () => {
    const { content } = await open(async (real, { end }) => {
      if (end === undefined) throw broken();
      return await real();
    });
    expect((await collect(content.open(0))).equals(bytes)).toBe(true);
    const { content: hopeless, asked } = await open(async () => {
      throw broken();
    });
    await expect(collect(hopeless.open(0))).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
    expect(asked).toHaveLength(2);
  });

  it('reads again and drops what it has where ranges are ignored or answered wrongly', async () => {
    for (const code of ['ERR_UNSUPPORTED', 'ERR_PROTOCOL'] as const) {
      let left = 1;
      const { content, asked } = await open(async (real, { offset }) => {
        if (offset !== undefined)
          throw new AirgapError(code, 'Cannot fetch blob "x": wrong part', { status: 206, retryable: true });
        return left-- > 0 ? cut(await real(), 120_000) : await real();
      });
      expect((await collect(content.open(0))).equals(bytes)).toBe(true);
      expect(asked.map(({ offset }) => offset)).toEqual([undefined, 120_000, undefined]);
    }
  });

  it('gives up on a source that ends without a byte again and again', async () => {
    const { content, asked } = await open(async () => nothing());
    await expect(collect(content.open(0))).rejects.toMatchObject({
      code: 'ERR_SIZE_MISMATCH',
      host: 'ghcr.io',
      digest: blob.digest,
    });
    expect(asked).toHaveLength(defaultCopySettings.retries + 1);
  });

  it('turns to the next repository where the first does not have it', async () => {
    let first = true;
    const { content, asked } = await open(async (real) => {
      if (!first) return await real();
      first = false;
      throw new AirgapError('ERR_NOT_FOUND', 'Cannot find blob', { end: 'source', status: 404 });
    });
    await expect(collect(content.open(0))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    expect(asked).toHaveLength(2);
    expect(content.repository).toBe('ghcr.io/c/d');
  });

  it('ends a wait for the next try when the run is interrupted', async () => {
    const controller = new AbortController();
    const { content } = await open(
      async () => {
        setTimeout(() => controller.abort(new AirgapError('ERR_INTERRUPTED', 'Interrupted')), 20);
        throw broken({ retryable: true });
      },
      { signal: controller.signal, backoffMs: 60_000 },
    );
    const startedAt = performance.now();
    await expect(collect(content.open(0))).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});
