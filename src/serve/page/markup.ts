/** HTML from templates: whatever is put into one is text, unless a template made it. */

/** HTML that is safe to send. Only html`` and trusted() make it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Fragment = string | number | Markup | undefined | readonly Fragment[];

/** A template whose values are escaped, inside quoted attributes too; lists are joined, undefined is nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Fragment[]): Markup {
  let text = parts[0] ?? '';
  for (const [index, value] of values.entries()) text += printed(value) + (parts[index + 1] ?? '');
  return new Markup(text);
}

/** Text of our own that is HTML already. Never for what came from a store, a client or a file. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

/**
 * Text as HTML shows it. Characters that would not be seen, or would turn the rest of a line around, are written out
 * as `\u202e`: a name must not look like another one.
 */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '').replace(unseen, escapeUnseen);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Controls but tab and newline, formats (zero width, bidirectional), separators of lines, private and lone surrogates. */
const unseen = /[^\P{Cc}\t\n]|[\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

function escapeUnseen(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

function printed(value: Fragment): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string') return escapeHtml(value);
  return typeof value === 'number' ? String(value) : value.map(printed).join('');
}
