/** Words for a POSIX shell. */

/** The word as the shell gives it on as it is: quoted where it has to be. */
export function quoteShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The words in one line, each as quoteShell() writes it. */
export function printCommand(words: readonly string[]): string {
  return words.map(quoteShell).join(' ');
}
