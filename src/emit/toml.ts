/** Strings of TOML 1.0, written as go-toml v2 writes them. */

/** A literal string where it can be one, else a basic one. Half surrogates become U+FFFD, which TOML cannot hold otherwise. */
export function quoteToml(text: string): string {
  const whole = text.replace(/\p{Surrogate}/gu, '\ufffd');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a literal string cannot hold.
  if (/^[^\u0000-\u0008\u000a-\u001f'\u007f]*$/.test(whole)) return `'${whole}'`;
  return JSON.stringify(whole).replaceAll('\u007f', '\\u007f');
}
