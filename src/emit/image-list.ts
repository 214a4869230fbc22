/** The mirrored images as a list, in the form `airgap` reads. */
import { AirgapError } from '../errors.ts';
import type { Lock } from '../lock/lock.ts';
import { printAsked } from '../oci/retag.ts';
import type { EmittedFile } from './emitted.ts';

/** Name of the emitted file. */
export const imageListPath = 'images.txt';

/** One upstream reference per line as it was asked for, in full, with its own place where it had one, sorted, each once. Throws ERR_USAGE when the lock has no images. */
export function emitImageList(lock: Pick<Lock, 'images'>): EmittedFile[] {
  if (lock.images.length === 0) throw new AirgapError('ERR_USAGE', 'Cannot write the image list: nothing is mirrored');
  const lines = [
    ...new Set(lock.images.map((image) => printAsked({ reference: image.source, retag: image.retag }))),
  ].sort();
  return [{ path: imageListPath, text: lines.map((line) => `${line}\n`).join('') }];
}
