/** The access log: what is told of each request, and how it is printed as one line. */
import type { Exchange } from './exchange.ts';

/** One line of the access log. Most of it came from a client as it is: print it with accessLogText() or accessLogJson(). */
export interface ServedRequest {
  /** When it came, ISO 8601 in UTC. */
  readonly time: string;
  /** The client's address without its port; `-` when it was gone already. */
  readonly client: string;
  readonly method: string;
  /** As it was sent, with its query; user names, passwords and tokens in it are replaced by `***`. */
  readonly path: string;
  /** The upstream registry the `ns` parameter names, as it was sent. */
  readonly ns: string | undefined;
  /** 0 when the client was gone before an answer. */
  readonly status: number;
  /** Bytes of the answer's body that were given to the socket. */
  readonly bytes: number;
  /** From the end of its headers to the end of the answer. */
  readonly ms: number;
  readonly userAgent: string | undefined;
  /** Who asked, where the access control let somebody in by name. */
  readonly user: string | undefined;
}

/** Longest value that is printed, in characters. */
const longest = 1024;

/** What is told of an exchange that has ended. */
export function describeRequest(
  exchange: Exchange,
  ended: { readonly time: string; readonly client: string; readonly status: number; readonly ms: number },
): ServedRequest {
  return {
    ...ended,
    method: exchange.method,
    path: withoutCredentials(exchange.request.url ?? '/'),
    ns: exchange.query.get('ns') ?? undefined,
    bytes: exchange.sent,
    userAgent: exchange.header('user-agent'),
    user: exchange.user,
  };
}

/** `2026-01-31T12:00:00.000Z 10.5.0.2 - GET "/v2/a/manifests/1?ns=ghcr.io" 200 1234 3ms "containerd/2.1"`, without a line end. */
export function accessLogText(request: ServedRequest): string {
  const { time, client, user, method, path, status, bytes, ms, userAgent } = request;
  return [
    time,
    word(client),
    word(user),
    word(method),
    quote(path),
    status,
    bytes,
    `${Math.round(ms)}ms`,
    quote(userAgent ?? '-'),
  ].join(' ');
}

/** One JSON object, without a line end; absent values are left out, `ms` has three decimals. */
export function accessLogJson(request: ServedRequest): string {
  const entries = Object.entries(request).map(([name, value]) => [
    name,
    typeof value === 'string' ? cut(value) : value,
  ]);
  const printed = JSON.stringify({
    type: 'request',
    ...Object.fromEntries(entries),
    ms: Math.round(request.ms * 1000) / 1000,
  });
  return printed.replaceAll(unprintable, escaped);
}

/** A target may be a whole URL, with a user in it; parameters may carry what nobody should have put there. */
function withoutCredentials(target: string): string {
  return target
    .replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, '$1//***@')
    .replaceAll(
      /([?&](?:[^=&]*(?:token|password|passwd|secret|signature|credential|authorization|api[-_]?key)[^=&]*)=)[^&]*/gi,
      '$1***',
    );
}

// C0 and C1 controls, line separators, and the marks that turn the direction of what follows.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function quote(text: string): string {
  return JSON.stringify(cut(text)).replaceAll(unprintable, escaped);
}

/** A value that is one word by nature; `-` for none. */
function word(text: string | undefined): string {
  if (text === undefined || text === '') return '-';
  return /^[\x21\x23-\x7e]{1,64}$/.test(text) ? text : quote(text);
}
