import { describe, expect, it } from 'vitest';
import { mergeRequests, requestsFromLock } from '../../src/input/merge.ts';
import { printOrigin } from '../../src/input/requested.ts';
import type { LockedImage } from '../../src/lock/lock.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference, printReference } from '../../src/oci/reference.ts';

const request = (text: string, document: string, line?: number) => ({
  reference: parseReference(text),
  origins: [line === undefined ? { document } : { document, line }],
});

describe('mergeRequests()', () => {
  it('sorts by the printed reference and keeps each origin once, in the order of the lists', () => {
    const merged = mergeRequests([
      [request('quay.io/b', 'z.txt', 1), request('nginx', 'z.txt', 2)],
      [request('docker.io/nginx:latest', 'a.txt', 1), request('nginx', 'z.txt', 2), request('nginx', 'argument')],
    ]);
    expect(merged.map(({ reference, origins }) => [printReference(reference), origins.map(printOrigin)])).toEqual([
      ['docker.io/library/nginx:latest', ['z.txt:2', 'a.txt:1', 'argument']],
      ['quay.io/b:latest', ['z.txt:1']],
    ]);
  });

  it('keeps a tag apart from the same tag with a digest', () => {
    const digest = digestOf(new Uint8Array());
    expect(mergeRequests([[request('a', 'x'), request(`a:latest@${digest}`, 'x')]])).toHaveLength(2);
  });
});

describe('mergeRequests() with retags', () => {
  it('keeps each place apart, and takes one place once', () => {
    const at = (repository: string, document: string) => ({ ...request('nginx', document), retag: { repository } });
    const merged = mergeRequests([[at('b', 'x'), request('nginx', 'x'), at('a', 'x'), at('b', 'y')]]);
    expect(merged.map(({ retag, origins }) => [retag?.repository, origins.length])).toEqual([
      [undefined, 1],
      ['a', 1],
      ['b', 2],
    ]);
  });
});

describe('requestsFromLock()', () => {
  it('pins each image by its digest and carries its tag and origins', () => {
    const digest = digestOf(new Uint8Array([1]));
    const image: LockedImage = {
      source: parseReference('ghcr.io/a/b:1'),
      target: { registry: 'local', repository: 'a/b' },
      digest,
      mediaType: mediaTypes.ociIndex,
      size: 1,
      totalSize: 1,
      tags: [],
      signatures: 'none',
      manifests: [digest],
      omitted: [],
      origins: ['images.txt:3', 'argument'],
    };
    const rule = { naming: 'keep', registry: '', prefix: '' } as const;
    const [only, ...others] = requestsFromLock({ version: 1, rule, mirrors: [], images: [image], contacts: [] });
    expect(others).toEqual([]);
    expect(only?.reference).toEqual({ registry: 'ghcr.io', repository: 'a/b', tag: '1', digest });
    expect(only?.origins.map(printOrigin)).toEqual(['images.txt:3', 'argument']);
  });
});
