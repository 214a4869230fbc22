/** Reads the values of options. Every refusal is ERR_USAGE and names the option. Pure. */
import { AirgapError } from '../errors.ts';
import { canonicalHost } from '../oci/host.ts';

export function usageError(message: string, hint?: string): AirgapError {
  return new AirgapError('ERR_USAGE', message, hint === undefined ? {} : { hint });
}

/** A whole number from `min` (default 1) to `max` (default 1000). */
export function readInteger(
  option: string,
  text: string,
  bounds: { readonly min?: number; readonly max?: number } = {},
): number {
  const { min = 1, max = 1000 } = bounds;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usageError(`Cannot read ${option} ${JSON.stringify(text)}: not a whole number from ${min} to ${max}`);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `30s`, `5m`, `1h30m`; a bare number counts seconds. In milliseconds, at least 1 and at most 14 days. */
export function readDuration(option: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const isWhole = parts.length > 0 && parts.map((part) => part[0]).join('') === text;
  const value = /^\d+$/.test(text)
    ? Number(text) * 1000
    : parts.reduce((sum, [, figure, unit]) => sum + Number(figure) * (unitMs[unit ?? ''] ?? Number.NaN), 0);
  if ((isWhole || /^\d+$/.test(text)) && value >= 1 && value <= 14 * 24 * 3_600_000) return Math.round(value);
  throw usageError(`Cannot read ${option} ${JSON.stringify(text)}: not a duration`, 'write it like 30s, 5m or 1h30m');
}

/** Where to listen: `:6000`, `127.0.0.1:6000`, `[::1]:6000`. An empty host means every address. */
export function readListen(option: string, text: string): { readonly host: string | undefined; readonly port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2] ?? Number.NaN);
  if (match === null || !(port <= 65_535)) {
    throw usageError(
      `Cannot read ${option} ${JSON.stringify(text)}: not an address with a port`,
      'write it like :6000 or 127.0.0.1:6000',
    );
  }
  const host = (match[1] ?? '').replaceAll(/[[\]]/g, '');
  return { host: host === '' ? undefined : host, port };
}

/** An http or https URL without credentials, query and fragment. */
export function readUrl(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw usageError(`Cannot read ${option} ${JSON.stringify(withoutSecrets(text))}: not an http:// or https:// URL`);
  }
  if (url.username !== '' || url.password !== '') {
    throw usageError(
      `Cannot read ${option} ${JSON.stringify(withoutSecrets(text))}: it holds a password`,
      'credentials come from docker login, --from-user, --to-user or the environment, never from a URL',
    );
  }
  if (url.search !== '' || url.hash !== '')
    throw usageError(
      `Cannot read ${option} ${JSON.stringify(withoutSecrets(text))}: a query or fragment has no meaning here`,
    );
  return url;
}

/**
 * readUrl() of what nodes ask. The host has to be one that a lock can hold, as it was meant: the URL parser reads `10.5.1` as 10.5.0.1,
 * takes `https:///x` for `https://x`, and lets nearly every character stand in a name.
 */
export function readAddress(option: string, text: string): URL {
  const url = readUrl(option, text);
  const written = /^\s*https?:\/\/([^/\\?#\s]+)/i.exec(text)?.[1] ?? '';
  const host = canonicalHost(/[^\x20-\x7e]/.test(written) ? url.host : written);
  if (typeof host === 'string') return url;
  throw usageError(
    `Cannot read ${option} ${JSON.stringify(text)}: its host is ${host.refused}`,
    'write it like https://registry.site, http://10.5.0.1:6000 or https://[fd00::5]:5000',
  );
}

/** The endpoint a node asks: scheme and host, nothing after. Throws ERR_USAGE. */
export function readEndpoint(option: string, text: string): string {
  const url = readAddress(option, text);
  if (url.pathname !== '/') {
    throw usageError(
      `Cannot read ${option} ${JSON.stringify(text)}: an endpoint has no path`,
      'a path before the repositories belongs to --to, as in --to HOST/PREFIX',
    );
  }
  return url.origin;
}

/** Up to the last @ it may be a password, which may hold slashes; a query may be a token. */
function withoutSecrets(text: string): string {
  return text.replace(/\/\/.*@/s, '//***@').replace(/([?#]).*$/s, '$1***');
}
