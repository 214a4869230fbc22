/** The talosctl of a release, out of the image its makers publish it in (siderolabs/talos, Dockerfile, target talosctl). */
import { AirgapError } from '../errors.ts';
import { parseReference, printReference, type Reference } from '../oci/reference.ts';
import type { CallOptions, Source } from '../store/store.ts';
import { printTalosVersion, type TalosVersion } from '../talos/version.ts';
import { type FileLimits, readImageFiles } from './image-files.ts';

const file = 'talosctl';

const mebibyte = 1024 * 1024;

/** The program has about 100 MiB, packed about 35. */
const limits: FileLimits = {
  fileBytes: 512 * mebibyte,
  layerBytes: 520 * mebibyte,
  packedBytes: 256 * mebibyte,
  entries: 10_000,
};

/** `ghcr.io/siderolabs/talosctl:v1.14.4`. */
export function talosctlImage(version: TalosVersion): Reference {
  return parseReference(`ghcr.io/siderolabs/talosctl:${printTalosVersion(version)}`);
}

/**
 * The program for linux, held in memory as a whole; its layer has the digest the manifest names. Throws ERR_PROTOCOL where the
 * image does not hold it, and what the source throws.
 */
export async function readTalosctl(
  source: Source,
  version: TalosVersion,
  options: CallOptions & { readonly architecture: 'amd64' | 'arm64' },
): Promise<Uint8Array> {
  const image = talosctlImage(version);
  const files = await readImageFiles(source, image, { ...options, wanted: [file], limits });
  const program = files.get(file);
  if (program !== undefined) return program;
  const name = printReference(image);
  throw new AirgapError('ERR_PROTOCOL', `Cannot read image "${name}": it has no file "${file}" at its root`, {
    reference: name,
    end: 'source',
    host: image.registry,
  });
}
