/**
 * The distribution API on the wire, printed for the client and parsed for the server by the same code
 * (OCI distribution-spec v1.1, "Endpoints" and "Error Codes"; RFC 9110 for ranges, RFC 8288 for links).
 */
import { type Digest, isDigest } from './digest.ts';
import { isRepositoryPath, isTag, type Tag } from './reference.ts';

/** The path that says whether a host serves the API: `/v2/`. */
export const basePath = '/v2/';

export function manifestPath(repository: string, reference: Tag | Digest): string {
  return `/v2/${repository}/manifests/${reference}`;
}

export function blobPath(repository: string, digest: Digest): string {
  return `/v2/${repository}/blobs/${digest}`;
}

/** Where an upload begins: POST. With `mount`, a blob of the repository `from` is made available instead ("Mounting a blob from another repository"). */
export function uploadPath(
  repository: string,
  options: { readonly mount?: Digest | undefined; readonly from?: string | undefined } = {},
): string {
  return `/v2/${repository}/blobs/uploads/${query({ mount: options.mount, from: options.from })}`;
}

/** One page of a repository's tags, of at most `n` after `last`. */
export function tagsPath(repository: string, page: Page = {}): string {
  return `/v2/${repository}/tags/list${query(page)}`;
}

export function referrersPath(
  repository: string,
  subject: Digest,
  options: { readonly artifactType?: string } = {},
): string {
  return `/v2/${repository}/referrers/${subject}${query(options)}`;
}

/** One page of a registry's repositories. Docker's addition; not every registry has it. */
export function catalogPath(page: Page = {}): string {
  return `/v2/_catalog${query(page)}`;
}

/** `n`: most entries wanted; `last`: the entry to go on after. */
export interface Page {
  readonly n?: number | undefined;
  readonly last?: string | undefined;
}

function query(fields: object): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  const printed = pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return printed.length === 0 ? '' : `?${printed.join('&')}`;
}

/** The codes of "Error Codes" in distribution-spec v1.1, in the order it lists them, and `UNKNOWN` for the rest. */
export type WireErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS'
  | 'UNKNOWN';

/** What a request path asks for. */
export type Route =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: Tag | Digest }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: Digest }
  /** Where uploads begin. */
  | { readonly kind: 'uploads'; readonly repository: string }
  /** One upload that has begun. */
  | { readonly kind: 'upload'; readonly repository: string; readonly session: string }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: Digest }
  /** The shape is right, a name in it is not. */
  | { readonly kind: 'invalid'; readonly code: WireErrorCode; readonly message: string }
  /** No path of this API: 404. */
  | { readonly kind: 'unknown' };

const unknown: Route = { kind: 'unknown' };

/** Reads the path of a request, without its query, percent-encoding allowed. Never throws. Repositories may hold parts like `blobs`: the end of the path decides. */
export function parseRoute(pathname: string): Route {
  if (pathname === '/v2' || pathname === '/v2/') return { kind: 'base' };
  if (pathname === '/v2/_catalog') return { kind: 'catalog' };
  const parts = pathname.length > 2048 ? undefined : decodeParts(pathname);
  if (parts === undefined || parts[0] !== '' || parts[1] !== 'v2' || parts.length < 5) return unknown;
  const shape = shapeOf(parts);
  if (shape === undefined) return unknown;
  const repository = parts.slice(2, parts.length - shape.tail).join('/');
  if (parts.some((part) => part.includes('/')) || !isRepositoryPath(repository)) {
    return { kind: 'invalid', code: 'NAME_INVALID', message: 'invalid repository name' };
  }
  return shape.read(repository, parts.at(-1) ?? '');
}

interface Shape {
  /** How many parts at the end belong to the endpoint. */
  readonly tail: number;
  readonly read: (repository: string, last: string) => Route;
}

function shapeOf(parts: readonly string[]): Shape | undefined {
  const [third, second, last] = parts.slice(-3);
  if (third === 'blobs' && second === 'uploads') return { tail: 3, read: readUpload };
  if (second === 'manifests') return { tail: 2, read: readManifest };
  if (second === 'blobs' && last !== 'uploads') return { tail: 2, read: readBlob };
  if (second === 'blobs') return { tail: 2, read: (repository) => ({ kind: 'uploads', repository }) };
  if (second === 'referrers') return { tail: 2, read: readReferrers };
  if (second === 'tags' && last === 'list') return { tail: 2, read: (repository) => ({ kind: 'tags', repository }) };
  return undefined;
}

function readUpload(repository: string, session: string): Route {
  if (session === '') return { kind: 'uploads', repository };
  if (/^[A-Za-z0-9_][A-Za-z0-9_.=-]{0,255}$/.test(session)) return { kind: 'upload', repository, session };
  return { kind: 'invalid', code: 'BLOB_UPLOAD_UNKNOWN', message: 'no such upload' };
}

function readManifest(repository: string, reference: string): Route {
  if (isDigest(reference) || isTag(reference)) return { kind: 'manifest', repository, reference };
  if (reference.includes(':')) return invalidDigest;
  return { kind: 'invalid', code: 'MANIFEST_UNKNOWN', message: 'invalid tag' };
}

function readBlob(repository: string, digest: string): Route {
  return isDigest(digest) ? { kind: 'blob', repository, digest } : invalidDigest;
}

function readReferrers(repository: string, digest: string): Route {
  return isDigest(digest) ? { kind: 'referrers', repository, digest } : invalidDigest;
}

const invalidDigest: Route = { kind: 'invalid', code: 'DIGEST_INVALID', message: 'not a sha256 or sha512 digest' };

function decodeParts(pathname: string): string[] | undefined {
  try {
    return pathname.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** One error a registry reported. */
export interface WireError {
  /** As the registry wrote it, `UNKNOWN` when it wrote none. */
  readonly code: string;
  /** One line of printable text, at most 300 characters; may be empty. */
  readonly message: string;
}

const mostErrors = 10;

/** Reads the body of a refusal. Never throws: whatever is no error body gives an empty list. */
export function parseErrorBody(text: string): WireError[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return [];
  }
  const errors = property(body, 'errors');
  const list: readonly unknown[] = Array.isArray(errors) ? errors.slice(0, mostErrors) : [body];
  return list.map(readError).filter((error) => error.code !== 'UNKNOWN' || error.message !== '');
}

function readError(entry: unknown): WireError {
  const code = oneLine(property(entry, 'code'), 64);
  const detail = property(entry, 'detail');
  const message =
    oneLine(property(entry, 'message'), 300) || oneLine(detail, 300) || oneLine(property(entry, 'details'), 300);
  return { code: code === '' ? 'UNKNOWN' : code, message };
}

function oneLine(value: unknown, limit: number): string {
  if (typeof value !== 'string') return '';
  return value
    .slice(0, 4 * limit)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
    .slice(0, limit);
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

/** The JSON body of one refusal. */
export function errorBody(code: WireErrorCode, message: string, detail?: unknown): string {
  return JSON.stringify({ errors: [detail === undefined ? { code, message } : { code, message, detail }] });
}

export {
  type ByteRange,
  type ContentRange,
  parseContentRange,
  parseLinkNext,
  parseRangeHeader,
  parseUploadOffset,
  parseUploadRange,
  printContentRange,
  printRange,
  printUploadRange,
} from './wire-headers.ts';
