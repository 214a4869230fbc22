/** Where one endpoint of a mirror leads: the path rules of Talos and of containerd, release by release. */
import { defaultHost } from '../oci/host.ts';
import type { Reference } from '../oci/reference.ts';
import { configKinds } from '../talos/config-kinds.ts';
import type { EndpointTls, NodeConfig } from '../talos/node-config.ts';
import type { NodeEndpoint } from '../talos/node-mirrors.ts';
import { isSince, type TalosVersion } from '../talos/version.ts';
import { basePath, cleanPath, escapedPath, parseGoUrl } from './go-url.ts';
import type { Puller, PullStep, StepAuth } from './pull.ts';

/** Which node asks, and which part of it. */
export interface Asking {
  readonly version: TalosVersion;
  readonly puller: Puller;
}

/** A step, and why it was taken so. */
export interface Resolved {
  readonly step: PullStep;
  readonly reasons: readonly string[];
  /** The whole pull ends here: Talos gives up before it asks anybody. */
  readonly isFatal: boolean;
}

/**
 * The step for an endpoint. Talos: internal/pkg/containers/image/resolver.go (v1.13.9; before v1.4, siderolabs/talos#6577);
 * containerd: core/remotes/docker/config/hosts.go, parseHostConfig (v2.2.1).
 */
export function stepFor(
  endpoint: NodeEndpoint,
  pull: { config: NodeConfig; image: Reference; node: Asking },
): Resolved {
  const { config, image, node } = pull;
  const override = overridesPath(endpoint, node);
  const assumed = node.puller === 'cri' && !endpoint.url.startsWith('http') ? `https://${endpoint.url}` : endpoint.url;
  const url = parseGoUrl(assumed);
  const reasons = assumed === endpoint.url ? [] : ['no scheme: containerd puts "https://" before it'];
  if ('refused' in url) {
    const problem = `Talos cannot read the endpoint: ${url.refused}`;
    return { step: blankStep(endpoint.url, problem), reasons, isFatal: true };
  }
  const path = requestPath(url.path, { override, node });
  // Talos looks up settings by the host it reads, and reads none where there is no scheme.
  const written = parseGoUrl(endpoint.url);
  const tlsHost = 'refused' in written ? '' : written.host;
  const tls = config.tls.get(tlsHost);
  const auth = authFor(config, { host: url.host, node });
  const step: PullStep = {
    endpoint: endpoint.url,
    base: `${url.scheme}://${url.host}${escapedPath(basePath(path.path))}`,
    host: url.host,
    isUpstream: url.host === defaultHost(image.registry) || url.host === image.registry,
    ns: isProxy(image.registry, url.host) ? image.registry : undefined,
    tls,
    auth: auth?.used,
    problem: problemOf(url),
  };
  reasons.push(...path.reasons, ...tlsReasons(tlsHost, { tls, node, scheme: url.scheme }), ...(auth?.reasons ?? []));
  if (node.puller === 'talos' && tls !== undefined && url.scheme !== 'https') {
    const problem = `TLS config specified for non-HTTPS registry: ${JSON.stringify(url.host)}`;
    return { step: { ...step, problem }, reasons, isFatal: true };
  }
  return { step, reasons, isFatal: false };
}

/** It says so, and the release knows what that means. */
export function overridesPath(endpoint: NodeEndpoint, node: Pick<Asking, 'version'>): boolean {
  return endpoint.overridePath && configKinds(node.version).overridePath !== 'none';
}

/** The registry itself. containerd asks registries of this machine with HTTPS and then with plain HTTP, unless their port is 443 or none. */
export function upstreamStep(pull: { config: NodeConfig; image: Reference; node: Asking }): Resolved {
  const host = defaultHost(pull.image.registry);
  const plain = pull.node.puller === 'cri' && isLocal(host) && !/^(?:[^:]*|\[[^\]]*\])(?::443)?$/.test(host);
  const url = `${plain ? 'http' : 'https'}://${host}`;
  const resolved = stepFor({ url, overridePath: false }, pull);
  return { ...resolved, step: { ...resolved.step, isUpstream: true, ns: undefined }, reasons: [] };
}

