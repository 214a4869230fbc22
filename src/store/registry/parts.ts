/** A blob sent in parts (OCI distribution-spec v1.1, "Pushing a blob in chunks"). */
import { isAirgapError } from '../../errors.ts';
import type { Piece } from './feed.ts';
import type { Refusal } from './refusal.ts';
import { type UploadSession, uploadError } from './session.ts';
import type { Upload } from './upload.ts';

const mebibyte = 1024 * 1024;
/** From this rate on, in bytes a second, a layer is sooner fetched again than it is worth to send small parts. */
const fastRate = 64 * mebibyte;
/** Parts that are streamed: where all is fast, and else. */
const fastPart = 32 * mebibyte;
const streamedPart = 16 * mebibyte;
/** Smallest part a 413 brings us down to. */
const leastPart = mebibyte;
/** Parts sent in vain, one after the other, before the upload is given up as it is. */
const mostInVain = 4;

/**
 * Sends what is left of the content in parts and completes the upload. False when the host takes no parts: the session is
 * cancelled and the feed stands at 0 again.
 *
 * Where memory allows it (see ByteBudget), a part is collected before it is sent and the next one is collected meanwhile. So a
 * request lasts as long as the network to the target needs, not as long as the source does, and hardly ever is one cut: after a
 * part that was cut, distribution 2.8 throws the whole session away (registry/handlers/blobupload.go compares the bytes it holds
 * with those its last answer told). Else parts are streamed; so they are where bytes go fast, and then they are long: each part
 * costs the registry time, and what a kill would lose is soon there again.
 */
export async function sendParts(upload: Upload): Promise<boolean> {
  // The session says how small a part may be.
  await upload.openSession();
  const bytes = partBytes(upload);
  if (isFast(upload) || !upload.settings.budget.take(2 * bytes)) return sendStreamed(upload);
  let sent: boolean | 'faster';
  try {
    sent = await sendCollected(upload);
  } finally {
    upload.settings.budget.give(2 * bytes);
  }
  return sent === 'faster' ? sendStreamed(upload) : sent;
}

/**
 * About a fiftieth of the blob, 1 to 6 MiB: the part on its way and the one that is being collected are what is lost when the process is
 * killed. Never less than the registry's minimum.
 */
function partBytes(upload: Upload, streamed?: number): number {
  const { settings, features, descriptor, session } = upload;
  const share = Math.floor(descriptor.size / 48 / mebibyte) * mebibyte;
  const wanted = settings.chunkBytes ?? streamed ?? Math.min(Math.max(share, mebibyte), 6 * mebibyte);
  return Math.max(Math.min(wanted, features.bodyLimit), session?.minimum ?? 0);
}

/** As sendParts(); `faster` when the rest is better streamed. */
async function sendCollected(upload: Upload): Promise<boolean | 'faster'> {
  const { feed, descriptor } = upload;
  let sent = feed.position;
  let coming: Promise<Piece> | undefined;
  let inVain = 0;
  while (sent < descriptor.size) {
    const session = await upload.openSession();
    const piece = await (coming ?? feed.collect(Math.min(partBytes(upload), descriptor.size - sent)));
    stopIfUseless(upload, piece);
    const next = Math.min(partBytes(upload), descriptor.size - sent - piece.bytes);
    coming = feed.failure() === undefined && next > 0 ? feed.collect(next) : undefined;
    const answer = await appended(session, { start: sent, piece, mayAsk: inVain < mostInVain });
    const reached = typeof answer === 'number' ? answer : sent;
    const isFaster = isFast(upload);
    if (reached < sent + piece.bytes || isFaster) {
      await putBack(feed, { coming, left: rest(piece, reached - sent) });
      coming = undefined;
    }
    if (typeof answer !== 'number') {
      if (await noParts(upload, { answer, first: sent === 0 })) return false;
      makeSmaller(upload, { answer, bytes: piece.bytes });
    } else upload.taken(answer);
    inVain = reached > sent ? 0 : inVain + 1;
    sent = reached;
    if (isFaster) return 'faster';
  }
  await complete(upload);
  return true;
}

/** Bytes go back in order: first what was read ahead, then what was not taken. */
async function putBack(
  feed: Upload['feed'],
  bytes: { readonly coming: Promise<Piece> | undefined; readonly left: Piece },
): Promise<void> {
  if (bytes.coming !== undefined) feed.giveBack(await bytes.coming);
  if (bytes.left.bytes > 0) feed.giveBack(bytes.left);
}

