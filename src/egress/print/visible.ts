/** Text from documents, locks and options, shown so that nothing in it is unseen. */

/** Controls, formats (zero width, bidirectional), separators of lines, private use and lone surrogates are written out: `\u202e`. */
export function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped);
}

/** JSON whose text has no such character either; reading it gives the same values. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\n' ? character : escaped(character),
  );
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');
}
