/** Headers of the distribution API that carry ranges and pages (RFC 9110, section 14; RFC 8288; OCI distribution-spec v1.1). */

/** A stretch of bytes: `end` is one past the last. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A stretch of something whose whole length may be known. */
export interface ContentRange extends ByteRange {
  /** Bytes of the whole; undefined where the sender wrote `*`. */
  readonly size?: number;
}

/** Reads `bytes 0-99/200` of an answer 206. Undefined for anything else, an unsatisfied range without bytes included. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const parts = /^bytes +([0-9]{1,15})-([0-9]{1,15})\/([0-9]{1,15}|\*)$/i.exec((header ?? '').trim());
  if (parts === null) return undefined;
  const start = Number(parts[1]);
  const end = Number(parts[2]) + 1;
  if (end <= start) return undefined;
  if (parts[3] === '*') return { start, end };
  const size = Number(parts[3]);
  return end <= size ? { start, end, size } : undefined;
}

/** `bytes 0-99/200` for the first hundred bytes of two hundred. */
export function printContentRange(range: ContentRange): string {
  return `bytes ${range.start}-${range.end - 1}/${range.size ?? '*'}`;
}

/** `bytes=0-99`; without `end`, `bytes=100-`. For requests. */
export function printRange(range: { readonly start: number; readonly end?: number | undefined }): string {
  return `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`;
}

/**
 * Reads the `Range` of a request for something of `size` bytes, cut to what is there. Undefined: answer with the whole,
 * because there is no range, or one we do not know, or several (RFC 9110, section 14.2 allows to ignore them).
 * `unsatisfiable`: answer 416.
 */
export function parseRangeHeader(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const parts = /^bytes *= *([0-9]{0,15})-([0-9]{0,15})$/i.exec((header ?? '').trim());
  if (parts === null) return undefined;
  const [, first = '', last = ''] = parts;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end };
}

/** `0-99`, the form `Content-Range` takes on the parts of an upload ("Pushing a blob in chunks"): no unit, no size. */
export function printUploadRange(range: ByteRange): string {
  return `${range.start}-${range.end - 1}`;
}

/** Reads the same form as a server gets it. Undefined when it is something else. */
export function parseUploadRange(header: string | undefined): ByteRange | undefined {
  const parts = /^(?:bytes[ =])?([0-9]{1,15})-([0-9]{1,15})$/i.exec((header ?? '').trim());
  if (parts === null) return undefined;
  const range = { start: Number(parts[1]), end: Number(parts[2]) + 1 };
  return range.end > range.start ? range : undefined;
}

/**
 * How many bytes of an upload a registry says it holds, from `Range: 0-99` (100). `0-0` means none: registries say so of an
 * upload that has just begun (distribution 2.8), and a single byte is not worth keeping. Undefined when it is not said.
 */
export function parseUploadOffset(header: string | undefined): number | undefined {
  const parts = /^(?:bytes[ =])?0-(-?[0-9]{1,15})$/i.exec((header ?? '').trim());
  if (parts === null) return undefined;
  const last = Number(parts[1]);
  if (last < -1) return undefined;
  return last <= 0 ? 0 : last + 1;
}

/** The target of the first link with `rel="next"`, as written: a path or a URL, to be resolved against the request's. Undefined: the last page. */
export function parseLinkNext(header: string | undefined): string | undefined {
  return linksOf((header ?? '').slice(0, 16_384)).find((link) => isNext(link.parameters))?.target;
}

function isNext(parameters: string): boolean {
  return parameters.split(';').some((parameter) => {
    const equals = parameter.indexOf('=');
    if (equals < 0 || parameter.slice(0, equals).trim().toLowerCase() !== 'rel') return false;
    const relations = parameter
      .slice(equals + 1)
      .replaceAll('"', ' ')
      .toLowerCase();
    return relations.trim().split(/\s+/).includes('next');
  });
}

interface Link {
  readonly target: string;
  readonly parameters: string;
}

/** Splits at the commas that stand neither in `<...>` nor in quotes. */
function linksOf(header: string): Link[] {
  const links: Link[] = [];
  let at = 0;
  while (at < header.length) {
    const open = header.indexOf('<', at);
    const close = open < 0 ? -1 : header.indexOf('>', open);
    if (close < 0) break;
    const end = endOfParameters(header, close + 1);
    links.push({ target: header.slice(open + 1, close).trim(), parameters: header.slice(close + 1, end) });
    at = end + 1;
  }
  return links.filter((link) => link.target !== '');
}

function endOfParameters(header: string, from: number): number {
  let inQuotes = false;
  for (let index = from; index < header.length; index += 1) {
    const character = header[index];
    if (character === '"') inQuotes = !inQuotes;
    else if (character === ',' && !inQuotes) return index;
  }
  return header.length;
}
