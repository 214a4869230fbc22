/** Tar headers as bundles have them: regular files that belong to nobody, from no time (POSIX.1-2017 pax, "ustar Interchange Format"). Pure. */
import { blockSize } from './tar-fields.ts';

/** Bytes of the two blocks of zeros that end a tar. */
export const endSize = 2 * blockSize;

const longestName = 100;
/** What eleven octal digits can say. */
const largestOctal = 0o77777777777;

/** Bytes that content of this size takes, filled up to whole blocks. */
export function paddedSize(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

/** Bytes before the content of an entry: one block, and for a name of more than 100 bytes a pax header with its content before that. */
export function headerSize(name: string): number {
  return isLong(name) ? 2 * blockSize + paddedSize(pathRecord(name).length) : blockSize;
}

/** Bytes of a whole entry: header, content, filling. */
export function entrySize(name: string, size: number): number {
  return headerSize(name) + paddedSize(size);
}

/** The header of a file with mode 0644. Sizes from 8 GiB on are written the way GNU tar does, in binary. */
export function tarHeader(name: string, size: number): Buffer {
  if (!isLong(name)) return block({ name, size, type: '0' });
  const record = pathRecord(name);
  const content = Buffer.alloc(paddedSize(record.length));
  record.copy(content);
  const short = Buffer.from(name).subarray(-longestName).toString('latin1');
  const long = block({ name: 'PaxHeader', size: record.length, type: 'x' });
  return Buffer.concat([long, content, block({ name: short, size, type: '0' })]);
}

function isLong(name: string): boolean {
  return Buffer.byteLength(name) > longestName;
}

/** `LENGTH path=NAME\n`, where the length counts its own digits. */
function pathRecord(name: string): Buffer {
  const rest = Buffer.byteLength(` path=${name}\n`);
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return Buffer.from(`${length} path=${name}\n`);
}

function block(entry: { readonly name: string; readonly size: number; readonly type: '0' | 'x' }): Buffer {
  const header = Buffer.alloc(blockSize);
  header.write(entry.name, 0, longestName);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  writeSize(header, entry.size);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(entry.type, 156);
  header.write('ustar\x0000', 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

function writeSize(header: Buffer, size: number): void {
  if (size <= largestOctal) {
    header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    return;
  }
  header[124] = 0x80;
  header.writeBigUInt64BE(BigInt(size), 128);
}
