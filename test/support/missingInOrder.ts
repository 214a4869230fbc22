/** Lines of a text that do not stand in another after those before them. */
export function missingInOrder(wanted: readonly string[], printed: readonly string[]): string[] {
  let from = 0;
  return wanted.filter((line) => {
    const at = printed.indexOf(line, from);
    if (at >= 0) from = at + 1;
    return at < 0;
  });
}
