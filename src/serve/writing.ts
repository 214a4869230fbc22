/** The writing half of the API: uploads, mounts and manifests (distribution-spec v1.1, "Push"). */
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestOf, isDigest } from '../oci/digest.ts';
import { blobPath, manifestPath, parseUploadRange, uploadPath } from '../oci/distribution.ts';
import { isManifestType, mediaTypes } from '../oci/media-type.ts';
import type { Tag } from '../oci/reference.ts';
import { type ManifestPart, manifestLimit, peekManifest } from '../store/peek.ts';
import type { Target, UnverifiedContent, WritableRepository } from '../store/store.ts';
import { reopenable } from '../store/verified.ts';
import type { Exchange } from './exchange.ts';
import { digestIn, orNotFound, quoted } from './finder.ts';
import { parseWireName, type WireName } from './names.ts';
import type { Library } from './reading.ts';
import { Refusal, refusals } from './refusal.ts';
import type { UploadSession, UploadSessions } from './sessions.ts';

export interface Workshop extends Library {
  readonly target: Target;
  readonly sessions: UploadSessions;
  /** Takes an index whose children are absent. */
  readonly sparse: boolean;
}

/** POST: opens a session, or mounts, or takes the whole blob at once (`digest` with a body of known length). */
export async function startUpload(exchange: Exchange, workshop: Workshop, wire: WireName): Promise<void> {
  const mount = exchange.query.get('mount');
  if (mount !== null && (await tryMount(exchange, workshop, { wire, digest: digestIn(mount) }))) return;
  const digest = exchange.query.get('digest');
  const size = exchange.contentLength;
  if (digest !== null && size !== undefined && size > 0) {
    const content = { digest: digestIn(digest), size, from: (offset: number) => after(exchange.incoming(), offset) };
    return storeBlob(exchange, workshop, { wire, ...content });
  }
  const session = await workshop.sessions.open(wire.name);
  exchange.send(202, sessionHeaders(session));
}

async function tryMount(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; digest: Digest },
): Promise<boolean> {
  const { wire, digest } = asked;
  const from = parseWireName(exchange.query.get('from') ?? '', null);
  const repository = writable(workshop, wire);
  if (from === undefined || repository.mount === undefined) return false;
  const [found] = await workshop.finder.find(from, (source) => workshop.finder.blobSize(source, digest));
  if (found === undefined) return false;
  const descriptor: Descriptor = { mediaType: mediaTypes.octetStream, digest, size: found.value };
  if (!(await repository.mount(descriptor, found.repository.name, { signal: exchange.signal }))) return false;
  exchange.send(201, blobHeaders(wire, digest));
  return true;
}

/** GET: how far a session is. */
export async function describeUpload(exchange: Exchange, session: UploadSession): Promise<void> {
  await session.settle();
  exchange.send(204, sessionHeaders(session));
}

/** PATCH: adds a chunk. One that does not begin where the last ended is answered 416 with how far the session is. */
export async function appendUpload(exchange: Exchange, session: UploadSession): Promise<void> {
  await session.settle();
  checkChunk(exchange, session);
  await session.append(exchange.incoming(), () => exchange.request.destroy());
  exchange.send(202, sessionHeaders(session));
}

/** PUT: ends a session, with the last or the only chunk as its body. */
export async function finishUpload(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; session: UploadSession },
): Promise<void> {
  const { wire, session } = asked;
  const digest = digestIn(exchange.query.get('digest') ?? '');
  await session.settle();
  checkChunk(exchange, session);
  const length = exchange.contentLength;
  try {
    if (session.size === 0 && length !== undefined && length > 0) {
      await storeBlob(exchange, workshop, {
        wire,
        digest,
        size: length,
        from: (offset) => after(exchange.incoming(), offset),
      });
    } else {
      await session.append(exchange.incoming(), () => exchange.request.destroy());
      await storeBlob(exchange, workshop, { wire, digest, size: session.size, from: (offset) => session.read(offset) });
    }
  } finally {
    if (!exchange.signal.aborted) await workshop.sessions.drop(session);
  }
}

/** DELETE: gives a session up. */
export async function cancelUpload(exchange: Exchange, workshop: Workshop, session: UploadSession): Promise<void> {
  await workshop.sessions.drop(session);
  exchange.send(204, {});
}

