import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLock } from '../../src/lock/parse.ts';
import { printLock } from '../../src/lock/print.ts';
import { parseTag, printReference } from '../../src/oci/reference.ts';
import { type LockContext, lockOf } from '../../src/plan/lock-of.ts';
import { blob, digestFor, manifestOver, resolved } from './images.ts';

const context: LockContext = {
  rule: { naming: 'replace-host', registry: 'target.local:5000', prefix: '' },
  mirrors: [{ registry: '*', endpoint: 'http://target.local:5000', pathPrefix: '' }],
  contacts: [],
  carried: [],
};

describe('lockOf()', () => {
  it('says what stands, each digest counted once', () => {
    const layers = [blob('config', 10), blob('layer', 100), blob('layer', 100)];
    const signature = manifestOver([blob('signature', 5)]);
    const plain = resolved({ source: 'ghcr.io/a/b:1', blobs: layers, line: 4 });
    const image = {
      ...plain,
      manifests: [...plain.manifests, signature, signature],
      blobs: [...layers, blob('signature', 5)],
      tags: [
        ...plain.tags,
        { tag: parseTag('0.sig'), digest: signature.descriptor.digest, role: 'signature' as const },
      ],
      signatures: { status: 'found' as const, count: 1 },
      omitted: [blob('z'), blob('y')],
      narrowedFrom: digestFor('index'),
      origins: [...plain.origins, { document: 'argument' }, ...plain.origins],
    };
    expect(lockOf([image], context).images).toEqual([
      {
        source: image.reference,
        target: { registry: 'target.local:5000', repository: 'a/b' },
        digest: image.root.digest,
        mediaType: image.root.mediaType,
        size: image.root.size,
        totalSize: image.root.size + signature.descriptor.size + 115,
        tags: [
          { tag: '0.sig', digest: signature.descriptor.digest, role: 'signature' },
          { tag: '1', digest: image.root.digest, role: 'image' },
        ],
        signatures: 'found',
        manifests: [image.root.digest, signature.descriptor.digest].sort(),
        omitted: [digestFor('z'), digestFor('y')].sort(),
        narrowedFrom: digestFor('index'),
        origins: ['argument', 'images.txt:4'],
      },
    ]);
  });

  it.each([
    [{ status: 'found', count: 2 }, 'found'],
    [{ status: 'none' }, 'none'],
    [{ status: 'not-asked' }, 'not-asked'],
    [{ status: 'failed', reason: 'x' }, 'unknown'],
  ] as const)('writes the search %j as %s', (signatures, word) => {
    expect(lockOf([resolved({ source: 'a', more: { signatures } })], context).images[0]?.signatures).toBe(word);
  });

  it('keeps carried images, and lets this run count where both know one', () => {
    const before = lockOf(
      ['a.io/x:1', 'b.io/x:1'].map((source) => resolved({ source })),
      context,
    ).images;
    const again = resolved({ source: 'b.io/x:1', blobs: [blob('new')] });
    const lock = lockOf([again], { ...context, carried: before });
    expect(lock.images.map(({ source }) => printReference(source))).toEqual(['a.io/x:1', 'b.io/x:1']);
    expect(lock.images[0]).toEqual(before[0]);
    expect(lock.images[1]?.digest).toBe(again.root.digest);
  });

  it('names a host once per purpose', () => {
    const contacts = ['b:443', 'a:443', 'b:443'].map((host) => ({ host, purpose: 'registry' as const }));
    const token = { host: 'a:443', purpose: 'token' as const };
    expect(lockOf([], { ...context, contacts: [...contacts, token] }).contacts).toEqual([
      { host: 'a:443', purpose: 'registry' },
      { host: 'a:443', purpose: 'token' },
      { host: 'b:443', purpose: 'registry' },
    ]);
  });

  it('prints the same bytes in whatever order images come, and parseLock() takes them', () => {
    const images = ['c.io/x:1', 'a.io/x:1', 'b.io/x:1'].map((source) => resolved({ source }));
    const expected = lockOf(images, context);
    expect(parseLock(printLock(expected), 'x')).toEqual(expected);
    fc.assert(
      fc.property(fc.shuffledSubarray(images, { minLength: images.length }), (shuffled) => {
        expect(printLock(lockOf(shuffled, context))).toBe(printLock(expected));
      }),
    );
  });
});