/** `?ns=` is sent to any other host than the registry's own (containerd v2.2.1, core/remotes/docker/registry.go, isProxy). */
function isProxy(registry: string, host: string): boolean {
  return registry !== host && defaultHost(registry) !== host;
}

function isLocal(host: string): boolean {
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?$/.test(host);
}

function requestPath(
  path: string,
  rule: { readonly override: boolean; readonly node: Asking },
): { readonly path: string; readonly reasons: string[] } {
  const { override, node } = rule;
  const before14 = node.puller === 'talos' && !isSince(node.version, '1.4.0');
  if (path === '') {
    return override
      ? { path: '', reasons: ['overridePath: no /v2 is put after an endpoint without a path'] }
      : { path: '/v2', reasons: ['no path: /v2'] };
  }
  if (before14) return { path, reasons: ['before Talos 1.4 a path is taken as written for what Talos itself pulls'] };
  const clean = cleanPath(path);
  if (override) return { path: clean, reasons: [`overridePath: the path ${clean} is taken as written`] };
  if (clean.endsWith('/v2')) return { path: clean, reasons: [`the path ${clean} ends with /v2: taken as written`] };
  return { path: `${clean}/v2`, reasons: [`no overridePath: /v2 is put after the path ${clean}`] };
}

function problemOf(url: { readonly scheme: string; readonly host: string }): string | undefined {
  if (url.scheme === '') return 'missing protocol scheme';
  if (url.scheme !== 'http' && url.scheme !== 'https')
    return `unsupported protocol scheme ${JSON.stringify(url.scheme)}`;
  return url.host === '' ? 'no host in request URL' : undefined;
}

function tlsReasons(
  host: string,
  { tls, node, scheme }: { tls: EndpointTls | undefined; node: Asking; scheme: string },
): string[] {
  if (tls === undefined) return [];
  const settings = [
    ...(tls.ca === undefined ? [] : ['certificate authority']),
    ...(tls.clientCertificate === undefined ? [] : ['client certificate']),
    ...(tls.insecureSkipVerify === true ? ['no verification'] : []),
  ];
  const found = `TLS settings of ${host}: ${settings.length === 0 ? 'empty' : settings.join(', ')}`;
  if (scheme === 'https') return [found];
  return node.puller === 'cri' ? [found, 'TLS settings for plain HTTP: containerd tries HTTPS first'] : [found];
}

/**
 * The credentials that are used, in one form; where several are written, in this order (resolver.go, PrepareAuth). Talos looks them
 * up by the endpoint's host; for containerd it writes `docker.io` as `registry-1.docker.io`.
 */
function authFor(
  config: NodeConfig,
  { host, node }: { readonly host: string; readonly node: Asking },
): { readonly used: StepAuth | undefined; readonly reasons: string[] } | undefined {
  const key =
    node.puller === 'cri' && host === 'registry-1.docker.io' && config.auth.has('docker.io') ? 'docker.io' : host;
  const auth = config.auth.get(key);
  if (auth === undefined) return undefined;
  if (filled(auth.username)) {
    return { used: { username: auth.username, password: auth.password ?? '' }, reasons: [`user name of ${key}`] };
  }
  if (filled(auth.identityToken)) {
    return { used: { identityToken: auth.identityToken }, reasons: [`identity token of ${key}`] };
  }
  const [, username, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth.auth ?? '', 'base64').toString('utf8')) ?? [];
  if (username === undefined || password === undefined) {
    return { used: undefined, reasons: [`invalid auth config for ${key}: nothing can be sent`] };
  }
  return { used: { username, password: password.replace(/^\0+|(?<!\0)\0+$/g, '') }, reasons: [`user name of ${key}`] };
}

function filled(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function blankStep(endpoint: string, problem: string): PullStep {
  const nothing = { ns: undefined, tls: undefined, auth: undefined };
  return { endpoint, base: '', host: '', isUpstream: false, ...nothing, problem };
}
