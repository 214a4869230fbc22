import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { mark } from '../../../src/store/layout/gc-mark.ts';
import { entryFor, type IndexEntry } from '../../../src/store/layout/index-file.ts';

/** One document of a made-up layout: it may list earlier ones, and be about one. */
interface Drawn {
  readonly children: readonly number[];
  readonly subject: number;
  readonly blob: number;
  /** How it is named: not at all, by digest, by tag. */
  readonly named: 'not' | 'digest' | 'tag';
  readonly absent: boolean;
}

interface Layout {
  readonly digests: readonly Digest[];
  readonly content: ReadonlyMap<Digest, Uint8Array>;
  readonly entries: readonly IndexEntry[];
}

const blobDigest = (blob: number): Digest => digestOf(Buffer.from(`blob ${blob}`));

const layouts = fc.array(
  fc.record<Drawn>({
    children: fc.array(fc.nat(20), { maxLength: 3 }),
    subject: fc.integer({ min: -20, max: 20 }),
    blob: fc.nat(8),
    named: fc.constantFrom('not', 'digest', 'tag'),
    absent: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

function layOut(drawn: readonly Drawn[]): Layout {
  const digests: Digest[] = [];
  const content = new Map<Digest, Uint8Array>();
  const entries: IndexEntry[] = [];
  for (const [at, { children, subject, blob, named, absent }] of drawn.entries()) {
    const earlier = (wanted: number) => (at === 0 || wanted < 0 ? undefined : digests[wanted % at]);
    const descriptors = children.flatMap((child) => earlier(child) ?? []).map((digest) => ({ digest, size: 1 }));
    const about = earlier(subject);
    const shape =
      descriptors.length > 0
        ? { mediaType: mediaTypes.ociIndex, manifests: descriptors }
        : { mediaType: mediaTypes.ociManifest, config: { digest: blobDigest(blob), size: 1 }, layers: [] };
    const more = about === undefined ? {} : { subject: { digest: about, size: 1 } };
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...shape, ...more, at }));
    const digest = digestOf(bytes);
    digests.push(digest);
    if (!absent) content.set(digest, bytes);
    if (named === 'not') continue;
    const name = { registry: 'ghcr.io', repository: 'a/b', ...(named === 'tag' ? { tag: parseTag(`t${at}`) } : {}) };
    entries.push(entryFor(name, { mediaType: shape.mediaType, digest, size: bytes.length }));
  }
  return { digests, content, entries };
}

describe('mark()', () => {
  const read = (layout: Layout) => async (digest: Digest) => layout.content.get(digest);

  it('keeps everything an entry leads to, and with every entry nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async (drawn) => {
        const layout = layOut(drawn);
        const marks = await mark(layout.entries, { dropUntagged: false, read: read(layout) });
        const reached = new Set<string>();
        const visit = (digest: string): void => {
          reached.add(digest);
          const bytes = layout.content.get(digest as Digest);
          if (bytes === undefined) return;
          const { manifests = [], config } = JSON.parse(Buffer.from(bytes).toString());
          if (config !== undefined) reached.add(config.digest);
          for (const child of manifests) visit(child.digest);
        };
        for (const { digest } of layout.entries) visit(digest);
        expect(marks.needed).toEqual(reached);
        expect([marks.entries, marks.dropped, marks.damaged]).toEqual([layout.entries, [], []]);
      }),
    );
  });

  it('without untagged ones keeps tags whole, drops only entries by digest, and leaves nothing behind that a kept one lists or is the subject of', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async (drawn) => {
        const layout = layOut(drawn);
        const marks = await mark(layout.entries, { dropUntagged: true, read: read(layout) });
        const tagged = layout.entries.filter(({ reference }) => reference?.tag !== undefined);
        const base = await mark(tagged, { dropUntagged: false, read: read(layout) });
        for (const digest of base.needed) expect(marks.needed).toContain(digest);
        for (const entry of marks.dropped) {
          expect(entry.reference?.tag).toBeUndefined();
          expect(marks.manifests.has(entry.digest)).toBe(false);
          const bytes = layout.content.get(entry.digest);
          const about = bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString()).subject?.digest;
          expect(marks.manifests.has(about)).toBe(false);
        }
        expect(marks.entries.length + marks.dropped.length).toBe(layout.entries.length);
      }),
    );
  });

  it('names a document whose bytes are not what its digest says', async () => {
    const layout = layOut([{ children: [], subject: -1, blob: 0, named: 'tag', absent: false }]);
    const damaged = async () => Buffer.from('{}');
    const marks = await mark(layout.entries, { dropUntagged: false, read: damaged });
    expect(marks.damaged).toEqual([layout.digests[0]]);
  });
});
