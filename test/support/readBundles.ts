/** What tests of reading bundles share. */
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect } from 'vitest';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { parseTag, type RepositoryName } from '../../src/oci/reference.ts';
import type { BundleReadOptions, BundleSource } from '../../src/store/bundle/bundle.ts';
import { openBundle } from '../../src/store/bundle/reader.ts';
import type { UnverifiedContent } from '../../src/store/store.ts';
import { readVerified } from '../../src/store/verified.ts';
import type { PackedSet, PackedVolume } from './packedSet.ts';

export async function readAll(content: UnverifiedContent): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Everything of the set's images comes out as it went in. */
export async function expectWhole(bundle: BundleSource, packed: PackedSet): Promise<void> {
  for (const image of packed.images) {
    const repository = bundle.repository(image.reference);
    expect(await repository.resolve(image.reference.tag ?? parseTag('none'))).toEqual(image.root);
    for (const descriptor of [...image.manifests.map((one) => one.descriptor), ...image.blobs]) {
      expect(await repository.exists(descriptor)).toBe(true);
      const bytes = await readVerified(repository, descriptor, { limit: 1e7 });
      expect(Buffer.from(bytes).equals(packed.content.get(descriptor.digest) ?? Buffer.of())).toBe(true);
    }
  }
}

/** What opening fails with; nothing changes in the directory the path is in. */
export async function refusalOf(path: string, options: BundleReadOptions = {}): Promise<unknown> {
  const before = await readdir(dirname(path));
  const failure = await openBundle(path, options).then(
    () => 'opened',
    (error: unknown) => error,
  );
  expect(await readdir(dirname(path))).toEqual(before);
  return failure;
}

/** An error of hostile input. */
export function invalid(message: RegExp) {
  return { code: 'ERR_INPUT_INVALID', message: expect.stringMatching(message) };
}

/** A blob that is cut into parts. */
export function splitBlob(packed: PackedSet): {
  readonly name: RepositoryName;
  readonly blob: Descriptor;
  readonly volumes: number[];
} {
  for (const { reference, blobs } of packed.images) {
    for (const blob of blobs) {
      const parts = packed.set.blobs.find((one) => one.digest === blob.digest)?.parts ?? [];
      if (parts.length > 1)
        return { name: reference, blob, volumes: parts.map((part) => part.volume).sort((a, b) => a - b) };
    }
  }
  throw new Error('no blob is cut');
}

/** The entry of a manifest or a whole blob. */
export function nameOf(descriptor: Descriptor | undefined): string {
  return `blobs/${descriptor?.digest.replace(':', '/')}`;
}

/** One bit is another. */
export function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes);
  copy[copy.length - 2] = (copy[copy.length - 2] ?? 0) ^ 1;
  return copy;
}

/** The volume with other bytes in some entries. */
export function changed(
  volume: PackedVolume,
  which: (name: string) => boolean,
  how: (bytes: Uint8Array) => Uint8Array,
): PackedVolume {
  return {
    ...volume,
    entries: volume.entries.map((entry) => (which(entry.name) ? { ...entry, bytes: how(entry.bytes) } : entry)),
  };
}
