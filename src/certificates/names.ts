/** The names a server certificate is for: DNS names and IP addresses, each in one form. Pure. */
import { isIP, isIPv6 } from 'node:net';
import { AirgapError } from '../errors.ts';

/** Longest DNS name (RFC 1035, 2.3.4). */
const longestName = 253;
const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const dnsName = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`);

/**
 * A name as it stands in a certificate: lower case, IPv6 compressed and without brackets. `*.example.org` stands for one label.
 * Undefined for what is neither a DNS name nor an address.
 */
export function certificateName(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (isIPv6(bare)) return bare.includes('%') ? undefined : canonicalIPv6(bare);
  const name = bare.toLowerCase().replace(/\.$/, '');
  if (isIP(name) !== 0) return name;
  // What ends in a number would be read as an address by some and as a name by others (WHATWG URL, "ends in a number").
  const isName = name.length <= longestName && dnsName.test(name) && !/(?:^|\.)[0-9]+$/.test(name);
  return isName ? name : undefined;
}

/** The same for a name a person typed. Throws ERR_USAGE naming the option. */
export function requireCertificateName(option: string, text: string): string {
  const name = certificateName(text);
  if (name !== undefined) return name;
  throw new AirgapError(
    'ERR_USAGE',
    `Cannot read ${option} ${JSON.stringify(text)}: neither a DNS name nor an IP address`,
    {
      hint: 'write it like registry.internal or 10.5.0.1',
    },
  );
}

/** 4 or 16 octets; undefined for what is no address. */
export function addressOctets(name: string): Uint8Array | undefined {
  const version = isIP(name);
  if (version === 0) return undefined;
  if (version === 4) return Buffer.from(name.split('.').map(Number));
  const [head = '', tail = ''] = canonicalIPv6(name).split('::');
  const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [groupsOf(head), groupsOf(tail)];
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** As node:crypto prints them, `DNS:a, IP Address:1.2.3.4`, in the form of certificateName(), sorted. */
export function namesIn(subjectAltName: string | undefined): string[] {
  const parts = (subjectAltName ?? '').split(', ').flatMap((part) => /^(?:DNS|IP Address):(.+)$/.exec(part)?.[1] ?? []);
  return [...new Set(parts.flatMap((part) => certificateName(part) ?? []))].sort();
}

function canonicalIPv6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
