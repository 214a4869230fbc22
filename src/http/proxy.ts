/**
 * Which proxy a request goes through. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are read the way Go programs read them
 * (golang.org/x/net/http/httpproxy), so that one environment serves this program and the tools around it.
 */
import { BlockList, isIP } from 'node:net';
import { AirgapError } from '../errors.ts';
import type { ProxySettings } from './client.ts';
import { bareHostname, contains, isLoopback, portOf } from './hosts.ts';

export interface ProxyServer {
  /** `http://HOST:PORT` or `https://HOST:PORT`. */
  readonly url: URL;
  /** Value of ProxyServer-Authorization, where the proxy's URL had a user name. */
  readonly authorization: string | undefined;
}

/** Gives the proxy for a URL, undefined for a direct connection. */
export type ProxyChoice = (url: URL) => ProxyServer | undefined;

/**
 * Reads the settings once. Loopback is never sent through a proxy. Entries of `noProxy`, by commas: `*`, a host (its
 * subdomains too), `.suffix` or `*.suffix` (subdomains only), an address, a CIDR block, each but the block optionally with `:port`.
 * Throws ERR_USAGE for a proxy that is no http or https URL.
 */
export function chooseProxy(settings: ProxySettings = {}): ProxyChoice {
  const forHttp = parseProxy(settings.httpProxy, 'HTTP_PROXY');
  const forHttps = parseProxy(settings.httpsProxy, 'HTTPS_PROXY');
  if (forHttp === undefined && forHttps === undefined) return () => undefined;
  const exempt = parseNoProxy(settings.noProxy ?? '');
  return (url) => {
    if (isLoopback(url.hostname) || exempt(url)) return undefined;
    return url.protocol === 'https:' ? forHttps : forHttp;
  };
}

function parseProxy(text: string | undefined, name: string): ProxyServer | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const trimmed = text.trim();
  const url = tryUrl(trimmed);
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw new AirgapError('ERR_USAGE', `Cannot use ${name}: not an http or https URL`, {
      hint: 'write it as http://HOST:PORT',
    });
  }
  const user = safeDecode(url.username);
  const authorization =
    url.username === ''
      ? undefined
      : `Basic ${Buffer.from(`${user}:${safeDecode(url.password)}`, 'utf8').toString('base64')}`;
  return { url: new URL(url.origin), authorization };
}

function tryUrl(text: string): URL | undefined {
  try {
    return new URL(text.includes('://') ? text : `http://${text}`);
  } catch {
    return undefined;
  }
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

type Test = (host: string, port: string) => boolean;

function parseNoProxy(text: string): (url: URL) => boolean {
  const tests: Test[] = [];
  for (const entry of text.split(/[\s,]+/)) {
    const test = entry === '' ? undefined : parseEntry(entry.toLowerCase());
    if (test !== undefined) tests.push(test);
  }
  return (url) => {
    const host = bareHostname(url.hostname);
    return tests.some((test) => test(host, portOf(url)));
  };
}

function parseEntry(entry: string): Test | undefined {
  if (entry === '*') return () => true;
  if (entry.includes('/')) return parseBlock(entry);
  const { name, port } = splitPort(entry);
  if (name === '') return undefined;
  const atPort = (asked: string) => port === undefined || port === asked;
  if (isIP(name) !== 0) {
    const list = new BlockList();
    list.addAddress(name, isIP(name) === 6 ? 'ipv6' : 'ipv4');
    return (host, asked) => contains(list, host) && atPort(asked);
  }
  const pattern = name.startsWith('*.') ? name.slice(1) : name;
  if (pattern.startsWith('.')) return (host, asked) => host.endsWith(pattern) && atPort(asked);
  return (host, asked) => (host === pattern || host.endsWith(`.${pattern}`)) && atPort(asked);
}

function parseBlock(entry: string): Test | undefined {
  const [address = '', bits = ''] = entry.split('/');
  const version = isIP(address);
  const prefix = Number(bits);
  if (version === 0 || !/^\d{1,3}$/.test(bits) || prefix > (version === 6 ? 128 : 32)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  return (host) => contains(list, host);
}

function splitPort(entry: string): { readonly name: string; readonly port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(entry);
  if (bracketed !== null) return { name: bracketed[1] ?? '', port: bracketed[2] };
  if (isIP(entry) !== 0) return { name: entry, port: undefined };
  const parts = /^([^:]*)(?::(\d{1,5}))?$/.exec(entry);
  return { name: parts?.[1] ?? '', port: parts?.[2] };
}
