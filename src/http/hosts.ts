/** Host names and addresses as URLs write them. */
import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');

/** The host name without the brackets of an IPv6 address and without a trailing dot, lower case. */
export function bareHostname(hostname: string): string {
  const text = hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
  return text.replace(/\.$/, '').toLowerCase();
}

/** True for `localhost`, 127.0.0.0/8 and ::1: traffic that does not leave the machine. */
export function isLoopback(hostname: string): boolean {
  const host = bareHostname(hostname);
  return host === 'localhost' || contains(loopback, host);
}

/** True for addresses of 169.254.0.0/16 and fe80::/10, where clouds serve their machines' secrets. */
export function isLinkLocal(hostname: string): boolean {
  return contains(linkLocal, bareHostname(hostname));
}

/**
 * True for a URL whose host and port a person could write down for a firewall: an address, or a name of letters, digits, hyphens and
 * underscores (object stores have those) as RFC 1123, 2.1, and a port that can be connected to.
 */
export function isNameable(url: URL): boolean {
  const host = bareHostname(url.hostname);
  if (url.port === '0') return false;
  if (isIP(host) !== 0) return true;
  return host.length <= 253 && host.split('.').every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label));
}

/** The port that is written, or that of the scheme. */
export function portOf({ port, protocol }: URL): string {
  return port !== '' ? port : protocol === 'https:' ? '443' : '80';
}

/** `host:port` with the port always written out, a name without the dot of its root. */
export function hostAndPort(url: URL): string {
  return `${url.hostname.endsWith('.') ? url.hostname.slice(0, -1) : url.hostname}:${portOf(url)}`;
}

/** True when the list has this address; false for names. */
export function contains(list: BlockList, host: string): boolean {
  const version = isIP(host);
  if (version === 0) return false;
  return list.check(host, version === 6 ? 'ipv6' : 'ipv4');
}
