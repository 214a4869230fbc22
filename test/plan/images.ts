/** Resolved images made from a few words, for the tests of this room. */
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { documentOf, type ManifestDocument } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference, type Tag } from '../../src/oci/reference.ts';
import type { ResolvedImage } from '../../src/resolve/resolved.ts';

const encoder = new TextEncoder();

export function digestFor(text: string): Digest {
  return digestOf(encoder.encode(text));
}

/** A blob known by a word, of as many bytes as asked for. */
export function blob(word: string, size = 100): Descriptor {
  return { mediaType: mediaTypes.ociLayerGzip, digest: digestFor(word), size };
}

/** A manifest over blobs; the first is its config. */
export function manifestOver(blobs: readonly Descriptor[]): ManifestDocument {
  const [config = blob('empty', 2), ...layers] = blobs;
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers };
  return documentOf(encoder.encode(JSON.stringify(document)), undefined);
}

export interface Wish {
  readonly source: string;
  /** Default: the same repository at `target.local:5000`. */
  readonly target?: string;
  readonly blobs?: readonly Descriptor[];
  readonly line?: number;
  readonly more?: Partial<ResolvedImage>;
}

/** An image of one manifest, asked for by one line of `images.txt`, with its tag. */
export function resolved(wish: Wish): ResolvedImage {
  const reference = parseReference(wish.source);
  const place =
    wish.target === undefined ? { ...reference, registry: 'target.local:5000' } : parseReference(wish.target);
  const blobs = wish.blobs ?? [blob(wish.source)];
  const document = manifestOver(blobs);
  const tag: Tag | undefined = reference.tag;
  return {
    reference,
    target: { ...reference, registry: place.registry, repository: place.repository },
    origins: [{ document: 'images.txt', line: wish.line ?? 1 }],
    root: document.descriptor,
    manifests: [document],
    blobs,
    tags: tag === undefined ? [] : [{ tag, digest: document.descriptor.digest, role: 'image' }],
    signatures: { status: 'none' },
    notices: [],
    omitted: [],
    ...wish.more,
  };
}
