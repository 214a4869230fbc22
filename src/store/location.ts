/** Where content is read from or written to, as users write it: `oci:DIR`, `bundle:FILE`, `bundle:DIR/`, `image-cache:DIR`, `image-cache-oci:DIR`, `HOST[:PORT][/PREFIX]`, `http(s)://HOST[:PORT][/PREFIX]`. */
import { AirgapError } from '../errors.ts';
import { canonicalHost } from '../oci/host.ts';
import { quoteText } from '../oci/quote.ts';
import { isRepositoryPath } from '../oci/reference.ts';
import { quoteShell } from '../oci/shell.ts';

export interface LayoutLocation {
  readonly kind: 'layout';
  readonly directory: string;
}

export interface BundleLocation {
  readonly kind: 'bundle';
  /** A file, or the directory of a set's volumes, without slashes at its end. */
  readonly path: string;
  /** It was written with a slash at its end: a directory of volumes. */
  readonly isDirectory: boolean;
}

/** A Talos image cache. Both forms are read whichever is named. */
export interface ImageCacheLocation {
  readonly kind: 'image-cache';
  readonly directory: string;
  /** What is written: the tree as files (`image-cache:`), or an OCI layout with one image that holds it (`image-cache-oci:`). */
  readonly form: 'flat' | 'oci';
}

export interface RegistryLocation {
  readonly kind: 'registry';
  /** Obeyed where it was written; undefined leaves it to a probe. */
  readonly scheme?: 'http' | 'https';
  /** `host[:port]`, lower case, IPv6 in brackets; a port that is the scheme's own is left out. */
  readonly host: string;
  /** Path put before every repository, without slashes at its ends; empty for none. */
  readonly prefix: string;
}

export type Location = LayoutLocation | BundleLocation | ImageCacheLocation | RegistryLocation;

const layoutScheme = 'oci:';
const bundleScheme = 'bundle:';
const cacheSchemes = { flat: 'image-cache:', oci: 'image-cache-oci:' } as const;

/**
 * Reads a location and normalises it: upper-case hosts and slashes at the end are brought into form, everything doubtful is
 * refused with what to write instead. Credentials in a URL are refused and not repeated. Throws ERR_USAGE.
 */
export function parseLocation(text: string): Location {
  const trimmed = text.trim();
  if (trimmed === '') throw new AirgapError('ERR_USAGE', 'Cannot use location "": it is empty', { hint: forms });
  refuseSecrets(trimmed);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') {
    return registryLocation(trimmed, { scheme, rest: trimmed.slice(scheme.length + 3) });
  }
  if (scheme !== undefined) throw unknownScheme(trimmed, scheme);
  if (trimmed.startsWith(layoutScheme)) return layoutLocation(trimmed);
  if (trimmed.startsWith(bundleScheme)) return bundleLocation(trimmed);
  if (trimmed.startsWith(cacheSchemes.flat)) return cacheLocation(trimmed, 'flat');
  if (trimmed.startsWith(cacheSchemes.oci)) return cacheLocation(trimmed, 'oci');
  if (/\.tar\/?$/i.test(trimmed)) throw refusal(trimmed, 'it looks like a file', `write bundle:${printable(trimmed)}`);
  if (/^(?:[./~\\]|[A-Za-z]:[\\/])/.test(trimmed)) {
    throw refusal(
      trimmed,
      'it looks like a path',
      `write oci:${printable(trimmed)} for a layout directory, bundle:${printable(trimmed)} for a bundle`,
    );
  }
  return registryLocation(trimmed, { rest: trimmed });
}

/** A location that names a directory or a file, in two: `oci:` and the name. Undefined for a registry. Nothing is checked. */
export function splitPlace(text: string): { readonly scheme: string; readonly path: string } | undefined {
  const found = /^(oci:|bundle:|image-cache:|image-cache-oci:)(.*)$/s.exec(text.trim());
  return found === null ? undefined : { scheme: found[1] ?? '', path: found[2] ?? '' };
}

/** A target for a shell. A registry needs no quotes, and an option may stand after it. */
export function quoteTarget(text: string): string {
  return splitPlace(text) === undefined ? text : quoteShell(text);
}

/** The location as parseLocation() reads it back. */
export function printLocation(location: Location): string {
  if (location.kind === 'layout') return `${layoutScheme}${location.directory}`;
  if (location.kind === 'bundle')
    return `${bundleScheme}${location.path}${location.isDirectory && location.path !== '/' ? '/' : ''}`;
  if (location.kind === 'image-cache') return `${cacheSchemes[location.form]}${location.directory}`;
  const start = location.scheme === undefined ? '' : `${location.scheme}://`;
  return `${start}${location.host}${location.prefix === '' ? '' : `/${location.prefix}`}`;
}

/** The file or directory of a location that is one, as it was written. */
export function locationPath(location: Exclude<Location, RegistryLocation>): string {
  return location.kind === 'bundle' ? location.path : location.directory;
}

const forms = 'write HOST[:PORT][/PREFIX], https://HOST[:PORT][/PREFIX], oci:DIR, bundle:FILE.tar or image-cache:DIR';

function layoutLocation(text: string): LayoutLocation {
  const directory = text.slice(layoutScheme.length);
  if (directory === '') throw refusal(text, 'it names no directory', 'write oci:DIR, for example oci:./airgap-mirror');
  if (directory.includes('\0')) throw refusal(text, 'it holds a NUL character', forms);
  return { kind: 'layout', directory };
}

