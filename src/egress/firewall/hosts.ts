/** What may stand in a firewall's text. Lists come out of locks and configurations that anybody may have edited: nothing is written unchecked. */
import { AirgapError } from '../../errors.ts';
import { type Destination, isPlaceholder, isWildcard } from '../destination.ts';
import { familyOf, familyOfBlock } from './addresses.ts';
import type { FirewallInput } from './language.ts';

/** What a destination's host is. `place`: `<omni>`, which the site has to say. */
export type HostKind = 'name' | 'wildcard' | 'place' | 'ipv4' | 'ipv6';

/**
 * Throws ERR_USAGE for a list that holds a host, port, proxy, protocol or address that is none. Every language calls it before it writes:
 * afterwards hosts, addresses and proxies hold no character that means something in any of them, but `*` in wildcards, `<`, `>` and
 * spaces in places, and colons in IPv6 addresses.
 */
export function checkInput({ destinations, addresses, from }: FirewallInput): void {
  for (const destination of destinations) checkDestination(destination);
  for (const [name, known] of addresses) {
    for (const { address, ttl } of known) {
      if (familyOf(address) === undefined || !Number.isFinite(ttl) || ttl < 0)
        throw unusable(name, `${JSON.stringify(address)} is no address of it`);
    }
  }
  for (const [role, blocks] of from) {
    const wrong = blocks.find((block) => familyOfBlock(block) === undefined);
    if (wrong !== undefined) throw unusable(role, `${JSON.stringify(wrong)} is no address and no CIDR block`);
  }
}

function checkDestination({ host, port, protocol, through }: Destination): void {
  hostKind(host);
  if (!isPort(port)) throw unusable(host, `${port} is no port`);
  if (protocol !== 'tcp' && protocol !== 'udp')
    throw unusable(host, `${JSON.stringify(protocol)} is neither tcp nor udp`);
  if (through !== undefined && !isHostAndPort(through))
    throw unusable(host, `its proxy ${JSON.stringify(through)} is no host and port`);
}

/** `proxy.site:3128`, `[fd00::1]:3128`. */
function isHostAndPort(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const kind = kindOf(bracketed ?? plain ?? '');
  return isPort(Number(port)) && (bracketed === undefined ? kind === 'name' || kind === 'ipv4' : kind === 'ipv6');
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** Throws ERR_USAGE where it is neither a name, nor a wildcard that leaves the last label, nor an address, nor a place. */
export function hostKind(host: string): HostKind {
  const kind = kindOf(host);
  if (kind === undefined) throw unusable(host, 'it is no host name, address, wildcard or place such as "<omni>"');
  return kind;
}

/** Whether hostKind() takes it. */
export function isHost(host: string): boolean {
  return kindOf(host) !== undefined;
}

function kindOf(host: string): HostKind | undefined {
  if (isPlaceholder(host)) return /^<[a-z0-9][a-z0-9 ._-]{0,62}>$/i.test(host) ? 'place' : undefined;
  const family = familyOf(host);
  if (family !== undefined) return family === 4 ? 'ipv4' : 'ipv6';
  const labels = host.split('.');
  const last = labels.at(-1) ?? '';
  // A last label of digits would be read as an address (https://url.spec.whatwg.org/#ends-in-a-number-checker).
  if (host.length > 253 || /^\d+$/.test(last) || isWildcard(last)) return undefined;
  if (!labels.every((label) => /^(?=.{1,63}$)[a-z0-9_*](?:[a-z0-9_*-]*[a-z0-9_*])?$/.test(label))) return undefined;
  return isWildcard(host) ? 'wildcard' : 'name';
}

/** Letters, digits and harmless signs alone, on one line, for comments: cut to `most` characters. Default 400. */
export function plainText(text: string, most = 400): string {
  const plain = text
    .replaceAll(/[^\w .,:/*<>()@+-]+/g, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  return plain.length <= most ? plain : `${plain.slice(0, most - 3)}...`;
}

/** `443/tcp registry ghcr.io, blobs of ghcr.io (optional: when …)`, for a comment beside the host. */
export function purposeOf({ port, protocol, purposes, required, condition }: Destination): string {
  const when = [...(required ? [] : ['optional']), ...(condition === undefined ? [] : [condition])].join(': ');
  return plainText(`${port}/${protocol} ${purposes.join(', ')}${when === '' ? '' : ` (${when})`}`);
}

function unusable(name: string, state: string): AirgapError {
  return new AirgapError('ERR_USAGE', `Cannot write rules for ${JSON.stringify(name)}: ${state}`, {
    hint: 'correct it where it comes from: an option, a configuration, or the contacts of the lock',
  });
}
