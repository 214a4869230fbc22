/** Which DNS servers to ask. */

import { getServers } from 'node:dns';
import { isIP } from 'node:net';
import { printPlace } from '../egress/destination.ts';

/** A DNS server. */
export interface NameServer {
  /** Without brackets. */
  readonly address: string;
  readonly port: number;
}

/** Those this machine asks, in its order, as Node.js read them from `/etc/resolv.conf` or the system. Empty where it has none. */
export function systemNameServers(): NameServer[] {
  return getServers().flatMap((text) => parseNameServer(text) ?? []);
}

/**
 * `10.0.0.2`, `10.0.0.2:5353`, `fd00::2`, `fe80::1%eth0`, `[fd00::2]:53`, as `dns.getServers()` writes them; port 53 where none is
 * written. Undefined for anything else.
 */
export function parseNameServer(text: string): NameServer | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const plain = isIP(text) === 6 ? [text, text] : /^([0-9.]+)(?::(\d{1,5}))?$/.exec(text);
  const [, address = '', port = '53'] = bracketed ?? plain ?? [];
  const isRight = isIP(address) === (bracketed === null ? isIP(address) : 6) && isIP(address) !== 0;
  return isRight && Number(port) >= 1 && Number(port) <= 65_535 ? { address, port: Number(port) } : undefined;
}

/** `10.0.0.2`, `10.0.0.2:5353`, `[fd00::2]:5353`: port 53 is not written. */
export function printNameServer({ address, port }: NameServer): string {
  return port === 53 ? address : printPlace({ host: address, port });
}
