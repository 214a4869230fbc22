/** Addresses that are not on the internet: where plain HTTP is taken without being told. */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

const privateRanges = new BlockList();
// RFC 1122 loopback, RFC 1918 private use, RFC 3927 link-local.
privateRanges.addSubnet('127.0.0.0', 8, 'ipv4');
privateRanges.addSubnet('10.0.0.0', 8, 'ipv4');
privateRanges.addSubnet('172.16.0.0', 12, 'ipv4');
privateRanges.addSubnet('192.168.0.0', 16, 'ipv4');
privateRanges.addSubnet('169.254.0.0', 16, 'ipv4');
// RFC 4291 loopback and link-local, RFC 4193 unique local.
privateRanges.addAddress('::1', 'ipv6');
privateRanges.addSubnet('fe80::', 10, 'ipv6');
privateRanges.addSubnet('fc00::', 7, 'ipv6');

/** The addresses of a name. */
export type AddressLookup = (name: string) => Promise<readonly string[]>;

/** True for `localhost`, a loopback address, or a name below `localhost` (RFC 6761). `host` may have a port. */
export function isLoopbackHost(host: string): boolean {
  const name = nameOf(host);
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

export function isPrivateAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && privateRanges.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** True when `host[:port]` is a loopback or private address, or a name that has such addresses only. False when it cannot be looked up. */
export async function isPrivateHost(host: string, addressesOf: AddressLookup = lookUp): Promise<boolean> {
  const name = nameOf(host);
  if (isLoopbackHost(host) || isPrivateAddress(name)) return true;
  if (isIP(name) !== 0) return false;
  try {
    const addresses = await addressesOf(name);
    return addresses.length > 0 && addresses.every(isPrivateAddress);
  } catch {
    return false;
  }
}

async function lookUp(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map((entry) => entry.address);
}

/** `[::1]:5000` → `::1`. */
function nameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1];
  return (bracketed ?? host.replace(/:\d*$/, '')).toLowerCase();
}
