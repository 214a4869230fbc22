/** Bodies of answers: kept, hashed or left. They may be endless. */
import { algorithmOf, digestFrom, hasherFor } from '../../oci/digest.ts';
import { maxManifestBytes } from '../../oci/manifest.ts';
import type { Question, Reply } from './asker.ts';
import type { NodeAnswer } from './transport.ts';

/** What a question wants of an answer's body; throws what reading throws. */
export async function readAnswer(
  { body }: NodeAnswer,
  wanted: Question['body'],
): Promise<Pick<Reply, 'bytes' | 'read'>> {
  if (wanted === 'keep') {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxManifestBytes) break;
    }
    return { bytes: Buffer.concat(chunks) };
  }
  if (wanted === undefined) {
    for await (const _ of body) break;
    return {};
  }
  const hash = hasherFor(wanted.hash);
  let size = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    size += chunk.length;
    if (size > wanted.size) break;
  }
  return { read: { size, digest: digestFrom(hash, algorithmOf(wanted.hash)) } };
}
