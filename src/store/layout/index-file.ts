/**
 * `index.json` of a layout (image-spec v1.1, image-layout.md "index.json"): which manifests are there under which names.
 * Every tag is an entry whose annotations carry the full reference; a manifest nothing else names is an entry by digest.
 * Entries of other tools are kept as they are. Pure: no file is touched here.
 */
import { AirgapError } from '../../errors.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import { parseReference, printReference, type Reference, type RepositoryName, type Tag } from '../../oci/reference.ts';
import type { IndexedManifest } from '../store.ts';

/** skopeo, crane and oras read the first, containerd the second. */
const nameAnnotation = 'org.opencontainers.image.ref.name';
const containerdAnnotation = 'io.containerd.image.name';

export interface IndexEntry {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes, as the entry says. */
  readonly size: number;
  /** The image it names: with a tag, or with its digest. Undefined for names that are no full reference (`latest`). */
  readonly reference?: Reference;
  /** What entries are sorted by. */
  readonly name: string;
  /** The entry as it stands in the file. */
  readonly json: string;
}

export function entryFor(
  reference: RepositoryName & { readonly tag?: Tag | undefined },
  descriptor: { readonly mediaType: string; readonly digest: Digest; readonly size: number },
): IndexEntry {
  const { registry, repository, tag } = reference;
  const { mediaType, digest, size } = descriptor;
  const named: Reference = tag === undefined ? { registry, repository, digest } : { registry, repository, tag };
  const name = printReference(named);
  const annotations = { [containerdAnnotation]: name, [nameAnnotation]: name };
  return {
    mediaType,
    digest,
    size,
    reference: named,
    name,
    json: JSON.stringify({ mediaType, digest, size, annotations }),
  };
}

/** The entry for who looks through a whole index. */
export function indexedManifest({ mediaType, digest, size, name, reference }: IndexEntry): IndexedManifest {
  const repository = reference && { registry: reference.registry, repository: reference.repository };
  return { descriptor: { mediaType, digest, size }, name, repository, tag: reference?.tag };
}

/** Reads the file. Throws ERR_INPUT_INVALID for whatever is no image index with proper descriptors; `path` is for the message. */
export function parseIndexFile(text: string, path: string): IndexEntry[] {
  const document = parseJson(text, path);
  if (!isObject(document) || document.schemaVersion !== 2 || !Array.isArray(document.manifests)) {
    throw invalid(path, 'it is no image index');
  }
  return document.manifests.map((entry: unknown, position) => readEntry(entry, `${path}", entry "${position + 1}`));
}

function readEntry(entry: unknown, where: string): IndexEntry {
  if (!isObject(entry)) throw invalid(where, 'it is no descriptor');
  const { mediaType, digest, size } = entry;
  if (typeof digest !== 'string' || !isDigest(digest))
    throw invalid(where, 'its digest is not sha256 or sha512 in lower-case hex');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(where, 'its size is no byte count');
  if (typeof mediaType !== 'string' || mediaType === '') throw invalid(where, 'its media type is missing');
  const annotations = isObject(entry.annotations) ? entry.annotations : {};
  const names = [annotations[containerdAnnotation], annotations[nameAnnotation]].filter(
    (name) => typeof name === 'string',
  );
  const reference = names.map(fullReference).find((found) => found !== undefined);
  const json = JSON.stringify(entry);
  const name = reference === undefined ? (names.at(-1) ?? '') : printReference(reference);
  return { mediaType, digest, size, name, json, ...(reference === undefined ? {} : { reference }) };
}

/** Only names with their registry written out: `latest` and `app:1` name an image of this file, not of Docker Hub. */
function fullReference(name: string): Reference | undefined {
  if (!name.includes('/') || !/[:@]/.test(name.slice(name.lastIndexOf('/')))) return undefined;
  try {
    const { registry, repository, tag, digest } = parseReference(name);
    if (name.slice(0, name.indexOf('/')) !== registry) return undefined;
    if (tag !== undefined) return { registry, repository, tag };
    return digest === undefined ? undefined : { registry, repository, digest };
  } catch {
    return undefined;
  }
}

/** The file's text: sorted by name, then digest, so that the same content is the same bytes. */
export function printIndexFile(entries: Iterable<IndexEntry>): string {
  const sorted = [...entries].sort(
    (a, b) => compare(a.name, b.name) || compare(a.digest, b.digest) || compare(a.json, b.json),
  );
  const lines = sorted.map((entry) => `    ${entry.json}`).join(',\n');
  const manifests = lines === '' ? '[]' : `[\n${lines}\n  ]`;
  return `{\n  "schemaVersion": 2,\n  "mediaType": "${mediaTypes.ociIndex}",\n  "manifests": ${manifests}\n}\n`;
}

/** Throws ERR_INPUT_INVALID unless the text is the `oci-layout` file of version 1.0.0 (image-layout.md, "oci-layout file"). */
export function checkLayoutFile(text: string, path: string): void {
  const document = parseJson(text, path);
  const version = isObject(document) ? document.imageLayoutVersion : undefined;
  if (version === '1.0.0') return;
  throw invalid(
    path,
    version === undefined
      ? 'it has no layout version'
      : `layout version ${JSON.stringify(version).slice(0, 40)} is not known`,
  );
}

export const layoutFileText = '{"imageLayoutVersion":"1.0.0"}\n';

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot read layout file "${path}": it is not JSON`, { cause });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(where: string, state: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read layout file "${where}": ${state}`);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
