/** One question over HTTP/1.1 on a connected socket: the head of the answer is all that is taken. */
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { parseChallenges, preferredChallenge } from '../http/challenge.ts';
import type { ProxyServer } from '../http/proxy.ts';
import { codeOf, type Limits, StepFailure, seconds, TimedOut, within } from './trail.ts';

export interface Asked {
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  /** As the `Host` header has it. */
  readonly host: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Head {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
}

/** Bytes came that are no HTTP: whoever answers speaks something else. */
export class NotHttp extends StepFailure {
  constructor(cause: unknown) {
    super('wrong answer', 'it does not answer in HTTP/1.1', { cause });
  }
}

/** Asks, and cuts the connection once the head of the answer is here. Throws StepFailure. */
export async function askHead(socket: Socket, asked: Asked, limits: Limits): Promise<Head> {
  const { method, path, host, headers } = asked;
  const head = { host, 'user-agent': 'airgap', accept: '*/*', connection: 'close', ...headers };
  return await explained(limits, () =>
    within<Head>(limits, ({ resolve, reject }) => {
      const sent = request({ method, path, headers: head, createConnection: () => socket });
      sent.on('response', (answer) => {
        answer.on('error', () => {});
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers });
      });
      sent.on('error', reject);
      sent.end();
      return () =>
        void sent
          .off('error', reject)
          .on('error', () => {})
          .destroy();
    }),
  );
}

async function explained<T>(limits: Limits, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (limits.signal.aborted) throw limits.signal.reason;
    const code = codeOf(error);
    if (error instanceof TimedOut)
      throw new StepFailure('blocked', `connected, and no answer within ${seconds(limits.timeoutMs)}`, { hint: later });
    if (code.startsWith('HPE_')) throw new NotHttp(error);
    if (code === 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')
      throw new StepFailure('wrong answer', 'it asks for a client certificate', {
        hint: 'give --client-cert',
        cause: error,
      });
    throw new StepFailure('blocked', 'connection cut before an answer came', { hint: later, cause: error });
  }
}

const later = 'a firewall that recognises the application lets a connection begin and ends it here';

/** Client preface and an empty SETTINGS frame (RFC 9113, 3.4); a server answers with settings of its own. Throws StepFailure. */
export async function greetHttp2(socket: Socket, limits: Limits): Promise<void> {
  await explained(limits, () =>
    within<void>(limits, ({ resolve, reject }) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed')));
      socket.on('data', () => resolve());
      socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', 'latin1'));
      return () => {};
    }),
  );
}

/** Opens a tunnel (RFC 9110, 9.3.6). Throws StepFailure with what the proxy said. */
export async function openTunnel(
  socket: Socket,
  { proxy, authority }: { readonly proxy: ProxyServer; readonly authority: string },
  limits: Limits,
): Promise<Socket> {
  const headers = {
    host: authority,
    'user-agent': 'airgap',
    ...(proxy.authorization !== undefined && { 'proxy-authorization': proxy.authorization }),
  };
  const { status, tunnel } = await explained(limits, () =>
    within<{ readonly status: number; readonly tunnel: Socket }>(limits, ({ resolve, reject }) => {
      const sent = request({ method: 'CONNECT', path: authority, headers, createConnection: () => socket });
      sent.on('connect', (answer, tunnel) => resolve({ status: answer.statusCode ?? 0, tunnel: tunnel as Socket }));
      sent.on('error', reject);
      sent.end();
      return (failed) => {
        sent.off('error', reject).on('error', () => {});
        if (failed) sent.destroy();
      };
    }),
  );
  if (status >= 200 && status < 300) return tunnel;
  tunnel.on('error', () => {}).destroy();
  throw proxyRefusal(status, proxy.url.host);
}

/** The proxy said no, in HTTP. */
export class ProxyRefused extends StepFailure {}

/** What a status of the proxy itself means. */
export function proxyRefusal(status: number, proxyHost: string): ProxyRefused {
  const state = `proxy ${proxyHost} answered ${status}`;
  if (status === 407) {
    return new ProxyRefused('blocked', `${state}: it asks for a user name and password`, {
      hint: 'put them into the URL of the proxy (HTTPS_PROXY)',
    });
  }
  if (status >= 500)
    return new ProxyRefused('blocked', `${state}: it does not reach it`, {
      hint: 'what the proxy itself may reach has to be opened',
    });
  return new ProxyRefused('blocked', `${state}: it refuses`, { hint: 'have the proxy allow it' });
}

/** What the answer of a registry to `/v2/` shows. */
export interface RegistryAnswer {
  readonly state: string;
  readonly notes: readonly string[];
  readonly realm: URL | undefined;
}

/**
 * `/v2/` of a registry says 200 or 401 (OCI distribution specification 1.1, "Determining Support"). 429 is a registry that counts
 * requests. Throws StepFailure `wrong answer` for everything else, for a page, and for a 401 that does not say how to log in.
 */
export function readRegistryAnswer({ status, headers }: Head): RegistryAnswer {
  const isPage = /^\s*text\/html\b/i.test(headers['content-type'] ?? '');
  const challenges = parseChallenges(headers['www-authenticate'] ?? '');
  if (status === 401 && challenges.length > 0) {
    const realm = preferredChallenge(challenges)?.parameters.get('realm');
    const url = realm !== undefined && URL.canParse(realm) ? new URL(realm) : undefined;
    const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
    return { state: 'answers 401', notes: [], realm: isWeb && isShort(url) ? url : undefined };
  }
  if (status === 429)
    return { state: 'answers 429', notes: ['it counts requests and takes no more now'], realm: undefined };
  if (status === 200 && !isPage) return { state: 'answers 200', notes: [], realm: undefined };
  throw new StepFailure(
    'wrong answer',
    `answers ${status} to /v2/${whereTo(headers)}${isPage ? ' with a page (text/html)' : ''}`,
    {
      hint: 'no registry answers like this: a page of a firewall or proxy does, and so does another host',
    },
  );
}

/** No host has a longer name (RFC 1035, 2.3.4). */
function isShort({ hostname }: URL): boolean {
  return hostname.length <= 255;
}

function whereTo({ location }: IncomingMessage['headers']): string {
  if (location === undefined) return '';
  const url = URL.canParse(location) ? new URL(location) : undefined;
  const host = url !== undefined && isShort(url) ? url.host : '';
  return host === '' ? ' with a redirect' : ` with a redirect to ${host}`;
}
