import { describe, expect, it } from 'vitest';
import { emitImageList } from '../../src/emit/image-list.ts';
import type { LockedImage } from '../../src/lock/lock.ts';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseReference, printReference } from '../../src/oci/reference.ts';

function locked(text: string): LockedImage {
  const source = parseReference(text);
  const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
  return {
    source,
    target: { registry: '10.5.0.1:6000', repository: source.repository },
    digest,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    size: 1,
    totalSize: 2,
    tags: [],
    signatures: 'none',
    manifests: [digest],
    omitted: [],
    origins: [],
  };
}

describe('emitImageList()', () => {
  it('prints upstream references in full, sorted, each once, and they read back', () => {
    const digest = `sha256:${'b'.repeat(64)}`;
    const wanted = ['registry.k8s.io/pause:3.10', 'nginx', `ghcr.io/siderolabs/zfs:2.3.3@${digest}`, 'nginx:latest'];
    const [file] = emitImageList({ images: wanted.map(locked) });
    expect(file).toEqual({
      path: 'images.txt',
      text: `docker.io/library/nginx:latest\nghcr.io/siderolabs/zfs:2.3.3@${digest}\nregistry.k8s.io/pause:3.10\n`,
    });
    for (const line of file?.text.trimEnd().split('\n') ?? []) expect(printReference(parseReference(line))).toBe(line);
  });

  it('refuses an empty lock', () => {
    expect(() => emitImageList({ images: [] })).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });
});
