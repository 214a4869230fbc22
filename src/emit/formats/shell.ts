/** Words for a POSIX shell. */

/** The words in one line, each quoted where it has to be, so that the shell gives them on as they are. */
export function printCommand(words: readonly string[]): string {
  return words.map(quoteShell).join(' ');
}

function quoteShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
