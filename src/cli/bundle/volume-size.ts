/** How large a volume may be: a size, or the medium it has to fit on. Pure. */
import { usageError } from '../values.ts';

/**
 * Media by name, in bytes. `fat32`: the largest file FAT32 can hold, 4 GiB less one byte. `dvd` and `bd25`: single-layer discs of
 * 2,298,496 and 12,219,392 sectors of 2 KiB (ECMA-337; Blu-ray Disc white paper 1.C), less 0.5 % for the disc's own file system.
 */
export const mediaSizes: Readonly<Record<string, number>> = {
  fat32: 4 * 1024 ** 3 - 1,
  dvd: Math.floor((2_298_496 * 2048 * 0.995) / 512) * 512,
  bd25: Math.floor((12_219_392 * 2048 * 0.995) / 512) * 512,
};

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** `4GiB`, `4.5 GB`, `700M` (binary, as with dd and split), a number of bytes, or a medium. Throws ERR_USAGE. */
export function readVolumeSize(option: string, text: string): number {
  const name = text.toLowerCase();
  if (Object.hasOwn(mediaSizes, name)) return mediaSizes[name] ?? 0;
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s*([a-z]{0,3})$/i.exec(text.trim());
  const unit = match === null ? undefined : units[(match[2] ?? '').toLowerCase()];
  const size = unit === undefined ? Number.NaN : Math.floor(Number(match?.[1]) * unit);
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw usageError(
    `Cannot read ${option} ${JSON.stringify(text)}: not a size`,
    `write it like 4GiB or 700MB, or name a medium: ${Object.keys(mediaSizes).join(', ')}`,
  );
}
