/** One image: what its reference stands for, what of it is wanted, and everything that takes. */

import { AirgapError } from '../errors.ts';
import type { RequestedImage } from '../input/requested.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { blobsOf, isForeign, type ManifestDocument } from '../oci/manifest.ts';
import { formatRepository, type Reference } from '../oci/reference.ts';
import type { Source } from '../store/store.ts';
import { type Choice, choosePlatforms, type SparseQuestion } from './choice.ts';
import type { ManifestReader } from './manifests.ts';
import type { Notice, PlatformWish, ResolvedImage, TagAssignment } from './resolved.ts';
import type { SignatureFinding } from './signature-search.ts';
import type { SignatureFinder } from './signatures.ts';
import { walk } from './walk.ts';

export interface ImageOptions {
  readonly source: Source;
  readonly reader: ManifestReader;
  /** Undefined: signatures are not asked for. */
  readonly signatures: SignatureFinder | undefined;
  readonly wish: PlatformWish;
  readonly includeForeign: boolean;
  readonly sparse?: SparseQuestion | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Resolves one image. Throws what the source throws, ERR_NOT_FOUND for a required platform that is missing, ERR_PROTOCOL for content that contradicts itself. */
export async function resolveImage(request: RequestedImage, options: ImageOptions): Promise<ResolvedImage> {
  const { reference } = request;
  options.signatures?.prepare(reference);
  const named = await readRoot(reference, options.reader);
  const read = (child: Descriptor) => options.reader.addressed(reference, child);
  const choice = await choosePlatforms(named, { ...options, request, read });
  const omit = new Set(choice.omitted.map((child) => child.digest));
  const walked = await walk(choice.root, { read, omit });
  const own = walked.documents.map((document) => document.descriptor.digest);
  const found = await findSignatures(request, { ...options, digests: signedDigests(choice, own) });
  const manifests = onceEach([...walked.documents, ...(found?.documents ?? [])]);
  const content = collectBlobs(request, {
    manifests,
    others: [...walked.others, ...(found?.others ?? [])],
    includeForeign: options.includeForeign,
  });
  return {
    ...request,
    root: choice.root.descriptor,
    manifests,
    blobs: content.blobs,
    tags: tagsOf(request, { root: choice.root.descriptor.digest, signatures: found?.tags ?? [] }),
    signatures: found?.search ?? { status: 'not-asked' },
    notices: [...choice.notices, ...content.notices, ...doubts(request, found)],
    omitted: choice.omitted,
    ...(choice.narrowedFrom === undefined ? {} : { narrowedFrom: choice.narrowedFrom }),
    ...(found === undefined || found.referrers.length === 0 ? {} : { referrers: found.referrers }),
  };
}

/** The digest decides; the tag is asked only when there is none. */
function readRoot(reference: Reference, reader: ManifestReader): Promise<ManifestDocument> {
  if (reference.digest !== undefined) return reader.addressed(reference, { digest: reference.digest });
  if (reference.tag !== undefined) return reader.tagged(reference, reference.tag);
  throw new AirgapError(
    'ERR_REFERENCE_INVALID',
    `Cannot resolve "${formatRepository(reference)}": it has no tag and no digest`,
  );
}

/** Root first, then the index it was narrowed from, then the rest. */
function signedDigests(choice: Choice, own: readonly Digest[]): readonly Digest[] {
  const index = choice.narrowedFrom === undefined ? [] : [choice.narrowedFrom];
  return [...new Set([choice.root.descriptor.digest, ...index, ...own])];
}

async function findSignatures(
  { reference }: RequestedImage,
  options: ImageOptions & { readonly digests: readonly Digest[] },
): Promise<SignatureFinding | undefined> {
  return options.signatures?.find(reference, options.digests);
}

function doubts(request: RequestedImage, found: SignatureFinding | undefined): Notice[] {
  if (found === undefined || found.problems.length === 0) return [];
  const about = formatRepository(request.reference);
  const message = `Not sure about signatures of "${about}": ${found.problems.join('; ')}`;
  return [{ kind: 'signatures-unknown', message }];
}

function tagsOf(
  { target }: RequestedImage,
  found: { readonly root: Digest; readonly signatures: readonly TagAssignment[] },
): TagAssignment[] {
  const signatures = found.signatures.filter((assignment) => assignment.tag !== target.tag);
  if (target.tag === undefined) return signatures;
  return [{ tag: target.tag, digest: found.root, role: 'image' }, ...signatures];
}

interface Content {
  readonly blobs: readonly Descriptor[];
  readonly notices: readonly Notice[];
}

/** Each blob once. Throws ERR_PROTOCOL when one digest is said to have two sizes. */
function collectBlobs(
  { reference }: RequestedImage,
  options: {
    readonly manifests: readonly ManifestDocument[];
    readonly others: readonly Descriptor[];
    readonly includeForeign: boolean;
  },
): Content {
  const blobs = new Map<Digest, Descriptor>();
  const outside = new Map<Digest, Descriptor>();
  for (const blob of [...options.manifests.flatMap(({ manifest }) => blobsOf(manifest)), ...options.others]) {
    const known = blobs.get(blob.digest) ?? outside.get(blob.digest);
    if (known !== undefined && known.size !== blob.size) throw twoSizes(blob, known);
    if (isForeign(blob) || (blob.urls ?? []).length > 0) outside.set(blob.digest, blob);
    if (!isForeign(blob) || options.includeForeign) blobs.set(blob.digest, known ?? blob);
  }
  return { blobs: [...blobs.values()], notices: foreignNotices(reference, { outside, blobs }) };
}

function foreignNotices(
  reference: Reference,
  {
    outside,
    blobs,
  }: { readonly outside: ReadonlyMap<Digest, Descriptor>; readonly blobs: ReadonlyMap<Digest, Descriptor> },
): Notice[] {
  if (outside.size === 0) return [];
  const left = [...outside.keys()].filter((digest) => !blobs.has(digest)).length;
  const hosts = [...new Set([...outside.values()].flatMap((blob) => blob.urls ?? []).map(hostOf))].sort();
  const what = `${outside.size} layer${outside.size === 1 ? '' : 's'} of "${formatRepository(reference)}"`;
  const copied = left === 0 ? 'are copied' : `${left} of them not copied`;
  const asked = `containerd asks their own URLs first${hosts.length === 0 ? '' : ` (${hosts.join(', ')})`}`;
  const message = `Foreign layers: ${what} ${copied}; ${asked} and does not start the image where it cannot reach them`;
  return [{ kind: 'foreign-layer', message }];
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'an unreadable address';
}

function twoSizes(blob: Descriptor, known: Descriptor): AirgapError {
  const state = `manifests say it has ${known.size} bytes and also ${blob.size}`;
  return new AirgapError('ERR_PROTOCOL', `Cannot take blob "${blob.digest}": ${state}`, { digest: blob.digest });
}

function onceEach(documents: readonly ManifestDocument[]): ManifestDocument[] {
  return [...new Map(documents.map((document) => [document.descriptor.digest, document])).values()];
}
