/** Tars put together block by block, so that a test can make the ones that no program writes. */

export interface CraftedEntry {
  readonly name: string;
  readonly bytes?: Uint8Array;
  /** The type flag. Default `0`. */
  readonly type?: string;
  /** What the header says of its size, when that is not the truth; a buffer goes into the field as it is. */
  readonly size?: number | Buffer;
  readonly linkName?: string;
  /** Changes the header before its checksum is made. */
  readonly change?: (header: Buffer) => void;
}

/** The two blocks of zeros at the end. */
export const tarEnd = Buffer.alloc(1024);

/** A whole tar. */
export function tarOf(entries: readonly CraftedEntry[], end: Uint8Array = tarEnd): Buffer {
  return Buffer.concat([...entries.map(entryBytes), end]);
}

export function entryBytes(entry: CraftedEntry): Buffer {
  const bytes = entry.bytes ?? Buffer.alloc(0);
  return Buffer.concat([headerOf(entry, bytes.length), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

function headerOf(entry: CraftedEntry, length: number): Buffer {
  const { name, type = '0', size = length, linkName = '' } = entry;
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  if (typeof size === 'number') header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  else size.copy(header, 124);
  header.write('00000000000\0', 136);
  header.write(type, 156);
  header.write(linkName, 157, 100);
  header.write('ustar\x0000', 257);
  entry.change?.(header);
  return withChecksum(header);
}

export function withChecksum(header: Buffer): Buffer {
  header.write('        ', 148);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A pax header that says these things of the next entry. */
export function paxEntry(records: Readonly<Record<string, string>>, type = 'x'): CraftedEntry {
  return { name: 'PaxHeader', type, bytes: Buffer.concat(Object.entries(records).map(paxRecord)) };
}

function paxRecord([key, value]: [string, string]): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}
