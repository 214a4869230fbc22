/** Parts of content looked at one by one, where the whole cannot tell what is wrong or is not here. */
import { isAirgapError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { digestOfEntry, type OpenedVolume } from './open-volume.ts';
import { entryNameOf } from './packing.ts';
import type { ShelvedContent } from './read-shelf.ts';
import { manifestEntryName } from './volume-layout.ts';

/** Content in a file that nobody who reads through the store comes to. */
export interface UnreadPart {
  readonly what: 'manifest' | 'blob';
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Reads and hashes it: what is wrong, as a state, or undefined. Throws ERR_INTERRUPTED. */
  check(signal: AbortSignal | undefined): Promise<string | undefined>;
}

/** Manifests in all volumes but the first, which alone is read; and parts here of blobs whose other volumes are not. */
export function unreadParts(volumes: readonly OpenedVolume[], content: ReadonlyMap<Digest, ShelvedContent>) {
  const here = new Set(volumes.map(({ volume }) => volume.number));
  // What a volume that is here ought to have is missed by whoever reads the whole.
  const waits = new Map(
    [...content].filter(([, { pieces }]) =>
      pieces.some(({ place, volume }) => place === undefined && !here.has(volume)),
    ),
  );
  return volumes.flatMap((volume, at) => [
    ...(at === 0 ? [] : manifestCopies(volume)),
    ...partsWithoutOthers(volume, waits),
  ]);
}

function manifestCopies({ set, tar }: OpenedVolume): UnreadPart[] {
  return set.manifests.map(({ digest, size }) => ({
    what: 'manifest',
    digest,
    size,
    check: (signal) =>
      stateOf(tar.path, { digest, work: digestOfEntry(tar, { name: manifestEntryName(digest), digest, signal }) }),
  }));
}

function partsWithoutOthers({ volume, tar }: OpenedVolume, content: ReadonlyMap<Digest, ShelvedContent>): UnreadPart[] {
  return volume.content.flatMap(({ digest, start, length, checksum }): UnreadPart[] => {
    const whole = content.get(digest);
    if (whole === undefined) return [];
    const name = entryNameOf(whole, { start, length });
    const check = (signal: AbortSignal | undefined) =>
      stateOf(tar.path, { digest: checksum, start, work: digestOfEntry(tar, { name, digest: checksum, signal }) });
    return [{ what: 'blob', digest, size: length, check }];
  });
}

async function stateOf(
  path: string,
  expected: { readonly digest: Digest; readonly start?: number; readonly work: Promise<Digest | undefined> },
): Promise<string | undefined> {
  const what = expected.start === undefined ? 'its bytes' : `its bytes from ${expected.start} on`;
  try {
    const actual = await expected.work;
    if (actual === expected.digest) return undefined;
    return actual === undefined ? `in "${path}" it is missing` : `in "${path}" ${what} have digest ${actual}`;
  } catch (error) {
    if (!isAirgapError(error) || error.code === 'ERR_INTERRUPTED') throw error;
    return `in "${path}" ${what} cannot be read: ${error.message}`;
  }
}
