/** Foreign text inside our messages: quoted, on one line, bounded. */

/** `text` in double quotes with everything but printable ASCII escaped, cut after `limit` characters (default 160). */
export function quoteText(text: string, limit = 160): string {
  const shown = text.length > limit ? `${text.slice(0, limit)}...` : text;
  return JSON.stringify(shown).replace(/[^\x20-\x7e]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
