/**
 * Manifests and indexes, read from bytes nobody has checked (OCI image-spec v1.1 manifest.md, image-index.md, descriptor.md;
 * Docker Image Manifest V2 Schema 2). The bytes themselves are what is copied; what is read here only says what belongs to them.
 */
import { AirgapError, type ErrorCode } from '../errors.ts';
import type { Descriptor } from './descriptor.ts';
import { type Digest, type DigestAlgorithm, digestOf, isDigest } from './digest.ts';
import { type Field, readJson } from './fields.ts';
import { isForeignLayerType, isIndexType, isManifestType, isSchema1Type, mediaTypes } from './media-type.ts';
import type { Platform } from './platform.ts';
import { quoteText } from './quote.ts';

export interface ImageManifest {
  readonly kind: 'image';
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
}

/** A manifest with the exact bytes it arrived in. The bytes are what is copied; they are never written anew. */
export interface ManifestDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly manifest: ImageManifest | ImageIndex;
}

/** Largest manifest in bytes that is read: what registries have to take (OCI distribution-spec v1.1, "Pushing Manifests"). */
export const maxManifestBytes = 4 * 1024 * 1024;

/** Most layers of a manifest and most children of an index. */
export const maxManifestEntries = 10_000;

/** Types that say nothing: the document's own `mediaType` or shape decides. */
const genericTypes: readonly string[] = [
  '',
  mediaTypes.octetStream,
  'application/json',
  'text/plain',
  'binary/octet-stream',
];

/**
 * Reads a manifest or an index. `mediaType` is what the header or descriptor said, parameters allowed; undefined or generic
 * leaves it to the document. Throws ERR_PROTOCOL naming the field that is missing or wrong, for a document over 4 MiB, and
 * for one that could be read both ways (CVE-2021-41190); ERR_UNSUPPORTED for schema 1 and for types it does not know.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string | undefined): ImageManifest | ImageIndex {
  if (bytes.length > maxManifestBytes) {
    throw refuse('', `is ${bytes.length} bytes long, at most ${maxManifestBytes} are read`);
  }
  const claimed = (mediaType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (isSchema1Type(claimed)) throw schema1();
  if (claimed === 'text/html') throw refuse('', 'is a web page (text/html)');
  const document = readJson(bytes, refuse);
  const type = typeOf(document, claimed);
  return isIndexType(type) ? readIndex(document, type) : readImage(document, type);
}

/** The manifests an index lists, in its order; none for an image manifest. A subject is not among them. */
export function childrenOf(manifest: ImageManifest | ImageIndex): readonly Descriptor[] {
  return manifest.kind === 'index' ? manifest.manifests : [];
}

/** Config, then layers, as often as they are named; none for an index. */
export function blobsOf(manifest: ImageManifest | ImageIndex): readonly Descriptor[] {
  return manifest.kind === 'image' ? [manifest.config, ...manifest.layers] : [];
}

/** What a manifest names, in its order: manifests to be followed, and blobs, to which belongs whatever an index lists that is no manifest. A subject is not among them. */
export function contentNamedBy(manifest: ImageManifest | ImageIndex): {
  readonly manifests: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
} {
  const children = childrenOf(manifest);
  const isFollowed = (child: Descriptor): boolean => isManifestType(child.mediaType);
  return {
    manifests: children.filter(isFollowed),
    blobs: [...blobsOf(manifest), ...children.filter((child) => !isFollowed(child))],
  };
}

/** True for layers that registries normally do not hold: a non-distributable type. */
export function isForeign(descriptor: Descriptor): boolean {
  return isForeignLayerType(descriptor.mediaType);
}

/** Bytes with what they mean and their digest, by default sha256. Throws as parseManifest(). */
export function documentOf(
  bytes: Uint8Array,
  mediaType: string | undefined,
  options: { readonly algorithm?: DigestAlgorithm | undefined } = {},
): ManifestDocument {
  const manifest = parseManifest(bytes, mediaType);
  const digest = digestOf(bytes, options.algorithm);
  return { descriptor: { mediaType: manifest.mediaType, digest, size: bytes.length }, bytes, manifest };
}

