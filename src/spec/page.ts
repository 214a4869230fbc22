/** The keys of airgap.yaml as tables of a page. */
import type { Key } from './key.ts';
import { specGroups } from './spec.ts';

/** Markdown: one table for each group, in their order, a newline at the end. */
export function printSpecTables(): string {
  const parts = specGroups.map(({ name, says, keys }) => {
    const rows = keys.map((key) => `| \`${key.name}\` | ${cell(takes(key))} | ${cell(key.says)} | ${optionOf(key)} |`);
    return [`### ${name}`, '', says, '', '| key | takes | | option |', '|---|---|---|---|', ...rows].join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}

function takes({ kind, values, meaning }: Key): string {
  const texts: Readonly<Record<NonNullable<Key['meaning']>, string>> = {
    file: 'file',
    'file-of': 'file or HOST=file',
    'file-or-id': 'file or id',
    location: 'location',
    image: 'image',
  };
  const text = values === undefined ? (meaning === undefined ? 'text' : texts[meaning]) : values.join(' or ');
  switch (kind) {
    case 'text':
      return text;
    case 'texts':
      return `${text}, or a list`;
    case 'switch':
      return 'true or false';
    case 'count':
      return 'number';
    case 'optional':
      return `true, false or ${text}`;
    case 'pairs':
      return meaning === 'image' ? 'IMAGE: PLACE' : `NAME: ${text}`;
  }
}

function optionOf({ option, kind, name }: Key): string {
  if (option === undefined) return 'an input';
  return kind === 'switch' && ['signatures', 'timeSync'].includes(name) ? `\`--no-${option}\`` : `\`--${option}\``;
}

/** A bar would end the cell, and an asterisk begins something. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*');
}
