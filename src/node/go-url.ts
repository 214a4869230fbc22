/** URLs as Go's net/url reads them, which is what decides what a node asks; the URL of JavaScript mends what Go leaves as it is. */
import { posix } from 'node:path';

export interface GoUrl {
  /** Lower case; empty: none was written. */
  readonly scheme: string;
  /** As written, port included, without user and password. */
  readonly host: string;
  /** Its escapes resolved, as Go has it. */
  readonly path: string;
}

/**
 * Reads a URL as url.Parse() does, for the parts that matter here: `mirror.site` is a path, `mirror.site:5000` a scheme, and
 * `10.5.0.1:6000` no URL (Go 1.26, src/net/url/url.go). A query or fragment is left out, as no request takes it over.
 */
export function parseGoUrl(text: string): GoUrl | { readonly refused: string } {
  if (hasControl(text)) return { refused: 'invalid control character in URL' };
  const cut = text.replace(/[?#].*$/s, '');
  if (cut.startsWith(':')) return { refused: 'missing protocol scheme' };
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(cut)?.[1];
  const rest = scheme === undefined ? cut : cut.slice(scheme.length + 1);
  if (scheme === undefined && !rest.startsWith('/') && (rest.split('/')[0] ?? '').includes(':')) {
    return { refused: 'first path segment in URL cannot contain colon' };
  }
  const named = (scheme ?? '').toLowerCase();
  if (!rest.startsWith('//'))
    return { scheme: named, host: '', path: rest.startsWith('/') || named === '' ? rest : '' };
  const slash = rest.indexOf('/', 2);
  const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const path = slash < 0 ? '' : rest.slice(slash);
  const refused = refusedHost(host) ?? refusedPath(path);
  return refused === undefined ? { scheme: named, host, path: unescaped(path) } : { refused };
}

function refusedHost(host: string): string | undefined {
  if (host.startsWith('[') && !host.includes(']')) return "missing ']' in host";
  if (host.lastIndexOf('[') > 0) return 'invalid IP-literal';
  const port = host.startsWith('[') ? host.slice(host.indexOf(']') + 1) : (/:.*$/s.exec(host)?.[0] ?? '');
  if (!/^(?::[0-9]*)?$/.test(port)) return `invalid port ${JSON.stringify(port)} after host`;
  const percent = host.startsWith('[') ? undefined : /%.{0,2}/.exec(host)?.[0];
  if (percent !== undefined) return `invalid URL escape ${JSON.stringify(percent)}`;
  const bad = /[ ^`{|}\\]/.exec(host)?.[0];
  return bad === undefined ? undefined : `invalid character ${JSON.stringify(bad)} in host name`;
}

function refusedPath(path: string): string | undefined {
  const percent = /%(?![0-9a-f]{2}).{0,2}/i.exec(path)?.[0];
  return percent === undefined ? undefined : `invalid URL escape ${JSON.stringify(percent)}`;
}

/** What is no UTF-8 stays as it is: nobody asks for it. */
function unescaped(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** As Go's URL.EscapedPath() writes a path in a request. */
export function escapedPath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-_.~$&+,/:;=@]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

/** Go's path.Clean(). */
export function cleanPath(path: string): string {
  if (path === '') return '.';
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

/** Go's path.Join('/', path), empty for the root: what stands before `/REPOSITORY`. */
export function basePath(path: string): string {
  const clean = cleanPath(`/${path}`);
  return clean === '/' ? '' : clean;
}

function hasControl(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\x7f');
}
