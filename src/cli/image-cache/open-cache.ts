/** Image caches as ends. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isAirgapError } from '../../errors.ts';
import type { ImageCache } from '../../store/image-cache/image-cache.ts';
import { leftovers, openImageCache } from '../../store/image-cache/open.ts';
import type { ImageCacheLocation } from '../../store/location.ts';
import { openMemory } from '../../store/memory/open.ts';
import type { Target } from '../../store/store.ts';
import { isAbsentOrEmpty } from '../empty-place.ts';
import type { Session } from '../session.ts';
import type { Settings } from '../settings.ts';

/** Opens a cache for reading. A layer that talosctl compressed is unpacked beside the lock meanwhile: it may be larger than the room for temporary files. */
export async function openCacheSource(
  location: Pick<ImageCacheLocation, 'directory'>,
  { settings, signal }: Pick<Session, 'settings' | 'signal'>,
): Promise<ImageCache> {
  return openImageCache(resolve(settings.cwd, location.directory), {
    write: false,
    staging: stagingOf(settings),
    signal,
  });
}

/** Opens a cache to be written, or, without `write`, to be looked at: one that is not there yet counts as empty then, unless it must exist. */
export async function openCacheTarget(
  location: ImageCacheLocation,
  wanted: { readonly session: Session; readonly write: boolean; readonly mustExist?: boolean | undefined },
): Promise<Target | ImageCache> {
  const { session, write, mustExist } = wanted;
  const { settings, signal } = session;
  if (write) {
    const architectures = architecturesOf(settings);
    const options = { write, form: location.form, signal, staging: stagingOf(settings) };
    return openImageCache(resolve(settings.cwd, location.directory), {
      ...options,
      ...(architectures.length === 0 ? {} : { architectures }),
    });
  }
  try {
    return await openCacheSource(location, session);
  } catch (error) {
    const directory = resolve(settings.cwd, location.directory);
    if (mustExist !== true && isAirgapError(error) && (await isAbsentOrEmpty(directory, leftovers)))
      return openMemory();
    throw error;
  }
}

/** Those of the platforms that were asked for: the imager looks for its own. */
function architecturesOf({ wish }: Pick<Settings, 'wish'>): string[] {
  return [...new Set(wish.platforms.filter(({ os }) => os === 'linux').map(({ architecture }) => architecture))];
}

/** Undefined leaves it to the system. */
function stagingOf({ lockFile }: Pick<Settings, 'lockFile'>): string | undefined {
  const folder = dirname(lockFile);
  return existsSync(folder) ? folder : undefined;
}
