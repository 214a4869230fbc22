/** Blobs as they are pushed: uploads and mounts (distribution-spec v1.1, "Pushing Blobs"). */
import { isAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { algorithmOf, type Digest, type DigestAlgorithm, digestOf, isDigest } from '../oci/digest.ts';
import { blobPath, parseUploadRange, uploadPath } from '../oci/distribution.ts';
import { mediaTypes } from '../oci/media-type.ts';
import type { Target, WritableRepository } from '../store/store.ts';
import type { Exchange } from './exchange.ts';
import { digestIn, quoted } from './finder.ts';
import { parseWireName, type WireName } from './names.ts';
import type { Library } from './reading.ts';
import { Refusal, refusals } from './refusal.ts';
import type { UploadSession, UploadSessions } from './sessions.ts';
import type { Turns } from './turns.ts';

export interface Workshop extends Library {
  readonly target: Target;
  readonly sessions: UploadSessions;
  readonly turns: Turns;
  /** Takes an index whose children are absent. */
  readonly sparse: boolean;
}

/** POST: opens a session, or mounts, or takes the whole blob at once (`digest` with a body). */
export async function startUpload(exchange: Exchange, workshop: Workshop, wire: WireName): Promise<void> {
  const { query } = exchange;
  const mount = query.get('mount');
  if (mount !== null && isDigest(mount) && (await tryMount(exchange, workshop, { wire, digest: mount }))) return;
  const digest = query.get('digest');
  if (digest !== null && hasWholeBody(exchange, digest)) {
    return takeWhole(exchange, workshop, { wire, digest: digestIn(digest) });
  }
  const algorithm = algorithmIn(query.get('digest-algorithm') ?? 'sha256');
  const session = await workshop.sessions.open(wire.name, { repository: writable(workshop, wire), algorithm });
  exchange.send(202, sessionHeaders(session));
}

/** A POST with a digest and no body asks for a session, unless the blob is the empty one. */
function hasWholeBody(exchange: Exchange, digest: string): boolean {
  if ((exchange.contentLength ?? 0) > 0 || exchange.header('transfer-encoding') !== undefined) return true;
  return isDigest(digest) && digest === digestOf(new Uint8Array(), algorithmOf(digest));
}

function algorithmIn(text: string): DigestAlgorithm {
  if (text === 'sha256' || text === 'sha512') return text;
  throw new Refusal(refusals.digestInvalid, `${quoted(text)} is no digest algorithm known here: sha256 and sha512 are`);
}

async function takeWhole(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; digest: Digest },
): Promise<void> {
  const { wire, digest } = asked;
  const place = { repository: writable(workshop, wire), algorithm: algorithmOf(digest) };
  const upload = await workshop.sessions.place(place);
  try {
    // Without the signal: who went away after the last byte finds the blob when it asks again.
    await upload.finish(exchange.incoming(), { digest, length: exchange.contentLength });
  } finally {
    await upload.drop();
  }
  exchange.send(201, blobHeaders(wire, digest));
}

/** Without `from`, only what the repository can reach itself is found: a store whose blobs are shared has it then. */
async function tryMount(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; digest: Digest },
): Promise<boolean> {
  const { wire, digest } = asked;
  const repository = writable(workshop, wire);
  const isHere = (await workshop.finder.blobSize(repository, digest)) !== undefined;
  if (!isHere && !(await mountFrom(exchange, workshop, { repository, digest }))) return false;
  exchange.send(201, blobHeaders(wire, digest));
  return true;
}

async function mountFrom(
  exchange: Exchange,
  workshop: Workshop,
  asked: { repository: WritableRepository; digest: Digest },
): Promise<boolean> {
  const { repository, digest } = asked;
  const from = parseWireName(exchange.query.get('from') ?? '', null);
  if (from === undefined || repository.mount === undefined) return false;
  const [found] = await workshop.finder.find(from, (source) => workshop.finder.blobSize(source, digest));
  if (found === undefined) return false;
  const descriptor: Descriptor = { mediaType: mediaTypes.octetStream, digest, size: found.value };
  return repository.mount(descriptor, found.repository.name, { signal: exchange.signal });
}

/** GET: how far a session is. */
export async function describeUpload(exchange: Exchange, session: UploadSession): Promise<void> {
  await session.run(async () => exchange.send(204, sessionHeaders(session)), stopOf(exchange));
}

/** PATCH: adds a chunk. One that does not begin where the last ended is answered 416 with how far the session is. */
export async function appendUpload(exchange: Exchange, workshop: Workshop, session: UploadSession): Promise<void> {
  const work = session.run(async (upload) => {
    checkChunk(exchange, session);
    await upload.append(exchange.incoming());
  }, stopOf(exchange));
  await givingUp(work, { workshop, session });
  exchange.send(202, sessionHeaders(session));
}

/** PUT: ends a session, with the last or the only chunk as its body. One that was cut off or does not follow can be sent again; a wrong digest ends the session. */
export async function finishUpload(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; session: UploadSession },
): Promise<void> {
  const { wire, session } = asked;
  const digest = digestIn(exchange.query.get('digest') ?? '');
  let isOver = false;
  try {
    const work = session.run(async (upload) => {
      checkChunk(exchange, session);
      try {
        await upload.finish(exchange.incoming(), { digest, length: exchange.contentLength });
      } finally {
        isOver = exchange.request.complete;
        if (isOver) session.retire();
      }
    }, stopOf(exchange));
    await givingUp(work, { workshop, session });
  } finally {
    if (isOver) await workshop.sessions.drop(session);
  }
  exchange.send(201, blobHeaders(wire, digest));
}

/** An upload the disk has no room for is given up, or what came of it would keep the disk full for everybody. */
async function givingUp(work: Promise<void>, held: { workshop: Workshop; session: UploadSession }): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isAirgapError(error) && error.code === 'ERR_NO_SPACE') await held.workshop.sessions.drop(held.session);
    throw error;
  }
}

/** DELETE: gives a session up. */
export async function cancelUpload(exchange: Exchange, workshop: Workshop, session: UploadSession): Promise<void> {
  await workshop.sessions.drop(session);
  exchange.send(204, {});
}

/** The repository a request writes to. Throws a refusal for a name that could not be read back from the store. */
export function writable(workshop: Workshop, wire: WireName): WritableRepository {
  const name = workshop.names.forWriting(wire);
  if (name !== undefined) return workshop.target.repository(name);
  throw new Refusal(
    refusals.nameInvalid,
    `no reference can name ${quoted(wire.name)}: it is too long or like a digest`,
  );
}

/** A body that has arrived whole is worked on to its end: nothing more would come of a new attempt. */
function stopOf(exchange: Exchange): () => void {
  return () => {
    if (!exchange.request.complete) exchange.request.destroy();
  };
}

function checkChunk(exchange: Exchange, session: UploadSession): void {
  const header = exchange.header('content-range');
  if (header === undefined) return;
  const range = parseUploadRange(header);
  const length = exchange.contentLength;
  const fits = range?.start === session.size && (length === undefined || range.end - range.start === length);
  if (fits) return;
  const state = `the session holds ${session.size} bytes; ${quoted(header)} does not follow`;
  throw new Refusal(refusals.rangeInvalid, state, { headers: sessionHeaders(session) });
}

/** An upload that holds nothing says `0-0`, as docker-registry does: the header cannot express it otherwise. */
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
