/** Errors as their readers see them: what failed, where, who asked for it, what to do. Never secret, never a stack unless asked for. */
import { type AirgapError, isAirgapError } from '../errors.ts';
import { printable } from './report/text.ts';

export interface ErrorTextOptions {
  /** Also print stacks and causes. Default false. */
  readonly debug?: boolean;
  /** Images that share this error, in place of its own image and of who asked for it. */
  readonly images?: readonly string[];
}

/** `error: …` and one indented line for each thing known. `debug` adds stacks and causes. */
export function errorLines(thrown: unknown, options: ErrorTextOptions = {}): string[] {
  const lines = isAirgapError(thrown)
    ? knownLines(thrown, options.images)
    : defectLines(thrown, options.debug === true);
  return options.debug === true ? [...lines, ...stackLines(thrown)] : lines;
}

function knownLines(error: AirgapError, images: readonly string[] | undefined): string[] {
  const [first = '', ...rest] = error.message.split('\n');
  const named = error.host !== undefined && !error.message.includes(error.host);
  return [
    `error: ${printable(first)}`,
    ...rest.map((line) => `  ${printable(line.trimStart())}`),
    ...(images !== undefined || error.reference === undefined || error.message.includes(error.reference)
      ? []
      : [`  image: ${printable(error.reference)}`]),
    ...(named ? [`  host: ${printable(error.host ?? '')}`] : []),
    ...causeLine(error),
    ...(images === undefined ? originLine(error) : ['  images:', ...images.map((image) => `    ${printable(image)}`)]),
    ...(error.hint === undefined ? [] : [`  hint: ${printable(error.hint)}`]),
  ];
}

/** Codes of the system that our own messages put into words. */
const wordedCodes =
  /^(?:ECONNREFUSED|ENOTFOUND|ENOENT|EACCES|EPERM|EISDIR|ENOTDIR|EEXIST|ENOSPC|EDQUOT|EROFS|EFBIG|EADDRINUSE|ERR_SSL_WRONG_VERSION_NUMBER)$/;

/** A cause is told when the message does not say it already, in its own words or in ours. */
function causeLine(error: AirgapError): string[] {
  const { cause, message } = error;
  if (!(cause instanceof Error) || cause.message === '' || message.includes(cause.message)) return [];
  if (isAirgapError(cause) && message.endsWith(cause.message.slice(cause.message.lastIndexOf('": ') + 3))) return [];
  if ('code' in cause && wordedCodes.test(String(cause.code))) return [];
  return [`  cause: ${printable(cause.message)}`];
}

/** Left out where the message names every line itself. */
function originLine({ origins, message }: AirgapError): string[] {
  const named = origins.map(originWords);
  if (named.every((origin) => message.includes(origin))) return [];
  return [`  asked by: ${named.map(printable).join(', ')}`];
}

/** `-:3` and `argument` as locks and JSON write them, in words. */
export function originWords(origin: string): string {
  if (origin === 'argument') return 'the command line';
  return origin.replace(
    /^-(?::(\d+))?$/,
    (_, line?: string) => `standard input${line === undefined ? '' : `, line ${line}`}`,
  );
}

function defectLines(thrown: unknown, debug: boolean): string[] {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return [
    `error: ${printable(message)}`,
    '  This is a defect of airgap, not of your input.',
    ...(debug ? [] : ['  hint: run it again with AIRGAP_DEBUG=1 and report what it prints']),
  ];
}

function stackLines(thrown: unknown): string[] {
  const lines: string[] = [];
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1) {
    lines.push(...(error.stack ?? '').split('\n').map((line) => `  ${printable(line)}`));
  }
  return lines;
}

/** What JSON output says of an error. */
export function errorFields(thrown: unknown): Readonly<Record<string, unknown>> {
  if (!isAirgapError(thrown))
    return { code: 'ERR_DEFECT', message: thrown instanceof Error ? thrown.message : String(thrown) };
  const { code, message, end, host, reference, digest, origins, hint, status } = thrown;
  return { code, message, end, host, reference, digest, ...(origins.length === 0 ? {} : { origins }), hint, status };
}
