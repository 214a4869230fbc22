/** Whether an image cache will have room, before the first byte of it comes. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readForm } from '../../store/image-cache/oci-form.ts';
import { stagedFolder } from '../../store/image-cache/open.ts';
import type { ImageCacheLocation } from '../../store/location.ts';
import { checkFree, partialBytes } from '../disk-space.ts';

const hint = 'free some space, choose another directory with --to image-cache:DIR, or copy less with --platform';

/**
 * Throws ERR_NO_SPACE when `bytes` that are to come have no room. For the OCI form everything is there twice for a while: as files or as
 * the layer of before, and as the new layer.
 */
export async function checkCacheRoom(
  to: ImageCacheLocation,
  { cwd, bytes }: { readonly cwd: string; readonly bytes: number },
): Promise<void> {
  const directory = resolve(cwd, to.directory);
  const begun = await partialBytes(to.form === 'flat' ? directory : join(directory, stagedFolder));
  if (to.form === 'flat') return checkFree(to.directory, { bytes: bytes - begun, hint });
  const layer = await layerBytes(directory);
  await checkFree(to.directory, { bytes: bytes === 0 ? 0 : Math.max(0, bytes - begun) + layer + bytes, hint });
}

/** Of the layer that is there; 0 where there is none yet. */
async function layerBytes(directory: string): Promise<number> {
  return readForm(directory).then(
    async ({ layerPath }) => (await stat(layerPath)).size,
    () => 0,
  );
}
