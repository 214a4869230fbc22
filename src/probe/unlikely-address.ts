/** Addresses at which no host of the internet is: what name servers answer that keep a name back. */
import { BlockList } from 'node:net';
import { contains } from '../http/hosts.ts';

const here = new BlockList();
// RFC 1122, 3.2.1.3: this host; RFC 4291, 2.5.2 and 2.5.3.
here.addSubnet('0.0.0.0', 8, 'ipv4');
here.addSubnet('127.0.0.0', 8, 'ipv4');
here.addAddress('::', 'ipv6');
here.addAddress('::1', 'ipv6');

const inside = new BlockList();
// RFC 1918, RFC 6598 (shared by carriers), RFC 3927; RFC 4193, RFC 4291 link-local.
inside.addSubnet('10.0.0.0', 8, 'ipv4');
inside.addSubnet('172.16.0.0', 12, 'ipv4');
inside.addSubnet('192.168.0.0', 16, 'ipv4');
inside.addSubnet('100.64.0.0', 10, 'ipv4');
inside.addSubnet('169.254.0.0', 16, 'ipv4');
inside.addSubnet('fc00::', 7, 'ipv6');
inside.addSubnet('fe80::', 10, 'ipv6');

/** `0.0.0.0`, loopback. */
export function isThisHost(address: string): boolean {
  return contains(here, address);
}

/** Of a network that is not the internet, or of this host. */
export function isOffInternet(address: string): boolean {
  return isThisHost(address) || contains(inside, address);
}

/** What name servers usually answer for names they keep back: never worth connecting to. */
export function isSinkhole(address: string): boolean {
  return ['0.0.0.0', '127.0.0.1', '::', '::1'].includes(address);
}
