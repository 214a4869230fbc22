/** Which request is for whom: the endpoints, and who may ask. */
import { parseRoute, type Route, type WireErrorCode } from '../oci/distribution.ts';
import type { Exchange, RequestKind } from './exchange.ts';
import { quoted } from './finder.ts';
import { longestTarget } from './limits.ts';
import { type Metrics, metricsContentType } from './metrics.ts';
import { parseWireName, type WireName } from './names.ts';
import type { ServeOptions } from './options.ts';
import { type Library, listCatalog, listReferrers, listTags, readBlob, readManifest } from './reading.ts';
import { type Answer, notAllowed, Refusal, refusals } from './refusal.ts';
import type { Workshop } from './writing.ts';
import { type NamedRoute, write } from './writing-routes.ts';

const kinds: Readonly<Record<Route['kind'], RequestKind>> = {
  base: 'base',
  catalog: 'catalog',
  manifest: 'manifest',
  blob: 'blob',
  uploads: 'upload',
  upload: 'upload',
  tags: 'tags',
  referrers: 'referrers',
  invalid: 'other',
  unknown: 'other',
};

/** What every request is answered from. */
export interface Service {
  readonly workshop: Workshop;
  readonly options: ServeOptions;
  readonly metrics: Metrics;
}

/** Methods of what can only be read, for `Allow`. */
const reads = 'GET, HEAD';

/** Answers one request. Throws a refusal, or what the store throws. */
export async function dispatch(exchange: Exchange, service: Service): Promise<void> {
  const { workshop, options } = service;
  const isRead = exchange.method === 'GET' || exchange.method === 'HEAD';
  if ((exchange.request.url?.length ?? 0) > longestTarget)
    throw new Refusal(refusals.targetTooLong, 'the path is too long');
  if (exchange.path === '/healthz') {
    exchange.kind = 'healthz';
    if (!isRead) throw notAllowed(exchange.method, reads);
    return exchange.send(200, { 'content-type': 'text/plain' }, 'ok\n');
  }
  const route = parseRoute(exchange.path);
  exchange.kind = kinds[route.kind];
  // Asking how far an upload is ends the request that was writing it: that is for who may write.
  await checkAccess(exchange, isRead && exchange.kind !== 'upload', options);
  if (route.kind === 'unknown') return besides(exchange, service, isRead);
  if (route.kind === 'invalid') throw new Refusal(answerFor(route.code), route.message);
  if (route.kind === 'base' || route.kind === 'catalog') {
    if (!isRead) throw notAllowed(exchange.method, reads);
    return route.kind === 'base' ? exchange.json(200, {}) : listCatalog(exchange, workshop);
  }
  const wire = parseWireName(route.repository, exchange.query.get('ns'));
  if (wire === undefined) {
    throw new Refusal(refusals.nameInvalid, `no repository can have the name ${quoted(route.repository)}`);
  }
  const handled = isRead ? read(exchange, workshop, { route, wire }) : undefined;
  const pending = handled ?? (options.writable === true ? write(exchange, workshop, { route, wire }) : undefined);
  if (pending === undefined) throw notAllowed(exchange.method, reads);
  await pending;
}

/** What is no part of the distribution API. */
function besides(exchange: Exchange, service: Service, isRead: boolean): Promise<void> | void {
  const { options, metrics, workshop } = service;
  if (exchange.path === '/' && isRead && options.page !== undefined) {
    exchange.kind = 'page';
    return options.page(exchange, workshop);
  }
  if (exchange.path === '/metrics' && options.metrics !== false) {
    exchange.kind = 'metrics';
    if (!isRead) throw notAllowed(exchange.method, reads);
    return exchange.send(200, { 'content-type': metricsContentType, 'cache-control': 'no-store' }, metrics.text());
  }
  throw new Refusal(refusals.notFound, `no such endpoint: ${quoted(exchange.path)}`);
}

/** Throws a refusal with a challenge for who may not ask. */
async function checkAccess(exchange: Exchange, isRead: boolean, { access }: ServeOptions): Promise<void> {
  if (access === undefined) return;
  const authorization = exchange.header('authorization');
  if (!(await access.allows({ authorization, isWrite: !isRead, path: exchange.path }))) {
    throw new Refusal(refusals.unauthorized, 'a user name and a password are needed', {
      headers: { 'www-authenticate': 'Basic realm="airgap", charset="UTF-8"' },
    });
  }
  exchange.user = nameIn(authorization);
}

/** The user name of a Basic header (RFC 7617). */
function nameIn(authorization: string | undefined): string | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(authorization?.trim() ?? '')?.[1];
  const name = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8').split(':', 1)[0];
  return name === '' ? undefined : name;
}

function answerFor(code: WireErrorCode): Answer {
  return { code, status: code === 'MANIFEST_UNKNOWN' || code === 'BLOB_UPLOAD_UNKNOWN' ? 404 : 400 };
}

function read(
  exchange: Exchange,
  library: Library,
  asked: { route: NamedRoute; wire: WireName },
): Promise<void> | undefined {
  const { route, wire } = asked;
  if (route.kind === 'manifest') return readManifest(exchange, library, { wire, reference: route.reference });
  if (route.kind === 'blob') return readBlob(exchange, library, { wire, digest: route.digest });
  if (route.kind === 'tags') return listTags(exchange, library, wire);
  if (route.kind === 'referrers') return listReferrers(exchange, library, { wire, digest: route.digest });
  return undefined;
}
