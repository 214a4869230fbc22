/** The reading half of the API: manifests, blobs, tags, catalog, referrers (distribution-spec v1.1, "Pull" and "Content Discovery"). */
import { isAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { type ByteRange, parseRangeHeader, printContentRange } from '../oci/distribution.ts';
import { mediaTypes } from '../oci/media-type.ts';
import type { Tag } from '../oci/reference.ts';
import type { Source } from '../store/store.ts';
import type { Exchange } from './exchange.ts';
import { ambiguous, collect, type Finder, type FoundManifest, orNotFound, quoted } from './finder.ts';
import type { Integrity } from './integrity.ts';
import type { Names, WireName } from './names.ts';
import { Refusal, refusals } from './refusal.ts';

export interface Library {
  readonly store: Source;
  readonly names: Names;
  readonly finder: Finder;
  readonly integrity: Integrity;
}

/**
 * GET and HEAD of a manifest by tag or digest. A conditional request with the digest as ETag is answered 304. There is one form of
 * each manifest, so `Accept` is not looked at: a client that does not list its type gets it all the same, and never a 406.
 */
export async function readManifest(
  exchange: Exchange,
  library: Library,
  asked: { wire: WireName; reference: Tag | Digest },
): Promise<void> {
  const whole = exchange.wantsBody && exchange.header('if-none-match') === undefined;
  const { descriptor, bytes } = await findManifest(library, { ...asked, whole });
  const { digest } = descriptor;
  const head = { 'content-type': descriptor.mediaType, 'docker-content-digest': digest, etag: `"${digest}"` };
  if (exchange.has(head.etag)) return exchange.send(304, head);
  if (!exchange.wantsBody) return exchange.sendHead(200, { ...head, 'content-length': descriptor.size });
  const body = bytes ?? (await findManifest(library, { ...asked, reference: digest, whole: true })).bytes;
  if (body === undefined)
    throw new Refusal(refusals.manifestUnknown, `there is no ${quoted(asked.reference)} any more`);
  exchange.send(200, head, body);
}

/** A manifest that is wrong where it is stored is the server's fault: 500. What it names is checked ahead when it is read whole. */
async function findManifest(
  library: Library,
  asked: { wire: WireName; reference: Tag | Digest; whole: boolean },
): Promise<FoundManifest> {
  try {
    const { repository, value } = await library.finder.manifest(asked.wire, asked);
    if (value.bytes !== undefined) library.integrity.checkAhead(repository, value.descriptor.digest, value.bytes);
    return value;
  } catch (error) {
    if (!isAirgapError(error) || !wrongBytes.has(error.code)) throw error;
    const digest = error.digest ?? asked.reference;
    throw isDigest(digest) ? library.integrity.wrongManifest(digest, error) : error;
  }
}

const wrongBytes: ReadonlySet<string> = new Set(['ERR_DIGEST_MISMATCH', 'ERR_SIZE_MISMATCH']);

/** GET and HEAD of a blob; one byte range is understood (RFC 9110, section 14). Several ranges, and any of a HEAD, are answered with the whole. */
export async function readBlob(
  exchange: Exchange,
  library: Library,
  asked: { wire: WireName; digest: Digest },
): Promise<void> {
  const { digest } = asked;
  const { signal } = exchange;
  const { repository, value: size } = await library.finder.blob(asked.wire, digest);
  const head = {
    'content-type': mediaTypes.octetStream,
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'max-age=31536000, immutable',
  };
  if (exchange.has(head.etag)) return exchange.send(304, head);
  const range = wantedRange(exchange, { digest, size });
  const descriptor: Descriptor = { mediaType: mediaTypes.octetStream, digest, size };
  await library.integrity.ensure(repository, descriptor, { signal });
  const { start, end } = range ?? { start: 0, end: size };
  const partial = range === undefined ? {} : { 'content-range': printContentRange({ start, end, size }) };
  const headers = { ...head, ...partial };
  const length = end - start;
  const status = range === undefined ? 200 : 206;
  if (!exchange.wantsBody) return exchange.sendHead(status, { ...headers, 'content-length': length });
  const wanted = range === undefined ? {} : { offset: start, end };
  const content = await repository.fetch(descriptor, { ...wanted, signal, transient: true });
  // What changed while it was sent must not arrive whole.
  const beforeEnd = () => library.integrity.ensure(repository, descriptor);
  await exchange.stream(status, headers, { content, length, beforeEnd }).catch((error: unknown) => {
    if (!isAirgapError(error) || !wrongBytes.has(error.code)) throw error;
    throw new Refusal(refusals.internal, 'bytes are missing from where the blob is stored');
  });
}

/** Undefined: the whole. Throws a refusal with status 416. */
function wantedRange(exchange: Exchange, blob: { digest: Digest; size: number }): ByteRange | undefined {
  const { digest, size } = blob;
  const ifRange = exchange.header('if-range');
  const isSame = ifRange === undefined || ifRange === `"${digest}"`;
  const range = isSame && exchange.wantsBody ? parseRangeHeader(exchange.header('range'), size) : undefined;
  if (range !== 'unsatisfiable') return range;
  throw new Refusal(refusals.rangeUnsatisfiable, `the blob has ${size} bytes`, {
    headers: { 'content-range': `bytes */${size}` },
  });
}

/** Tags in lexical order, paged by `n` and `last`. */
export async function listTags(exchange: Exchange, library: Library, wire: WireName): Promise<void> {
  const found = await library.finder.find(wire, async (repository) => {
    if (repository.tags === undefined) throw new Refusal(refusals.methodNotAllowed, 'this store cannot list tags');
    return orNotFound(collect(repository.tags({ signal: exchange.signal })));
  });
  const [first] = found;
  if (first === undefined) throw new Refusal(refusals.nameUnknown, `there is no ${quoted(wire.name)}`);
  if (found.length > 1) throw ambiguous(wire, found);
  const page = paged(exchange, [...first.value].sort());
  exchange.json(200, { name: wire.name, tags: page.items }, page.headers);
}

/** Repositories in lexical order with their registry before the path, paged by `n` and `last`. */
export async function listCatalog(exchange: Exchange, library: Library): Promise<void> {
  const page = paged(exchange, await library.names.all());
  exchange.json(200, { repositories: page.items }, page.headers);
}

/** An index of what points at a manifest; an empty one when nothing does. 404 where the store has no such list. */
export async function listReferrers(
  exchange: Exchange,
  library: Library,
  asked: { wire: WireName; digest: Digest },
): Promise<void> {
  const { digest: subject } = asked;
  const found = await library.finder.find(asked.wire, async (repository) => {
    const listed = await repository.referrers?.(subject, { signal: exchange.signal });
    return listed === undefined || listed.length === 0 ? undefined : listed;
  });
  const [any] = library.names.exact(asked.wire);
  if (found.length === 0 && any !== undefined && !(await library.finder.listsReferrers(any, subject))) {
    throw new Refusal(refusals.notFound, 'this store does not list referrers');
  }
  const byDigest = new Map(found.flatMap(({ value }) => value).map((descriptor) => [descriptor.digest, descriptor]));
  const artifactType = exchange.query.get('artifactType');
  const manifests = [...byDigest.values()].filter(
    (item) => artifactType === null || item.artifactType === artifactType,
  );
  const filtered = artifactType === null ? {} : { 'oci-filters-applied': 'artifactType' };
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  exchange.send(200, { 'content-type': mediaTypes.ociIndex, ...filtered }, JSON.stringify(index));
}

function paged(
  exchange: Exchange,
  sorted: readonly string[],
): { items: readonly string[]; headers: Record<string, string> } {
  const { query } = exchange;
  const last = query.get('last');
  const rest = last === null ? sorted : sorted.filter((item) => item > last);
  const text = query.get('n');
  if (text === null) return { items: rest, headers: {} };
  if (!/^[0-9]{1,9}$/.test(text)) throw new Refusal(refusals.paginationInvalid, `n is no number: ${quoted(text)}`);
  const items = rest.slice(0, Number(text));
  const end = items.at(-1);
  if (end === undefined || items.length === rest.length) return { items, headers: {} };
  const next = new URLSearchParams(query);
  next.set('last', end);
  return { items, headers: { link: `<${exchange.path}?${next}>; rel="next"` } };
}
