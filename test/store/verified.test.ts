import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import type { RepositoryName } from '../../src/oci/reference.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { UnverifiedContent } from '../../src/store/store.ts';
import { checkManifest, contentOfBytes, readVerified, reopenable, verifiedContent } from '../../src/store/verified.ts';

const name: RepositoryName = { registry: 'ghcr.io', repository: 'a/b' };

function blob(bytes: Uint8Array): Descriptor {
  return { mediaType: mediaTypes.octetStream, digest: digestOf(bytes), size: bytes.length };
}

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What came before the content ended or failed. */
async function drain(content: UnverifiedContent): Promise<{ bytes: Buffer; error: unknown }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of content) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), error: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
}

describe('verifiedContent()', () => {
  it('passes right content on unchanged, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 1, max: 100 }), async (bytes, size) => {
        const { bytes: got, error } = await drain(verifiedContent(blob(bytes), chunked(bytes, size)));
        expect(error).toBeUndefined();
        expect(Buffer.compare(got, bytes)).toBe(0);
      }),
    );
  });

  it('never gives the last byte of content with a wrong digest', async () => {
    const right = Buffer.from('the right words');
    const wrong = Buffer.from('the wrong words');
    const { bytes, error } = await drain(verifiedContent(blob(right), chunked(wrong, 4)));
    expect(error).toMatchObject({ code: 'ERR_DIGEST_MISMATCH', retryable: true, digest: digestOf(right) });
    expect(bytes.length).toBeLessThan(wrong.length);
  });

  it('fails on the first byte too many without waiting for the end', async () => {
    let pulled = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulled += 1;
        yield Buffer.alloc(10);
      }
    }
    const { error } = await drain(verifiedContent(blob(Buffer.alloc(25)), endless()));
    expect(error).toMatchObject({ code: 'ERR_SIZE_MISMATCH', retryable: true });
    expect(pulled).toBe(3);
  });

  it('fails when content ends early', async () => {
    const bytes = Buffer.from('abcdef');
    const { bytes: got, error } = await drain(verifiedContent(blob(bytes), chunked(bytes.subarray(0, 5), 5)));
    expect(error).toMatchObject({ code: 'ERR_SIZE_MISMATCH', retryable: true });
    expect(got.length).toBe(0);
  });

  it('passes chunks on without copying them', async () => {
    const chunk = Buffer.from('same memory');
    for await (const got of verifiedContent(blob(chunk), chunked(chunk, 100))) expect(got.buffer).toBe(chunk.buffer);
  });

  it('releases its source when the reader leaves early', async () => {
    let released = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(1);
      } finally {
        released = true;
      }
    }
    for await (const _ of verifiedContent(blob(Buffer.alloc(100)), source())) break;
    expect(released).toBe(true);
  });

  it('returns content that already proves the same descriptor', () => {
    const descriptor = blob(Buffer.from('x'));
    const once = verifiedContent(descriptor, chunked(Buffer.from('x'), 1));
    expect(verifiedContent(descriptor, once)).toBe(once);
    expect(verifiedContent(blob(Buffer.from('y')), once)).not.toBe(once);
  });

  it('checks sha512', async () => {
    const bytes = Buffer.from('long');
    const descriptor: Descriptor = { mediaType: 'x/y', digest: digestOf(bytes, 'sha512'), size: 4 };
    expect((await drain(verifiedContent(descriptor, chunked(bytes, 2)))).error).toBeUndefined();
    expect((await drain(verifiedContent(descriptor, chunked(Buffer.from('lung'), 2)))).error).toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
    });
  });
});

describe('reopenable()', () => {
  it('verifies from 0 and checks only the length from later on', async () => {
    const bytes = Buffer.from('0123456789');
    const opened: number[] = [];
    const content = reopenable(blob(bytes), (offset) => {
      opened.push(offset);
      return chunked(Buffer.from('012345678X').subarray(offset), 3);
    });
    expect((await drain(content.open(0))).error).toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
    expect((await drain(content.open(4))).bytes.toString()).toBe('45678X');
    expect(opened).toEqual([0, 4]);
  });

  it('fails when a continuation is too short or too long', async () => {
    const descriptor = blob(Buffer.alloc(10));
    const short = reopenable(descriptor, () => chunked(Buffer.alloc(3), 2));
    const long = reopenable(descriptor, () => chunked(Buffer.alloc(30), 2));
    expect((await drain(short.open(5))).error).toMatchObject({ code: 'ERR_SIZE_MISMATCH' });
    expect((await drain(long.open(5))).error).toMatchObject({ code: 'ERR_SIZE_MISMATCH' });
  });
});

describe('contentOfBytes()', () => {
  it('opens at any offset, the end included', async () => {
    const bytes = Buffer.from('abcdef');
    const content = contentOfBytes(blob(bytes), bytes);
    for (const offset of [0, 1, 5, 6]) {
      expect((await drain(content.open(offset))).bytes.toString()).toBe('abcdef'.slice(offset));
    }
  });
});

describe('readVerified()', () => {
  it('gives the bytes of a blob and of a manifest', async () => {
    const repository = openMemory().repository(name);
    const bytes = Buffer.from('blob');
    await repository.push(blob(bytes), contentOfBytes(blob(bytes), bytes));
    expect(await readVerified(repository, blob(bytes), { limit: 4 })).toEqual(bytes);
    const manifest = Buffer.from('{"schemaVersion":2,"manifests":[]}');
    const descriptor: Descriptor = {
      mediaType: mediaTypes.ociIndex,
      digest: digestOf(manifest),
      size: manifest.length,
    };
    await repository.pushManifest(descriptor, manifest);
    expect(Buffer.from(await readVerified(repository, descriptor, { limit: 1000 })).toString()).toBe(
      manifest.toString(),
    );
  });

  it('refuses content over the limit before it is asked for', async () => {
    const repository = openMemory().repository(name);
    const absent = blob(Buffer.alloc(11));
    await expect(readVerified(repository, absent, { limit: 10 })).rejects.toMatchObject({
      code: 'ERR_SIZE_MISMATCH',
      retryable: false,
    });
    await expect(readVerified(repository, absent, { limit: 11 })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });
});

describe('checkManifest()', () => {
  it('refuses bytes of another size or digest', () => {
    const bytes = Buffer.from('{}');
    const descriptor = blob(bytes);
    expect(() => checkManifest(descriptor, bytes)).not.toThrow();
    expect(() => checkManifest(descriptor, Buffer.from('{ }'))).toThrow(/more than the promised/);
    expect(() => checkManifest(descriptor, Buffer.from('{'))).toThrow(/ended after 1 of 2/);
    expect(() => checkManifest(descriptor, Buffer.from('[]'))).toThrow(/has digest/);
    const big = Buffer.alloc(4 * 1024 * 1024 + 1);
    expect(() => checkManifest(blob(big), big)).toThrow(/over the limit/);
  });
});
