/**
 * The tar of a cache's OCI form, byte for byte as `talosctl image cache-create` writes it for the same tree (siderolabs/talos v1.13.9,
 * pkg/imager/filemap/filemap.go with Go's archive/tar): every folder and file by path, of nobody, from no time. Pure.
 */
import { blockSize } from '../bundle/tar-fields.ts';
import { endSize, paddedSize } from '../bundle/tar-header.ts';
import { blobFolder, digestFolder, manifestFolder, repositoryAt, tagFolder } from './names.ts';

export interface TarredEntry {
  readonly path: string;
  /** Bytes of a file; undefined for a folder. */
  readonly size: number | undefined;
}

const longestName = 100;
const longestPrefix = 155;
/** What eleven octal digits can say. */
const largestOctal = 0o77777777777;

/** Files with the folders around them, in the order of the tar. Every repository has both its folders. */
export function tarredEntries(files: ReadonlyMap<string, number>): TarredEntry[] {
  const folders = new Set([blobFolder, manifestFolder]);
  for (const path of files.keys()) {
    const own = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= own.length; depth += 1) folders.add(own.slice(0, depth).join('/'));
    const repository = own.slice(0, -1).join('/');
    if (repositoryAt(repository) === undefined) continue;
    folders.add(`${repository}/${tagFolder}`);
    folders.add(`${repository}/${digestFolder}`);
  }
  const entries: TarredEntry[] = [...files].map(([path, size]) => ({ path, size }));
  for (const path of folders) entries.push({ path, size: undefined });
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Bytes of the whole tar. */
export function tarSize(entries: readonly TarredEntry[]): number {
  return entries.reduce((sum, entry) => sum + entryHeader(entry).length + paddedSize(entry.size ?? 0), endSize);
}

/** What stands before an entry's content: a block, and for a name that has no room in it a pax header before that. */
export function entryHeader({ path, size }: TarredEntry): Buffer {
  const type = size === undefined ? '5' : '0';
  const mode = size === undefined ? '0000755' : '0000644';
  const bytes = size ?? 0;
  const split = splitName(path);
  if (split !== undefined) return headerBlock({ ...split, size: bytes, type, mode });
  const record = pathRecord(path);
  const content = Buffer.alloc(paddedSize(record.length));
  record.copy(content);
  const inField = path.slice(0, longestName).replace(/\/$/, '');
  return Buffer.concat([
    paxBlock(path, record.length),
    content,
    headerBlock({ prefix: '', name: inField, size: bytes, type, mode }),
  ]);
}

/** As Go divides a long name: at the last slash that leaves the first part short enough (archive/tar, splitUSTARPath). */
function splitName(path: string): { readonly prefix: string; readonly name: string } | undefined {
  if (path.length <= longestName) return { prefix: '', name: path };
  const slash = path.slice(0, longestPrefix + 1).lastIndexOf('/');
  const name = path.slice(slash + 1);
  return slash > 0 && name.length <= longestName ? { prefix: path.slice(0, slash), name } : undefined;
}

/** `LENGTH path=NAME\n`, where the length counts its own digits. */
function pathRecord(path: string): Buffer {
  const rest = ` path=${path}\n`;
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.from(`${length}${rest}`);
}

/** Go names the header after the file, and leaves out the fields for devices (archive/tar, writePAXHeader and writeRawFile). */
function paxBlock(path: string, size: number): Buffer {
  const slash = path.lastIndexOf('/') + 1;
  const name = `${path.slice(0, slash)}PaxHeaders.0/${path.slice(slash)}`;
  return withChecksum(
    plainBlock({ name: name.slice(0, longestName).replace(/\/$/, ''), size, type: 'x', mode: '0000000' }),
  );
}

interface PlainHeader {
  readonly name: string;
  readonly size: number;
  readonly type: '0' | '5' | 'x';
  /** Seven octal digits. */
  readonly mode: string;
}

function headerBlock({ prefix, ...plain }: PlainHeader & { readonly prefix: string }): Buffer {
  const block = plainBlock(plain);
  block.write('0000000\0', 329);
  block.write('0000000\0', 337);
  block.write(prefix, 345, longestPrefix);
  return withChecksum(block);
}

function plainBlock({ name, size, type, mode }: PlainHeader): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(name, 0, longestName);
  block.write(`${mode}\0`, 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  writeSize(block, size);
  block.write('00000000000\0', 136);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  return block;
}

/** The sum of all bytes, with the checksum's own as spaces. */
function withChecksum(block: Buffer): Buffer {
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** From 8 GiB on in binary, the way GNU tar does. */
function writeSize(block: Buffer, size: number): void {
  if (size <= largestOctal) {
    block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    return;
  }
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
}