/** PUT of a manifest by tag or digest. Everything it names must be here, but what foreign layers name (and, when sparse, children). */
export async function putManifest(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; reference: Tag | Digest },
): Promise<void> {
  const { wire, reference } = asked;
  const bytes = await exchange.body(manifestLimit);
  const digest = digestOf(bytes, reference.startsWith('sha512:') ? 'sha512' : 'sha256');
  if (isDigest(reference) && digest !== reference)
    throw new Refusal(refusals.digestInvalid, `the manifest's digest is ${digest}`);
  const facts = peekManifest(bytes);
  const mediaType = exchange.header('content-type')?.split(';')[0]?.trim() ?? facts?.mediaType ?? '';
  if (facts === undefined || !isManifestType(mediaType)) {
    throw new Refusal(refusals.manifestInvalid, `this is no manifest of a known kind: ${quoted(mediaType)}`);
  }
  const repository = writable(workshop, wire);
  await refuseIncomplete(workshop, { wire, repository, parts: facts.parts });
  const tag = isDigest(reference) ? undefined : reference;
  await repository.pushManifest({ mediaType, digest, size: bytes.length }, bytes, { tag, signal: exchange.signal });
  workshop.names.forget();
  const subject =
    facts.subject === undefined || repository.referrers === undefined ? {} : { 'oci-subject': facts.subject };
  exchange.send(201, { location: manifestPath(wire.name, digest), 'docker-content-digest': digest, ...subject });
}

interface Incomplete {
  readonly wire: WireName;
  readonly repository: WritableRepository;
  readonly parts: readonly ManifestPart[];
}

async function refuseIncomplete(workshop: Workshop, { wire, repository, parts }: Incomplete): Promise<void> {
  const absent: Digest[] = [];
  for (const part of parts) {
    if (part.role === 'foreign' || (part.role === 'manifest' && workshop.sparse)) continue;
    const there =
      part.role === 'manifest'
        ? await orNotFound(repository.resolve(part.digest))
        : await workshop.finder.blobSize(repository, part.digest);
    if (there === undefined) absent.push(part.digest);
  }
  if (absent.length === 0) return;
  const detail = absent.map((missing) => ({ digest: missing }));
  throw new Refusal(refusals.manifestBlobUnknown, `${quoted(wire.name)} lacks ${absent.join(', ')}`, { detail });
}

interface IncomingBlob {
  readonly wire: WireName;
  readonly digest: Digest;
  readonly size: number;
  readonly from: (offset: number) => UnverifiedContent;
}

async function storeBlob(exchange: Exchange, workshop: Workshop, blob: IncomingBlob): Promise<void> {
  const descriptor: Descriptor = { mediaType: mediaTypes.octetStream, digest: blob.digest, size: blob.size };
  await writable(workshop, blob.wire).push(descriptor, reopenable(descriptor, blob.from), { signal: exchange.signal });
  exchange.send(201, blobHeaders(blob.wire, blob.digest));
}

function writable(workshop: Workshop, wire: WireName): WritableRepository {
  return workshop.target.repository(workshop.names.forWriting(wire));
}

function checkChunk(exchange: Exchange, session: UploadSession): void {
  const header = exchange.header('content-range');
  if (header === undefined) return;
  const range = parseUploadRange(header);
  const length = exchange.contentLength;
  const fits = range?.start === session.size && (length === undefined || range.end - range.start === length);
  if (fits) return;
  throw new Refusal(
    refusals.rangeInvalid,
    `the session holds ${session.size} bytes; ${quoted(header)} does not follow`,
    {
      headers: sessionHeaders(session),
    },
  );
}

function sessionHeaders(session: UploadSession): Record<string, string> {
  return {
    location: `${uploadPath(session.name)}${session.id}`,
    range: `0-${Math.max(0, session.size - 1)}`,
    'docker-upload-uuid': session.id,
  };
}

function blobHeaders(wire: WireName, digest: Digest): Record<string, string> {
  return { location: blobPath(wire.name, digest), 'docker-content-digest': digest };
}

/** The content without its first bytes. */
async function* after(content: UnverifiedContent, offset: number): AsyncGenerator<Uint8Array> {
  let skip = offset;
  for await (const chunk of content) {
    if (skip < chunk.length) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}