function isFast({ settings }: Upload): boolean {
  return settings.chunkBytes === undefined && settings.rate.perSecond >= fastRate;
}

/**
 * Sends one part and gives the offset reached, or the registry's refusal. The part is still in memory, so where its answer did not
 * come, or was a passing failure, the session is asked how far it got, and nothing has to be fetched again.
 */
async function appended(
  session: UploadSession,
  part: { readonly start: number; readonly piece: Piece; readonly mayAsk: boolean },
): Promise<number | Refusal> {
  const { start, piece, mayAsk } = part;
  try {
    return await session.append(start, { content: chunksOf(piece), bytes: piece.bytes });
  } catch (thrown) {
    if (!mayAsk || !isAirgapError(thrown) || !thrown.retryable) throw thrown;
    const offset = await session.offset().catch(() => undefined);
    if (offset === undefined || offset < start || offset > start + piece.bytes) throw thrown;
    return offset;
  }
}

async function sendStreamed(upload: Upload): Promise<boolean> {
  const { feed, descriptor } = upload;
  while (feed.position < descriptor.size) {
    const session = await upload.openSession();
    const start = feed.position;
    const usual = isFast(upload) ? fastPart : streamedPart;
    const bytes = Math.min(partBytes(upload, usual), descriptor.size - start);
    const answer = await session.append(start, { content: feed.piece(bytes), bytes });
    upload.throwContentFailure();
    if (typeof answer !== 'number') {
      // Part of the bytes may be gone; they have to be read again.
      feed.reopen(start);
      if (await noParts(upload, { answer, first: start === 0 })) return false;
      makeSmaller(upload, { answer, bytes });
      continue;
    }
    upload.taken(answer);
    if (answer < start + bytes) feed.reopen(answer);
  }
  await complete(upload);
  return true;
}

/** Throws the failure of the content when what came of it is not worth sending: wrong content, or too little for a part. */
function stopIfUseless(upload: Upload, piece: Piece): void {
  const failure = upload.feed.failure();
  if (failure === undefined) return;
  const { error } = failure;
  const wrong =
    isAirgapError(error) && ['ERR_DIGEST_MISMATCH', 'ERR_SIZE_MISMATCH', 'ERR_INTERRUPTED'].includes(error.code);
  if (wrong || piece.bytes === 0 || piece.bytes < (upload.session?.minimum ?? 0)) throw error;
}

/** True when the first part was refused as such: parts are not for this host, so the blob has to go whole. */
async function noParts(
  upload: Upload,
  refused: { readonly answer: Refusal; readonly first: boolean },
): Promise<boolean> {
  const { answer, first } = refused;
  const noSuchPath = answer.status === 404 && !answer.has('BLOB_UPLOAD_UNKNOWN');
  if (!first || !(answer.notSupported || noSuchPath)) return false;
  upload.features.patch = false;
  await upload.dropSession();
  return true;
}

/** After a 413 the next part is half as large. Throws for every other refusal, and when parts are small already. */
function makeSmaller(upload: Upload, refused: { readonly answer: Refusal; readonly bytes: number }): void {
  const { answer, bytes } = refused;
  const least = Math.max(leastPart, upload.session?.minimum ?? 0);
  if (answer.status !== 413) throw uploadError(answer, upload.descriptor.digest);
  if (bytes <= least) {
    throw answer.error({
      digest: upload.descriptor.digest,
      hint: `even ${bytes} bytes are too much: raise the body limit of the proxy before the registry (client_max_body_size in nginx)`,
    });
  }
  upload.features.bodyTooLarge(bytes);
}

async function complete(upload: Upload): Promise<void> {
  const session = await upload.openSession();
  const refusal = await session.complete(upload.descriptor.digest);
  if (refusal !== undefined) throw uploadError(refusal, upload.descriptor.digest);
}

async function* chunksOf(piece: Piece): AsyncGenerator<Uint8Array> {
  yield* piece.buffers;
}

/** A piece without its first `count` bytes. */
function rest(piece: Piece, count: number): Piece {
  let skip = count;
  const buffers: Uint8Array[] = [];
  for (const buffer of piece.buffers) {
    if (skip < buffer.byteLength) buffers.push(buffer.subarray(skip));
    skip = Math.max(0, skip - buffer.byteLength);
  }
  return { buffers, bytes: piece.bytes - count };
}
