/**
 * Scalars as the Image Factory's YAML library reads and writes them: what a plain scalar stands for, and how a text is
 * quoted. An id is the hash of such text, so every character counts (go-yaml v3.0.1, resolve.go, encode.go, emitterc.go).
 */

/** What a scalar stands for. Numbers are kept as the text they are written with again. */
export type Resolved =
  | { readonly kind: 'null' }
  | { readonly kind: 'string' }
  | { readonly kind: 'timestamp' }
  /** Releases of the library do not agree. */
  | { readonly kind: 'disputed' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int' | 'float'; readonly text: string; readonly value: number };

const words: ReadonlyMap<string, Resolved> = new Map([
  ...named(['true', 'True', 'TRUE'], { kind: 'bool', value: true }),
  ...named(['false', 'False', 'FALSE'], { kind: 'bool', value: false }),
  ...named(['', '~', 'null', 'Null', 'NULL'], { kind: 'null' }),
  ...named(['.nan', '.NaN', '.NAN'], { kind: 'float', text: '.nan', value: Number.NaN }),
  ...named(['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'], infinite('.inf')),
  ...named(['-.inf', '-.Inf', '-.INF'], infinite('-.inf')),
]);

const oldBooleans = /^(?:[yYnN]|yes|Yes|YES|on|On|ON|no|No|NO|off|Off|OFF)$/;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

function named(names: readonly string[], resolved: Resolved): [string, Resolved][] {
  return names.map((name) => [name, resolved]);
}

function infinite(text: string): Resolved {
  return { kind: 'float', text, value: text === '.inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY };
}

/** What a plain scalar without a tag stands for. */
export function resolvePlain(text: string): Resolved {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (text === '<<') return { kind: 'disputed' };
  if (/^\./.test(text)) return readFloat(text) ?? { kind: 'string' };
  if (!/^[-+0-9]/.test(text)) return { kind: 'string' };
  if (isTimestamp(text)) return { kind: 'timestamp' };
  const plain = text.replaceAll('_', '');
  if (/^-?0[bo][-+][0-7]+$|^\+[0-9]{19,}$|^-[0_]+$/.test(plain)) return { kind: 'disputed' };
  return readInteger(plain) ?? readFloat(plain) ?? { kind: 'string' };
}

/** Go's ParseInt and ParseUint with base 0, `_` taken out before. */
function readInteger(text: string): Resolved | undefined {
  const parts = /^([-+]?)(0[xX](?=[0-9a-fA-F])|0[oO](?=[0-7])|0[bB](?=[01])|0(?=[0-7])|)([0-9a-fA-F]+)$/.exec(text);
  const [sign = '', prefix = '', digits = ''] = parts?.slice(1) ?? [];
  const base = bases[prefix.toLowerCase()];
  if (base === undefined || !base.digits.test(digits)) return undefined;
  const size = BigInt(`${base.literal}${digits}`);
  const value = sign === '-' ? -size : size;
  if (value < -(2n ** 63n) || value >= (sign === '' ? 2n ** 64n : 2n ** 63n)) return undefined;
  return { kind: 'int', text: value.toString(), value: Number(value) };
}

const bases: Readonly<Record<string, { readonly digits: RegExp; readonly literal: string }>> = {
  '': { digits: /^[0-9]+$/, literal: '' },
  '0': { digits: /^[0-7]+$/, literal: '0o' },
  '0o': { digits: /^[0-7]+$/, literal: '0o' },
  '0b': { digits: /^[01]+$/, literal: '0b' },
  '0x': { digits: /^[0-9a-fA-F]+$/, literal: '0x' },
};

function readFloat(text: string): Resolved | undefined {
  if (!float.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? { kind: 'float', text: printFloat(value), value } : undefined;
}

/** Go's `%g` with the shortest digits that read back the same: an exponent below 1e-04 and from 1e+06 on. */
function printFloat(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  return power < -4 || power >= 6 ? withExponent(mantissa, power) : value.toString();
}

function withExponent(mantissa: string, power: number): string {
  return `${mantissa}e${power < 0 ? '-' : '+'}${Math.abs(power).toString().padStart(2, '0')}`;
}

/** The forms of time.Parse that are tried: a date, a date and a time with a zone, or both parted by a blank without one. */
function isTimestamp(text: string): boolean {
  const match =
    /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(?:Z|[-+]\d{2}:\d{2})| (\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?)?$/.exec(
      text,
    );
  if (match === null) return false;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  const [hour, minute, second] = [match[4] ?? match[7], match[5] ?? match[8], match[6] ?? match[9]].map(Number);
  const days = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  const isDay = month >= 1 && month <= 12 && day >= 1 && day <= days;
  return isDay && !((hour ?? 0) > 23) && !((minute ?? 0) > 59) && !((second ?? 0) > 59);
}

/** How a text is written: on one line, or its lines as a block. */
export type Printed = { readonly line: string } | { readonly header: string; readonly lines: readonly string[] };

/** Undefined where releases of the library write it differently, so that factories give different ids. */
export function printText(text: string): Printed | undefined {
  const isSpecial = /[^\n\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u.test(text);
  const { kind } = resolvePlain(text);
  if (/^\ufeff|[\u2028\u2029]/.test(text) || kind === 'disputed') return undefined;
  if (text.includes('\n')) {
    if (isSpecial) return { line: doubleQuoted(text) };
    if (/^[ \n\t]|[ \t]\n|[ \t]$/.test(text)) return undefined;
    const lines = text.split('\n');
    const endsWithBreak = lines.at(-1) === '';
    const header = endsWithBreak ? (lines.at(-2) === '' ? '|+' : '|') : '|-';
    return { header, lines: endsWithBreak ? lines.slice(0, -1) : lines };
  }
  if (kind !== 'string' || oldBooleans.test(text) || base60.test(text) || isSpecial || /\t/.test(text))
    return { line: doubleQuoted(text) };
  return { line: isPlainAllowed(text) ? text : `'${text.replaceAll("'", "''")}'` };
}

function isPlainAllowed(text: string): boolean {
  return !/^(?:---|\.\.\.)|^[#,[\]{}&*!|>'"%@`]|^[?:-](?: |$)|:(?: |$)| #|^ | $/.test(text);
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\0': '0',
  '\x07': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\x1b': 'e',
  '"': '"',
  '\\': '\\',
  '\x85': 'N',
};

function doubleQuoted(text: string): string {
  const escaped = [...text].map((character) => {
    const short = shortEscapes[character];
    if (short !== undefined) return `\\${short}`;
    return /[\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u.test(character) ? character : numbered(character);
  });
  return `"${escaped.join('')}"`;
}

function numbered(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${digits.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}