function cacheLocation(text: string, form: ImageCacheLocation['form']): ImageCacheLocation {
  const scheme = cacheSchemes[form];
  const directory = text.slice(scheme.length);
  if (directory === '') throw refusal(text, 'it names no directory', `write ${scheme}DIR`);
  if (directory.includes('\0')) throw refusal(text, 'it holds a NUL character', forms);
  return { kind: 'image-cache', directory, form };
}

function bundleLocation(text: string): BundleLocation {
  const path = text.slice(bundleScheme.length);
  if (path === '') throw refusal(text, 'it names no file', 'write bundle:FILE, for example bundle:talos-1.14.tar');
  if (path.includes('\0')) throw refusal(text, 'it holds a NUL character', forms);
  const isDirectory = path.endsWith('/');
  return { kind: 'bundle', path: isDirectory ? path.replace(/\/+$/, '') || '/' : path, isDirectory };
}

function registryLocation(
  text: string,
  parts: { readonly scheme?: 'http' | 'https'; readonly rest: string },
): RegistryLocation {
  const { scheme, rest } = parts;
  const slash = rest.indexOf('/');
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const prefix = readPrefix(text, slash === -1 ? '' : rest.slice(slash));
  const host = readHost(text, authority);
  if (scheme === undefined && !/[.:]/.test(host) && host !== 'localhost') {
    throw refusal(
      text,
      'it could be a host or a directory',
      `write ${host}:443 or https://${host} for a registry, oci:${printable(text)} for a layout directory`,
    );
  }
  if (scheme === undefined) return { kind: 'registry', host, prefix };
  return { kind: 'registry', scheme, host: withoutOwnPort(host, scheme), prefix };
}

function readHost(text: string, authority: string): string {
  if (authority === '') throw refusal(text, 'it names no host', forms);
  if (authority.endsWith(':')) {
    throw refusal(
      text,
      'a port is missing after the colon',
      `write ${printable(authority)}6000 or leave the colon out`,
    );
  }
  if (!authority.startsWith('[') && (authority.match(/:/g) ?? []).length > 1) {
    throw refusal(text, 'its host has more than one colon', 'put an IPv6 address in brackets, as in [fd00::1]:6000');
  }
  const host = canonicalHost(authority);
  if (typeof host === 'string') return host;
  throw refusal(text, `its host is ${host.refused}`, forms);
}

function readPrefix(text: string, path: string): string {
  const prefix = path.replace(/^\/+|\/+$/g, '');
  if (prefix === '') return '';
  if (prefix === 'v2' || prefix.startsWith('v2/')) {
    throw refusal(text, 'it holds the path of the API', 'leave /v2 out, it is put there for you');
  }
  if (/[:@]/.test(prefix)) throw refusal(text, 'it holds a tag or a digest', 'write the registry and a prefix only');
  if (isRepositoryPath(prefix)) return prefix;
  if (isRepositoryPath(prefix.toLowerCase())) {
    throw refusal(text, 'its prefix has upper-case letters', `write the prefix as ${prefix.toLowerCase()}`);
  }
  throw refusal(
    text,
    'its prefix is no repository path',
    'use lower-case letters, digits, and single . _ - or / between',
  );
}

function withoutOwnPort(host: string, scheme: 'http' | 'https'): string {
  const port = scheme === 'http' ? ':80' : ':443';
  return host.endsWith(port) && !host.endsWith(`:${port}`) ? host.slice(0, -port.length) : host;
}

/** A user name before the host, or a query or fragment that may hold a token: refused without repeating any of it. */
function refuseSecrets(text: string): void {
  const schemes = [layoutScheme, bundleScheme, ...Object.values(cacheSchemes)];
  const isPath = schemes.some((scheme) => text.startsWith(scheme));
  if (isPath && !text.slice(text.indexOf(':') + 1).startsWith('//')) return;
  if (/^(?:[./~\\]|[A-Za-z]:[\\/])/.test(text)) return;
  const rest = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '');
  // A password may hold slashes; a digest has its own refusal.
  if (/^[^/?#]*@|@(?!sha\d+:)/i.test(rest)) {
    throw new AirgapError('ERR_USAGE', 'Cannot use the location: it holds a user name or password', {
      hint: 'name the user with --from-user or --to-user, or log in so that the credentials file has it',
    });
  }
  if (/[?#]/.test(rest)) {
    throw new AirgapError('ERR_USAGE', 'Cannot use the location: it holds a query or a fragment', { hint: forms });
  }
}

function unknownScheme(text: string, scheme: string): AirgapError {
  if (scheme === 'oci' || scheme === 'docker') {
    const rest = printable(text.slice(scheme.length + 3));
    return refusal(
      text,
      `${scheme}:// is not used here`,
      `write ${rest} for a registry, oci:DIR for a layout directory`,
    );
  }
  return refusal(text, `the scheme ${scheme}:// is not known`, forms);
}

function refusal(text: string, state: string, hint: string): AirgapError {
  return new AirgapError('ERR_USAGE', `Cannot use location ${quoteText(text)}: ${state}`, { hint });
}

/** Text for a hint: as written when harmless, else a placeholder. */
function printable(text: string): string {
  return /^[\x21-\x7e]{1,120}$/.test(text) ? text : 'DIR';
}
