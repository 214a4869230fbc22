/** Where a redirect leads, and whether it may be followed (RFC 9110, 15.4). */
import { AirgapError } from '../errors.ts';
import { isLinkLocal, isNameable } from './hosts.ts';

/** Redirects followed in one request. */
export const mostRedirects = 5;

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * The URL of the next hop, without user name and fragment. Throws ERR_PROTOCOL when the target is missing, unreadable, no http(s)
 * URL, plain http after https, a host that is no host name, or a link-local address that was not asked for in the first place.
 */
export function redirectTarget(
  location: string | undefined,
  from: { readonly url: URL; readonly first: URL; readonly action: string },
): URL {
  const refuse = (state: string) =>
    new AirgapError('ERR_PROTOCOL', `Cannot ${from.action}: ${from.url.host} ${state}`, { host: from.url.host });
  if (location === undefined || location === '') throw refuse('redirects to nowhere');
  let target: URL;
  try {
    target = new URL(location, from.url);
  } catch {
    throw refuse('redirects to something that is no URL');
  }
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw refuse(`redirects to a ${target.protocol} URL`);
  if (from.url.protocol === 'https:' && target.protocol === 'http:') {
    throw refuse(`redirects from https to plain http at ${target.host}`);
  }
  // Whoever is contacted has to stand in the lock.
  if (!isNameable(target)) throw refuse('redirects to a host whose name or port is none');
  if (isLinkLocal(target.hostname) && target.hostname !== from.first.hostname) {
    throw refuse(`redirects to the link-local address ${target.host}`);
  }
  target.username = '';
  target.password = '';
  target.hash = '';
  return target;
}

export function tooManyRedirects(action: string, from: URL): AirgapError {
  return new AirgapError('ERR_PROTOCOL', `Cannot ${action}: more than ${mostRedirects} redirects`, { host: from.host });
}

/** Headers for another origin: what proves who we are stays behind. */
export function withoutSecrets(headers: Readonly<Record<string, string>>): Record<string, string> {
  const secret = new Set(['authorization', 'cookie', 'proxy-authorization']);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !secret.has(name.toLowerCase())));
}