/** What the header and the document say together. Image-spec v1.1, manifest.md "mediaType": both have to agree. */
function typeOf(document: Field, claimed: string): string {
  const own = document.at('mediaType').optional((field) => field.text()) ?? '';
  if (isSchema1Type(own) || isSchema1(document)) throw schema1();
  if (document.at('schemaVersion').count() !== 2) document.at('schemaVersion').fail('is not 2');
  const said = genericTypes.includes(claimed) ? '' : claimed;
  if (said !== '' && own !== '' && said !== own) {
    document.at('mediaType').fail(`is ${quoteText(own)}, but it was delivered as ${quoteText(said)}`);
  }
  const type = said || own || (document.has('manifests') ? mediaTypes.ociIndex : mediaTypes.ociManifest);
  if (isManifestType(type)) return type;
  throw problem('ERR_UNSUPPORTED', `media type ${quoteText(type)} is not known`);
}

function isSchema1(document: Field): boolean {
  return document.has('fsLayers') || (document.has('schemaVersion') && document.at('schemaVersion').count() === 1);
}

function readImage(document: Field, mediaType: string): ImageManifest {
  if (document.has('manifests')) document.at('manifests').fail('does not belong into an image manifest');
  return {
    kind: 'image',
    mediaType,
    config: readDescriptor(document.at('config')),
    layers: readList(document, 'layers'),
    ...readCommon(document),
  };
}

function readIndex(document: Field, mediaType: string): ImageIndex {
  for (const name of ['layers', 'config']) {
    if (document.has(name)) document.at(name).fail('does not belong into an index');
  }
  return { kind: 'index', mediaType, manifests: readList(document, 'manifests'), ...readCommon(document) };
}

/** A list that has to be there; null counts as an empty one, as Go programs write it. */
function readList(document: Field, name: string): Descriptor[] {
  const field = document.at(name);
  if (field.absent && document.has(name)) return [];
  return field.list(maxManifestEntries).map(readDescriptor);
}

function readCommon(document: Field): { artifactType?: string; subject?: Descriptor } {
  const artifactType = readOptionalText(document.at('artifactType'));
  const subject = document.at('subject').optional(readDescriptor);
  return { ...(artifactType && { artifactType }), ...(subject && { subject }) };
}

function readDescriptor(field: Field): Descriptor {
  const platform = field.at('platform').optional(readPlatform);
  const artifactType = readOptionalText(field.at('artifactType'));
  const annotations = field.at('annotations').optional(readAnnotations);
  const urls = field.at('urls').optional((list) => list.list(100).map((url) => url.text()));
  return {
    mediaType: readMediaType(field.at('mediaType')),
    digest: readDigest(field.at('digest')),
    size: field.at('size').count(),
    ...(platform && { platform }),
    ...(artifactType && { artifactType }),
    ...(annotations && { annotations }),
    ...(urls && { urls }),
  };
}

/** Printable ASCII of at most 255 characters with a slash: safe to show and to send in a header. */
function readMediaType(field: Field): string {
  const text = field.text();
  return /^[\x21-\x7e]+\/[\x20-\x7e]+$/.test(text.slice(0, 256)) && text.length <= 255
    ? text
    : field.fail('is not a media type');
}

function readDigest(field: Field): Digest {
  const text = field.text();
  if (isDigest(text)) return text;
  return field.fail('is not a sha256 or sha512 digest in lower-case hex');
}

/** Undefined for a platform without content, as some builders write it. */
function readPlatform(field: Field): Platform | undefined {
  const os = readOptionalText(field.at('os'));
  const architecture = readOptionalText(field.at('architecture'));
  const variant = readOptionalText(field.at('variant'));
  if (os === undefined && architecture === undefined) return undefined;
  if (os === undefined) return field.at('os').fail('is missing');
  if (architecture === undefined) return field.at('architecture').fail('is missing');
  return variant === undefined ? { os, architecture } : { os, architecture, variant };
}

function readAnnotations(field: Field): Record<string, string> {
  return Object.fromEntries(field.keys().map((key) => [key, field.at(key).text()]));
}

/** Undefined for absent, null and empty text. */
function readOptionalText(field: Field): string | undefined {
  const text = field.optional((present) => present.text());
  return text === '' ? undefined : text;
}

function refuse(field: string, state: string): AirgapError {
  return problem('ERR_PROTOCOL', field === '' ? `it ${state}` : `field ${quoteText(field)} ${state}`);
}

function schema1(): AirgapError {
  return problem('ERR_UNSUPPORTED', 'it is of Docker schema 1, which was given up in 2019', {
    hint: 'ask for a newer tag of this image, or push it again with a current tool',
  });
}

function problem(code: ErrorCode, state: string, details: { readonly hint?: string } = {}): AirgapError {
  return new AirgapError(code, `Cannot read manifest: ${state}`, details);
}
