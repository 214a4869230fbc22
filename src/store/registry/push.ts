/** A blob into a registry: whole in one request or in parts, going on where an earlier attempt stopped (OCI distribution-spec v1.1, "Pushing blobs"). */
import { isAirgapError } from '../../errors.ts';
import type { PushResult } from '../store.ts';
import type { Exchange } from './exchange.ts';
import type { Piece } from './feed.ts';
import { sendParts } from './parts.ts';
import type { Refusal } from './refusal.ts';
import { UploadSession, uploadError } from './session.ts';
import { Upload, type UploadWork } from './upload.ts';

/** Blobs up to this many bytes are in memory before they are sent: their request waits for no source. */
const heldWhole = 1024 * 1024;

/**
 * One attempt. What a host refuses (parts, bodies of a size) is remembered and the other way is taken at once.
 * Throws what the content throws; ERR_DIGEST_MISMATCH (retryable) when the registry finds other bytes; ERR_NO_SPACE;
 * ERR_UNSUPPORTED when the host takes blobs in no way; what HttpClient.send() throws.
 */
export async function pushBlob(work: UploadWork): Promise<PushResult> {
  const resumed = await findSession(work);
  const upload = new Upload(work, resumed);
  try {
    await sendSomehow(upload, work.exchange);
    if (upload.resumable) work.options.onState?.(undefined);
    return { startedAt: resumed.offset };
  } catch (thrown) {
    // What the content failed with is the source's matter and stays as it is.
    const failure = upload.feed.failure();
    await leave(upload, failure?.error ?? thrown);
    if (failure !== undefined) throw failure.error;
    throw work.exchange.explained(thrown, { reference: work.exchange.printed(work.descriptor.digest) });
  } finally {
    upload.feed.close();
  }
}

interface Found {
  readonly session?: UploadSession;
  readonly offset: number;
}

/** Asks the session of an earlier attempt how far it got. */
async function findSession(work: UploadWork): Promise<Found> {
  const { exchange, options, descriptor } = work;
  const fresh = { offset: 0 };
  if (options.resume === undefined) return fresh;
  const reference = exchange.printed(descriptor.digest);
  const session = await UploadSession.known(exchange, options.resume.location, { reference, signal: options.signal });
  const offset = session === undefined || !exchange.features.patch ? undefined : await offsetOf(session);
  if (session !== undefined && offset !== undefined && offset > 0 && offset <= descriptor.size)
    return { session, offset };
  options.onState?.(undefined);
  if (offset !== undefined) await session?.cancel();
  return fresh;
}

/** Undefined when the registry refuses to tell; only a registry that cannot be reached at all is an error. */
async function offsetOf(session: UploadSession): Promise<number | undefined> {
  try {
    return await session.offset();
  } catch (thrown) {
    if (isAirgapError(thrown) && thrown.status !== undefined && thrown.code !== 'ERR_RATE_LIMITED') return undefined;
    throw thrown;
  }
}

async function sendSomehow(upload: Upload, exchange: Exchange): Promise<void> {
  const { descriptor, settings, features } = upload;
  const { size } = descriptor;
  const small = size <= settings.monolithicLimitBytes && size <= features.bodyLimit;
  const wholeFirst = !upload.resumable && features.bodyInPut && (small || !features.patch || size === 0);
  const ways = wholeFirst ? [sendWhole, sendParts] : [sendParts, sendWhole];
  for (const way of ways) {
    if (way === sendParts ? features.patch && size > 0 : features.bodyInPut) {
      if (await way(upload)) return;
    }
  }
  throw exchange
    .broken(
      { action: 'push blob', reference: exchange.printed(descriptor.digest) },
      'registry takes it neither whole (PUT with a body) nor in parts (PATCH)',
      {
        code: 'ERR_UNSUPPORTED',
        digest: descriptor.digest,
        hint: 'a proxy before the registry may forbid these methods',
      },
    )
    .with({ host: (await exchange.endpoint()).origin.host });
}

/** False when the host takes no body of this size in a PUT: the session is cancelled and the feed stands at 0 again. */
async function sendWhole(upload: Upload): Promise<boolean> {
  const { feed, features, descriptor } = upload;
  const { size } = descriptor;
  const held = size <= heldWhole ? await feed.collect(size) : undefined;
  upload.throwContentFailure();
  const session = await upload.openSession();
  const content = held === undefined ? feed.piece(size) : joined(held);
  let refusal: Refusal | undefined;
  try {
    refusal = await session.complete(descriptor.digest, { content, bytes: size });
  } catch (thrown) {
    const unanswered = isAirgapError(thrown) && thrown.code === 'ERR_UNREACHABLE';
    if (unanswered && feed.failure() === undefined) features.bodyDropped(size);
    throw thrown;
  }
  upload.throwContentFailure();
  if (refusal === undefined) {
    features.bodyTaken();
    upload.settings.rate.add(size);
    return true;
  }
  const tooLarge = refusal.status === 413 && features.patch && size > 0;
  if (!tooLarge && !(refusal.notSupported && size > 0)) throw uploadError(refusal, descriptor.digest);
  if (tooLarge) features.bodyTooLarge(size);
  else features.bodyInPut = false;
  if (held === undefined) feed.reopen(0);
  else feed.giveBack(held);
  await upload.dropSession();
  return false;
}

function joined(piece: Piece): Uint8Array {
  const [only] = piece.buffers;
  return piece.buffers.length === 1 && only !== undefined ? only : Buffer.concat(piece.buffers);
}

/**
 * What becomes of the session after a failure. Bytes that arrived stay for the next attempt, unless they are wrong or the
 * registry knows nothing of them. A session without bytes is cancelled when the registry still answers; one whose answer got
 * lost may be completing just now.
 */
async function leave(upload: Upload, cause: unknown): Promise<void> {
  const { code, status } = isAirgapError(cause) ? cause : { code: undefined, status: undefined };
  const wrong = code === 'ERR_DIGEST_MISMATCH' || code === 'ERR_SIZE_MISMATCH';
  const gone = status === 400 || status === 404 || status === 410;
  if (upload.resumable && !wrong && !gone) return;
  const answers = upload.feed.failure() !== undefined || status !== undefined;
  await upload.dropSession({ cancel: answers && code !== 'ERR_INTERRUPTED' });
}
