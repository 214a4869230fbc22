import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { parseReference, parseTag } from '../../src/oci/reference.ts';
import { ManifestReader } from '../../src/resolve/manifests.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { watch } from '../support/watched.ts';
import { imageOf, put } from './builders.ts';

const name = parseReference('ghcr.io/a/b:1');
const other = parseReference('quay.io/c/d:1');
const tag = parseTag('1');

async function seeded() {
  const memory = openMemory();
  const root = await put(memory.repository(name), imageOf('one'), { tag: '1' });
  return { memory, root };
}

describe('ManifestReader', () => {
  it('asks for a tag once, whoever asks, and then knows its digest', async () => {
    const { memory, root } = await seeded();
    const { store, calls } = watch(memory);
    const reader = new ManifestReader({ source: store });
    const [one, two] = await Promise.all([reader.tagged(name, tag), reader.tagged(name, tag)]);
    const three = await reader.addressed(name, root);
    expect(one.descriptor).toEqual(root);
    expect([two, three]).toEqual([one, one]);
    expect(calls).toEqual(['manifest ghcr.io/a/b:1']);
  });

  it('reads a digest once for every repository, also while the first answer is under way', async () => {
    const { memory, root } = await seeded();
    const { store, calls } = watch(memory);
    const reader = new ManifestReader({ source: store });
    const [one, two] = await Promise.all([reader.addressed(name, root), reader.addressed(other, root)]);
    expect(two).toBe(one);
    expect(calls).toHaveLength(1);
  });

  it('asks the second repository when the first does not have it, and forgets the failure', async () => {
    const { memory, root } = await seeded();
    const { store, calls } = watch(memory);
    const reader = new ManifestReader({ source: store });
    const [first, second] = await Promise.allSettled([reader.addressed(other, root), reader.addressed(name, root)]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ERR_NOT_FOUND' } });
    expect(second.status).toBe('fulfilled');
    expect(calls).toEqual([`manifest quay.io/c/d@${root.digest}`, `manifest ghcr.io/a/b@${root.digest}`]);
  });

  it('forgets a tag that failed', async () => {
    const { memory } = await seeded();
    let failures = 1;
    const { store } = watch(memory, {
      before: () => {
        if (failures-- > 0) throw new AirgapError('ERR_UNREACHABLE', 'Cannot connect');
      },
    });
    const reader = new ManifestReader({ source: store });
    await expect(reader.tagged(name, tag)).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
    await expect(reader.tagged(name, tag)).resolves.toBeDefined();
  });

  it('refuses another size than was said, and one that is too large without asking', async () => {
    const { memory, root } = await seeded();
    const { store, calls } = watch(memory);
    const reader = new ManifestReader({ source: store });
    await expect(reader.addressed(name, { ...root, size: 4 * 1024 * 1024 + 1 })).rejects.toMatchObject({
      code: 'ERR_SIZE_MISMATCH',
    });
    expect(calls).toEqual([]);
    await expect(reader.addressed(name, { ...root, size: root.size + 1 })).rejects.toMatchObject({
      code: 'ERR_SIZE_MISMATCH',
    });
  });

  it('believes bytes for their hash alone', async () => {
    const { memory, root } = await seeded();
    const { store } = watch(memory, {
      alter: (content) => ({ ...content, bytes: content.bytes.map((byte) => byte ^ 1) }),
    });
    const reader = new ManifestReader({ source: store });
    await expect(reader.addressed(name, root)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
    await expect(reader.tagged(name, tag)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
  });

  it('refuses a correct document that is not the one asked for', async () => {
    const { memory, root } = await seeded();
    const wrong = digestOf(Buffer.from('something else'));
    const { store } = watch(memory, { before: () => {} });
    const lying = {
      ...store,
      repository: () => ({ ...store.repository(name), manifest: () => memory.repository(name).manifest(root.digest) }),
    };
    const reader = new ManifestReader({ source: lying });
    await expect(reader.addressed(name, { digest: wrong })).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
  });
});
