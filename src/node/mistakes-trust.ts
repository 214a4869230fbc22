/** Mistakes in TLS settings and credentials: most of all, under which host they are written. */
import { defaultHost } from '../oci/host.ts';
import { quoteText } from '../oci/quote.ts';
import type { EndpointAuth } from '../talos/node-config.ts';
import type { Diagnosing, Diagnosis } from './diagnose.ts';
import { parseGoUrl } from './go-url.ts';
import { endpointHosts, nameOf } from './mistakes-mirrors.ts';

/** All mistakes of this file. */
export function credentialMistakes(diagnosing: Diagnosing): Diagnosis[] {
  const { config } = diagnosing;
  return [
    ...[...config.tls.keys()].flatMap((host) => [
      ...wildcard(host, { ...diagnosing, part: 'tls' }),
      ...misplaced(host, { ...diagnosing, part: 'tls' }),
      ...plainHttp(host, { ...diagnosing, part: 'tls' }),
      ...notPem(host, diagnosing),
    ]),
    ...[...config.auth].flatMap(([host, auth]) => [
      ...wildcard(host, { ...diagnosing, part: 'auth' }),
      ...misplaced(host, { ...diagnosing, part: 'auth' }),
      ...plainHttp(host, { ...diagnosing, part: 'auth' }),
      ...incomplete(host, { ...diagnosing, auth }),
    ]),
  ];
}

type Part = Diagnosing & { readonly part: 'tls' | 'auth' };

const called = { tls: 'TLS settings', auth: 'credentials' } as const;

function wildcard(host: string, { config, part }: Part): Diagnosis[] {
  if (host !== '*') return [];
  const message =
    part === 'tls'
      ? 'wildcard host TLS configuration is not supported: without a mirror of "*" containerd gets no mirrors at all, with one they are passed over'
      : 'credentials of "*" are never sent: they are looked up by the host of each endpoint';
  const hint = `write them under the host and port of each endpoint${example(config)}`;
  return [{ code: `wildcard-${part}`, severity: 'error', message, hint, origin: config.origins.get(`${part} *`) }];
}

function example(config: Diagnosing['config']): string {
  const host = config.mirrors.flatMap(endpointHosts)[0];
  return host === undefined ? '' : `, for example ${quoteText(host)}`;
}

/** Written under the registry that is mirrored, or under the endpoint's name without its port. */
function misplaced(host: string, { config, part }: Part): Diagnosis[] {
  const hosts = new Set(config.mirrors.flatMap(endpointHosts));
  if (host === '*' || hosts.has(host)) return [];
  const origin = config.origins.get(`${part} ${host}`);
  const near = [...hosts].find((one) => nameOf(one) === nameOf(host));
  if (near !== undefined) {
    const message = `${called[part]} of ${quoteText(host)} are not those of the endpoint ${quoteText(near)}: the port counts`;
    return [{ code: `${part}-host`, severity: 'error', message, hint: `write them under ${quoteText(near)}`, origin }];
  }
  const own = config.mirrors.find(({ registry }) => registry === host || defaultHost(registry) === host);
  const mirror = own ?? config.mirrors.find(({ registry }) => registry === '*');
  const [endpoint] = mirror === undefined ? [] : endpointHosts(mirror);
  if (mirror === undefined || endpoint === undefined) return [];
  // Where the registry itself is asked too, they may be meant for that.
  const isMeant = own !== undefined && !mirror.skipFallback && host === defaultHost(mirror.registry);
  const shadows = part === 'tls' && own === undefined;
  const effect = shadows
    ? `, and make containerd ask ${quoteText(host)} itself instead of the mirror of "*"`
    : `, not those of its mirror ${quoteText(endpoint)}`;
  const message = `${called[part]} of ${quoteText(host)} are those of the registry itself${effect}`;
  const hint = `write them under the endpoint's host and port, ${quoteText(endpoint)}`;
  return [
    {
      code: `${part}-by-upstream`,
      severity: isMeant || (!shadows && own === undefined) ? 'warning' : 'error',
      message,
      hint,
      origin,
    },
  ];
}

function plainHttp(host: string, { config, part }: Part): Diagnosis[] {
  const endpoint = config.mirrors
    .flatMap(({ endpoints }) => endpoints)
    .find(({ url }) => {
      const read = parseGoUrl(url);
      return !('refused' in read) && read.host === host && read.scheme === 'http';
    });
  if (endpoint === undefined) return [];
  const origin = config.origins.get(`${part} ${host}`);
  const secure = endpoint.url.replace(/^http:/i, 'https:');
  if (part === 'auth') {
    const message = `credentials of ${quoteText(host)} are sent unencrypted: its endpoint is ${quoteText(endpoint.url)}`;
    return [
      {
        code: 'credentials-over-http',
        severity: 'warning',
        message,
        hint: `serve it with TLS and write ${quoteText(secure)}`,
        origin,
      },
    ];
  }
  const message = `TLS config specified for non-HTTPS registry: Talos pulls nothing from ${quoteText(endpoint.url)}`;
  const hint = `write ${quoteText(secure)}, or take the TLS settings of ${quoteText(host)} out`;
  return [{ code: 'tls-on-http', severity: 'error', message, hint, origin }];
}

function notPem(host: string, { config }: Diagnosing): Diagnosis[] {
  const tls = config.tls.get(host);
  const origin = config.origins.get(`tls ${host}`);
  const parts = [
    ['the certificate authority', tls?.ca, 'CERTIFICATE'],
    ['the client certificate', tls?.clientCertificate, 'CERTIFICATE'],
    ['the client key', tls?.clientKey, 'KEY'],
  ] as const;
  return parts.flatMap(([what, text, block]): Diagnosis[] => {
    if (text === undefined || new RegExp(`-----BEGIN [A-Z ]*${block}-----`).test(text)) return [];
    const message = `${what} of ${quoteText(host)} is no PEM`;
    const hint = 'RegistryTLSConfig takes PEM as it is, machine.registries takes the same text in base64';
    return [{ code: 'not-pem', severity: 'error', message, hint, origin }];
  });
}

/** siderolabs/talos v1.13.9, internal/pkg/containers/image/resolver.go, PrepareAuth, and pkg/machinery/config/types/cri/registry_auth.go. */
function incomplete(host: string, { config, auth }: Diagnosing & { readonly auth: EndpointAuth }): Diagnosis[] {
  const origin = config.origins.get(`auth ${host}`);
  const forms = [auth.username ?? auth.password, auth.identityToken, auth.auth].filter((value) => (value ?? '') !== '');
  const isPair = Buffer.from(auth.auth ?? '', 'base64').includes(':');
  const state =
    forms.length === 0
      ? 'say nothing'
      : forms.length > 1
        ? 'are given in more than one form'
        : (auth.auth ?? '') !== '' && !isPair
          ? 'are no base64 of "USER:PASSWORD"'
          : undefined;
  if (state === undefined) return [];
  const hint = 'write username and password, or identityToken, or auth, and only one of them';
  return [
    { code: 'bad-credentials', severity: 'error', message: `credentials of ${quoteText(host)} ${state}`, hint, origin },
  ];
}
