/** The connections of a node: TLS settings and credentials of each step, and no others of this machine. */
import { AirgapError, isAirgapError } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import type { Credential, HttpClient, Leaving, ProxySettings, TlsSettings } from '../../http/client.ts';
import { isLoopback } from '../../http/hosts.ts';
import { openHttpClient } from '../../http/open.ts';
import type { PullStep } from '../../node/pull.ts';
import { type AddressLookup, isPrivateHost } from '../../store/registry/private-address.ts';
import { type NodeAnswer, type NodeRequest, type NodeTransport, OffSite } from '../../verify/as-node/transport.ts';

/** A node tries again for a long time; here an endpoint that stays silent is reported instead. */
const mostRetries = 2;

export interface NodeConnections extends NodeTransport {
  close(): Promise<void>;
}

export interface NodeConnectionSettings {
  /** PEM of authorities the whole node trusts. */
  readonly trustedRoots: readonly string[];
  /** As siteNamesOf() gives them. */
  readonly siteNames: ReadonlySet<string>;
  /** Default: the system's resolver. */
  readonly addressesOf?: AddressLookup | undefined;
  readonly proxy: ProxySettings;
  /** Requests at once per host. */
  readonly concurrency: number;
  readonly retries: number;
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly events: EventSink;
}

/** Credentials go to the host they are keyed by and to no other. */
export function openNodeConnections(settings: NodeConnectionSettings): NodeConnections {
  const clients = new Map<string, HttpClient>();
  const clientFor = (step: PullStep): HttpClient => {
    const key = JSON.stringify([new URL(step.base).origin, step.tls, step.auth]);
    const known = clients.get(key);
    if (known !== undefined) return known;
    const client = openClient(step, settings);
    clients.set(key, client);
    return client;
  };
  return {
    ask: async (request) => {
      const client = clientFor(request.step);
      const url = new URL(request.url);
      if (url.protocol !== 'http:' || request.step.tls === undefined) return await ask(client, request);
      // containerd tries HTTPS first where there are TLS settings for plain HTTP (core/remotes/docker/resolver.go, HTTPFallback).
      const secure = `https:${request.url.slice('http:'.length)}`;
      return await ask(client, { ...request, url: secure }).catch((error: unknown) => {
        if (!fallsBack(error, url)) throw error;
        return ask(client, request);
      });
    },
    close: async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}

/**
 * Whether plain HTTP is next: after an answer that is no TLS, and, where no port is written, of a host that cannot be reached. Never
 * after a certificate that is refused (the same file, isTLSError and isPortError).
 */
function fallsBack(error: unknown, { port }: URL): boolean {
  if (!isAirgapError(error) || error.status !== undefined) return false;
  const { code, message } = error;
  if (message.endsWith('does not speak TLS')) return true;
  const isSilent = code === 'ERR_TIMEOUT' || (code === 'ERR_UNREACHABLE' && !message.includes(': TLS with '));
  return port === '' && isSilent;
}

function openClient(step: PullStep, settings: NodeConnectionSettings): HttpClient {
  const { trustedRoots, proxy, concurrency, retries, idleTimeoutMs, signal, events } = settings;
  const { host, protocol, hostname } = new URL(step.base);
  const credential = credentialOf(step.auth);
  if (credential !== undefined && protocol === 'http:' && !isLoopback(hostname)) {
    const message = `credentials for ${step.host} cross plain HTTP, as the node sends them: anybody on the way can read them`;
    events({ type: 'notice', message, isWarning: true });
  }
  return openHttpClient({
    end: 'target',
    tls: tlsOf(step, trustedRoots),
    proxy,
    credentials: async (asked) => (asked === host ? credential : undefined),
    concurrency,
    retries: Math.min(retries, mostRetries),
    idleTimeoutMs,
    // Where the configuration says so; not where a host with TLS names a token service without.
    credentialsOverPlainHttp: protocol === 'http:',
    beforeLeaving: (leaving) => stayOnSite(leaving, settings),
    signal,
  });
}

/**
 * On site are the machines of `siteNames`, by any port, the one that sends, and private addresses. Throws what OffSite causes for every other host:
 * nodes behind the gap do not get there.
 */
async function stayOnSite({ from, to, why, action }: Leaving, settings: NodeConnectionSettings): Promise<void> {
  if (settings.siteNames.has(to.hostname) || new URL(`http://${from}`).hostname === to.hostname) return;
  if (await isPrivateHost(to.host, settings.addressesOf)) return;
  const state = why === 'redirect' ? `${from} redirects to ${to.host}` : `${from} wants a token of ${to.host}`;
  const message = `Cannot ${action}: ${state}, which is no endpoint and has no private address`;
  throw new AirgapError('ERR_DENIED', message, { host: to.host, cause: new OffSite(to.host, why) });
}

function tlsOf({ tls }: PullStep, trustedRoots: readonly string[]): TlsSettings {
  const authorities = [...trustedRoots, ...(tls?.ca === undefined ? [] : [tls.ca])];
  return {
    ca: authorities.length === 0 ? undefined : authorities.join('\n'),
    clientCertificate: tls?.clientCertificate,
    clientKey: tls?.clientKey,
    insecureSkipVerify: tls?.insecureSkipVerify,
  };
}

/** Nothing is sent for a user without a name. */
function credentialOf(auth: PullStep['auth']): Credential | undefined {
  if (auth === undefined || 'identityToken' in auth) return auth;
  return auth.username === '' ? undefined : auth;
}

async function ask(client: HttpClient, request: NodeRequest): Promise<NodeAnswer> {
  const url = new URL(request.url);
  const response = await client.send({
    method: request.method,
    url,
    headers: { accept: request.accept },
    scopes: [`repository:${request.repository}:pull`],
    kind: request.isBulk ? 'bulk' : 'small',
    action: request.action,
  });
  if (request.method === 'HEAD') await response.body.discard();
  const { headers } = response;
  const length = /^\d{1,15}$/.exec(headers['content-length'] ?? '')?.[0];
  return {
    status: response.status,
    digest: headers['docker-content-digest'],
    mediaType: headers['content-type'],
    size: length === undefined ? undefined : Number(length),
    redirectedTo: response.url.host === url.host ? undefined : response.url.host,
    body: request.method === 'HEAD' ? nothing() : response.body,
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
