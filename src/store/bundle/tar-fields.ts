/** One tar header read back: POSIX.1-2017 pax, "ustar Interchange Format", with the GNU ways to write long names and large sizes. Pure. */

/** Bytes of a header, and what content is padded to. */
export const blockSize = 512;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder('latin1');

export interface TarHeader {
  readonly name: string;
  /** The type flag; `0` where none is written. */
  readonly type: string;
  /** Bytes of content. */
  readonly size: number;
}

/** What is said of a block that is no header at all. */
export const wrongChecksum = 'has a header with a wrong checksum';

/** Reads a header of 512 bytes. A text says what is wrong with it; undefined is a block of zeros. */
export function decodeHeader(block: Uint8Array): TarHeader | string | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (!hasRightChecksum(block)) return wrongChecksum;
  const size = decodeNumber(block.subarray(124, 136));
  if (size === undefined) return 'has a size that is no byte count';
  const isUstar = decodeText(block.subarray(257, 263), latin1) === 'ustar' && block[262] === 0;
  const prefix = isUstar ? decodeText(block.subarray(345, 500)) : '';
  const name = decodeText(block.subarray(0, 100));
  if (name === undefined || prefix === undefined) return 'has a name that is not UTF-8';
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0);
  return { name: prefix === '' ? name : `${prefix}/${name}`, type, size };
}

/** The sum of all bytes, with the checksum's own as spaces. Old programs added them as signed numbers. */
function hasRightChecksum(block: Uint8Array): boolean {
  const written = decodeNumber(block.subarray(148, 156));
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < blockSize; at += 1) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  return written === unsigned || written === signed;
}

/** Octal digits, or the binary form GNU tar has for what they cannot hold. Undefined for anything else, below 0, or from 2^53 on. */
function decodeNumber(field: Uint8Array): number | undefined {
  const first = field[0] ?? 0;
  if (first >= 0x80) {
    const value = field.subarray(1).reduce((total, byte) => total * 256 + byte, first & 0x7f);
    return first !== 0xff && Number.isSafeInteger(value) ? value : undefined;
  }
  const text = (decodeText(field, latin1) ?? '').trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text === '' ? '0' : text, 8) : undefined;
}

/** Up to the first NUL. Undefined when it is not in the encoding. */
function decodeText(field: Uint8Array, decoder = utf8): string | undefined {
  const end = field.indexOf(0);
  return wholeText(end < 0 ? field : field.subarray(0, end), decoder);
}

/** What follows says another name or size for the next entry. */
export interface Override {
  readonly path?: string;
  readonly size?: number;
}

/** The content of a GNU header of type `L`: a name, ended by NUL. Undefined when it is not UTF-8. */
export function decodeLongName(content: Uint8Array): Override | undefined {
  const path = decodeText(content);
  return path === undefined ? undefined : { path };
}

/**
 * The records of a pax header (POSIX.1-2017 pax, "pax Extended Header"): `LENGTH KEY=VALUE\n`, the length counting itself.
 * Only `path` and `size` matter here. Undefined when it is damaged, or is one of GNU's forms for files with holes, whose content is none of a file's.
 */
export function decodePax(content: Uint8Array): Override | undefined {
  let override: Override | undefined = {};
  for (let at = 0; at < content.length && override !== undefined; ) {
    const end = recordEnd(content, at);
    if (end === undefined) return undefined;
    override = withRecord(override, content.subarray(content.indexOf(0x20, at) + 1, end - 1));
    at = end;
  }
  return override;
}

/** One past the line feed of the record at `at`. */
function recordEnd(content: Uint8Array, at: number): number | undefined {
  const space = content.indexOf(0x20, at);
  const digits = space < 0 || space - at > 8 ? '' : Buffer.from(content.subarray(at, space)).toString('latin1');
  const end = /^[1-9][0-9]*$/.test(digits) ? at + Number(digits) : 0;
  return end <= space || end > content.length || content[end - 1] !== 0x0a ? undefined : end;
}

/** `KEY=VALUE` taken into account. */
function withRecord(override: Override, record: Uint8Array): Override | undefined {
  const equals = record.indexOf(0x3d);
  const key = Buffer.from(record.subarray(0, Math.max(equals, 0))).toString('latin1');
  if (key === '' || key.startsWith('GNU.sparse.')) return undefined;
  if (key !== 'path' && key !== 'size') return override;
  const text = wholeText(record.subarray(equals + 1));
  if (text === undefined) return undefined;
  if (key === 'path') return { ...override, path: text };
  const size = decimal(text);
  return size === undefined ? undefined : { ...override, size };
}

function wholeText(bytes: Uint8Array, decoder = utf8): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function decimal(text: string): number | undefined {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
