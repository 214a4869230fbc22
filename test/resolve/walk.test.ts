import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference, parseTag } from '../../src/oci/reference.ts';
import { ManifestReader } from '../../src/resolve/manifests.ts';
import { type WalkOptions, walk } from '../../src/resolve/walk.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { watch } from '../support/watched.ts';
import { blob, imageOf, put } from './builders.ts';

const name = parseReference('ghcr.io/a/b:1');

function fixture() {
  const memory = openMemory();
  const { store, calls } = watch(memory);
  const reader = new ManifestReader({ source: store });
  const walked = async (options: Partial<WalkOptions> = {}) => {
    const root = await reader.tagged(name, parseTag('1'));
    return walk(root, { read: (child) => reader.addressed(name, child), ...options });
  };
  return { repository: memory.repository(name), calls, walked };
}

describe('walk()', () => {
  it('lists children before parents, each once, the root last', async () => {
    const { repository, walked, calls } = fixture();
    const one = await put(repository, imageOf('one'));
    const two = await put(repository, imageOf('two'));
    const inner = await put(repository, { manifests: [two, one] });
    const root = await put(repository, { manifests: [one, inner, two, inner] }, { tag: '1' });
    const { documents } = await walked();
    expect(documents.map((document) => document.descriptor.digest)).toEqual(
      [one, two, inner, root].map((d) => d.digest),
    );
    expect(calls).toHaveLength(4);
  });

  it('leaves out what is omitted without reading it', async () => {
    const { repository, walked, calls } = fixture();
    const one = await put(repository, imageOf('one'));
    const root = await put(
      repository,
      { manifests: [one, blob('absent', { mediaType: mediaTypes.ociManifest })] },
      { tag: '1' },
    );
    const omit = new Set([blob('absent').digest]);
    const { documents } = await walked({ omit });
    expect(documents.map((document) => document.descriptor.digest)).toEqual([one.digest, root.digest]);
    expect(calls).toHaveLength(2);
  });

  it('takes index entries of unknown types for content', async () => {
    const { repository, walked } = fixture();
    const odd = blob('model', { mediaType: 'application/vnd.example.model' });
    await put(repository, { manifests: [odd] }, { tag: '1' });
    expect((await walked()).others).toEqual([odd]);
  });

  it('refuses schema 1 before reading it', async () => {
    const { repository, walked, calls } = fixture();
    await put(repository, { manifests: [blob('old', { mediaType: mediaTypes.dockerSchema1Signed })] }, { tag: '1' });
    await expect(walked()).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringContaining('schema 1'),
    });
    expect(calls).toHaveLength(1);
  });

  it('refuses an index that is wrong about a size', async () => {
    const { repository, walked } = fixture();
    const one = await put(repository, imageOf('one'));
    await put(repository, { manifests: [{ ...one, size: one.size - 1 }] }, { tag: '1' });
    await expect(walked()).rejects.toMatchObject({ code: 'ERR_SIZE_MISMATCH' });
  });

  it('refuses indexes that disagree about a size', async () => {
    const { repository, walked } = fixture();
    const one = await put(repository, imageOf('one'));
    await put(repository, { manifests: [one, { ...one, size: one.size + 1 }] }, { tag: '1' });
    await expect(walked()).rejects.toMatchObject({ code: 'ERR_SIZE_MISMATCH' });
  });

  it('ends at nesting, number and bytes that are too much', async () => {
    const { repository, walked } = fixture();
    let inner: Descriptor = await put(repository, imageOf('one'));
    for (let depth = 0; depth < 8; depth += 1) inner = await put(repository, { manifests: [inner] }, { tag: '1' });
    await expect(walked({ limits: { manifests: 9 } })).resolves.toMatchObject({ others: [] });
    await expect(walked({ limits: { depth: 7 } })).rejects.toMatchObject({
      code: 'ERR_PROTOCOL',
      message: expect.stringContaining('deep'),
    });
    await expect(walked({ limits: { manifests: 8 } })).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
    await expect(walked({ limits: { bytes: 1000 } })).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });
});
