import { describe, expect, it } from 'vitest';
import { byHost, HostQueue, largeFrom, preferenceOf } from '../../src/copy/order.ts';
import type { BlobWork } from '../../src/copy/work.ts';
import { digestOf } from '../../src/oci/digest.ts';

function blob(size: number, registry = 'ghcr.io'): BlobWork {
  const digest = digestOf(Buffer.from(`${registry}/${size}`));
  const repository = { registry, repository: 'a/b' };
  const descriptor = { mediaType: 'application/octet-stream', digest, size };
  return { descriptor, from: [repository], present: [], missing: [{ registry: 'target', repository: 'a/b' }] };
}

function drain(queue: HostQueue, prefer: 'large' | 'small'): number[] {
  const sizes: number[] = [];
  for (let next = queue.next(prefer); next !== undefined; next = queue.next(prefer)) sizes.push(next.descriptor.size);
  return sizes;
}

describe('HostQueue', () => {
  const sizes = [10, largeFrom, 20, largeFrom * 9, 30, largeFrom * 2];

  it('next("large") gives the largest first, then small ones in the order of their images', () => {
    expect(drain(new HostQueue(sizes.map((size) => blob(size))), 'large')).toEqual([
      largeFrom * 9,
      largeFrom * 2,
      largeFrom,
      10,
      20,
      30,
    ]);
  });

  it('next("small") does not let small blobs wait behind large ones', () => {
    expect(drain(new HostQueue(sizes.map((size) => blob(size))), 'small').slice(0, 4)).toEqual([
      10,
      20,
      30,
      largeFrom * 9,
    ]);
  });

  it('length counts what is left', () => {
    const queue = new HostQueue(sizes.map((size) => blob(size)));
    queue.next('large');
    expect(queue.length).toBe(sizes.length - 1);
  });
});

describe('preferenceOf()', () => {
  it('lets a single worker take large blobs, and a quarter of many the small ones', () => {
    expect(preferenceOf(0)).toBe('large');
    const workers = Array.from({ length: 12 }, (_, worker) => preferenceOf(worker));
    expect(workers.filter((preference) => preference === 'small')).toHaveLength(3);
  });
});

describe('byHost()', () => {
  it('keeps hosts apart and the order within one', () => {
    const hosts = byHost([blob(1), blob(2, 'quay.io'), blob(3)]);
    expect([...hosts.keys()]).toEqual(['ghcr.io', 'quay.io']);
    expect(hosts.get('ghcr.io')?.map(({ descriptor }) => descriptor.size)).toEqual([1, 3]);
  });
});
