/** Which part of a bundle is to blame when content turns out wrong. */
import { AirgapError } from '../../errors.ts';
import { algorithmOf, type Digest, digestFrom, hasherFor } from '../../oci/digest.ts';
import type { CallOptions } from '../store.ts';
import { digestOfPlace, type ShelvedContent } from './read-shelf.ts';
import { damaged, type Staging } from './staging.ts';

interface BlameOptions extends CallOptions {
  readonly staging: Staging | undefined;
  /** What bytes of a part must be, where its volume is here. */
  readonly checksumOf: (digest: Digest, start: number) => Digest | undefined;
}

/** Reads the parts again, those in volumes by their own checksums. Where these are right and others waited in the staging directory, those are removed. */
export async function blame(content: ShelvedContent, options: BlameOptions): Promise<AirgapError | undefined> {
  const { digest, pieces } = content;
  const { signal, checksumOf } = options;
  for (const piece of pieces) {
    const { place, start, length } = piece;
    const checksum = checksumOf(digest, start);
    if (place === undefined || checksum === undefined) continue;
    const actual = await digestOfPlace(place, { length, like: checksum, signal });
    if (actual !== checksum) return damaged({ content, piece, place }, actual);
  }
  return removeStaged(content, options);
}

async function removeStaged(content: ShelvedContent, options: BlameOptions): Promise<AirgapError | undefined> {
  const { digest, pieces } = content;
  const { staging, checksumOf, signal } = options;
  const staged = pieces.filter(({ place, start }) => place !== undefined && checksumOf(digest, start) === undefined);
  const [first] = staged;
  if (staging === undefined || first === undefined || (await isRight(content, signal))) return undefined;
  const path = first.place?.path;
  for (const piece of staged) piece.place = undefined;
  await staging.clear(new Set([digest]));
  const volumes = staged.map(({ volume }) => volume).sort((a, b) => a - b);
  const noun = volumes.length === 1 ? 'volume' : 'volumes';
  const state = `what waited of ${noun} ${volumes.join(', ')} as "${path}" is damaged, and was removed`;
  return new AirgapError('ERR_DIGEST_MISMATCH', `Cannot take content "${digest}": ${state}`, {
    digest,
    hint: `bring ${noun} ${volumes.join(', ')} again and run the same command`,
  });
}

async function isRight({ digest, pieces }: ShelvedContent, signal: AbortSignal | undefined): Promise<boolean> {
  const hash = hasherFor(digest);
  for (const { place, length } of pieces) {
    if (place === undefined) return true;
    for await (const chunk of place.bytes({ start: 0, end: length, signal, transient: true })) hash.update(chunk);
  }
  return digestFrom(hash, algorithmOf(digest)) === digest;
}
