/** Image lists: one reference per line, or `SOURCE => REPOSITORY[:TAG]` for one that is to live elsewhere; `#` begins a comment at the start of a line or after a blank. */
import { AirgapError, isAirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import { type AskedImage, parseAsked } from '../oci/retag.ts';
import { type ForeignDocument, foreignBytes, foreignText } from './foreign.ts';
import { mergeRequests } from './merge.ts';
import { type Origin, printOrigin, type RequestedReference } from './requested.ts';

/** Largest list in bytes that is read. */
export const maxListBytes = 16 * 1024 * 1024;

/** Most bad lines that one error shows. */
const mostBadLines = 50;

interface BadLine {
  readonly origin: Origin;
  readonly state: string;
}

/**
 * Reads a list as files and pipes bring it: UTF-8 with or without a byte order mark, any line ends, blanks at both ends of a
 * line, empty lines and comments. A reference on several lines is one request with several origins. Gives the references
 * sorted by their printed form. Throws ERR_INPUT_INVALID: for what is no list, saying what it looks like; for an empty list;
 * and for bad lines, all of them at once, one per line of the message after the first.
 */
export function parseList(document: string, bytes: Uint8Array): RequestedReference[] {
  const lines = linesOf(document, bytes);
  const foreign = foreignText(lines);
  if (foreign !== undefined) throw notAList(document, foreign);
  const requests: RequestedReference[] = [];
  const bad: BadLine[] = [];
  for (const [index, line] of lines.entries()) {
    const text = withoutComment(line);
    if (text === '') continue;
    const origin: Origin = { document, line: index + 1 };
    const read = readLine(text);
    if (typeof read === 'string') bad.push({ origin, state: read });
    else requests.push({ ...read, origins: [origin] });
  }
  if (bad.length > 0) throw badLines(document, bad);
  if (requests.length === 0) throw emptyList(document, lines);
  return mergeRequests([requests]);
}

/**
 * Reads references given one by one, as arguments are. Throws ERR_INPUT_INVALID naming all bad ones at once.
 * `document` is what their origin says, for example `argument`.
 */
export function parseReferences(document: string, texts: readonly string[]): RequestedReference[] {
  const origin: Origin = { document };
  const read = texts.map((text) => readLine(text.trim()));
  const bad = read.filter((result) => typeof result === 'string').map((state) => ({ origin, state }));
  if (bad.length > 0) throw badLines(document, bad);
  const asked = read.filter((result) => typeof result !== 'string');
  return mergeRequests([asked.map((image) => ({ ...image, origins: [origin] }))]);
}

function linesOf(document: string, bytes: Uint8Array): string[] {
  if (bytes.length > maxListBytes) {
    throw notAList(document, {
      looks: `${bytes.length} bytes long, and lists of at most ${maxListBytes} bytes are read`,
    });
  }
  const foreign = foreignBytes(bytes);
  if (foreign !== undefined) throw notAList(document, foreign);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.split(/\r\n|\n|\r/).map((line) => line.trim());
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw notAList(document, { looks: 'a binary file, or text that is not UTF-8', hint: 'save it as UTF-8' });
  }
}

function withoutComment(line: string): string {
  if (line.startsWith('#')) return '';
  const start = /\s#/.exec(line)?.index;
  return start === undefined ? line : line.slice(0, start).trim();
}

/** The image, or why the line is none. */
function readLine(text: string): Pick<RequestedReference, keyof AskedImage> | string {
  try {
    const { reference, retag } = parseAsked(text);
    return retag === undefined ? { reference } : { reference, retag };
  } catch (thrown) {
    if (!isAirgapError(thrown)) throw thrown;
    const state = thrown.message.replace(/^Cannot read (?:reference|place) /, '');
    return thrown.hint === undefined ? state : `${state} (${thrown.hint})`;
  }
}

function nameOf(document: string): string {
  return document === '-' ? 'list on standard input' : `list ${quoteText(document)}`;
}

function notAList(document: string, foreign: ForeignDocument): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read ${nameOf(document)}: it is ${foreign.looks}`, {
    origins: [document],
    ...(foreign.hint === undefined ? {} : { hint: foreign.hint }),
  });
}

function emptyList(document: string, lines: readonly string[]): AirgapError {
  const looks = lines.some((line) => line !== '') ? 'empty but for comments' : 'empty';
  const hint =
    document === '-'
      ? 'look whether the command before the pipe failed; run it alone to see its output'
      : 'write one image reference per line, for example registry.k8s.io/pause:3.10';
  return notAList(document, { looks, hint });
}

function badLines(document: string, bad: readonly BadLine[]): AirgapError {
  const count =
    bad.length === 1 ? '1 of its lines is no image reference' : `${bad.length} of its lines are no image references`;
  const what = document === 'argument' ? 'Cannot read arguments: ' : `Cannot read ${nameOf(document)}: `;
  const shown = bad.slice(0, mostBadLines).map(({ origin, state }) => `  ${placeOf(origin)}${state}`);
  const rest = bad.length > mostBadLines ? [`  and ${bad.length - mostBadLines} more`] : [];
  const summary = `${what}${document === 'argument' ? count.replace('of its lines ', '') : count}`;
  return new AirgapError('ERR_INPUT_INVALID', [summary, ...shown, ...rest].join('\n'), {
    origins:
      document === 'argument' ? [] : [...new Set(bad.slice(0, mostBadLines).map(({ origin }) => printOrigin(origin)))],
  });
}

/** What stands before a bad line. An argument is its own place. */
function placeOf(origin: Origin): string {
  if (origin.document === 'argument') return '';
  return origin.document === '-' ? `standard input, line ${origin.line}: ` : `${printOrigin(origin)}: `;
}
