/** The registry parts: mirrors, whom to trust for them, and who asks. */
import { AirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';
import { configKinds, documentsSince, settingForms, unsupported } from '../../talos/config-kinds.ts';
import type { EndpointAuth, EndpointTls } from '../../talos/node-config.ts';
import type { NodeMirror } from '../../talos/node-mirrors.ts';
import type { NodeSettings, TrustedRoot } from '../node-settings.ts';
import { documentOf, type Part, type Release, type Section } from './part.ts';

/** The mirrors, in one section or one document for each. */
export function mirrorPart(mirrors: readonly NodeMirror[], release: Release): Part {
  const { mirrors: form, skipFallback } = configKinds(release.version, release.form);
  const about = [
    skipFallback
      ? 'Images of these registries are asked for at these endpoints and nowhere else.'
      : 'These endpoints are asked first; containerd then tries the upstream registry (turning that off needs Talos v1.9).',
  ];
  if (form === 'documents') return { matter: 'registries', about, documents: mirrors.map(mirrorDocument) };
  const entries = mirrors.map((mirror): [string, unknown] => [mirror.registry, mirrorEntry(mirror)]);
  const value = new Map(entries);
  return { matter: 'registries', about, sections: [{ path: ['machine', 'registries', 'mirrors'], value }] };
}

function mirrorDocument(mirror: NodeMirror): Readonly<Record<string, unknown>> {
  return documentOf('RegistryMirrorConfig', {
    name: mirror.registry,
    endpoints: mirror.endpoints.map(({ url, overridePath }) => (overridePath ? { url, overridePath } : { url })),
    ...(mirror.skipFallback ? { skipFallback: true } : {}),
  });
}

function mirrorEntry(mirror: NodeMirror): unknown {
  return {
    endpoints: mirror.endpoints.map((endpoint) => endpoint.url),
    ...(mirror.endpoints.some((endpoint) => endpoint.overridePath) ? { overridePath: true } : {}),
    ...(mirror.skipFallback ? { skipFallback: true } : {}),
  };
}

/**
 * Trust by the endpoint's host and port, in both forms. Not TrustedRootsConfig, although it is older: a running containerd takes new
 * system roots only after a reboot (siderolabs/talos#10314, #14022), and it would be trusted for every other host as well.
 */
export function trustPart(tls: ReadonlyMap<string, EndpointTls>, release: Release): Part[] {
  const entries = sorted(tls).flatMap(([host, { ca, insecureSkipVerify }]): HostFields[] =>
    ca === undefined && insecureSkipVerify !== true
      ? []
      : [{ host, ca, ...(insecureSkipVerify === true ? { insecureSkipVerify: true } : {}) }],
  );
  const unverified = entries.some((entry) => entry.insecureSkipVerify === true);
  const about = [
    unverified
      ? 'How the endpoints show who they are. insecureSkipVerify: nobody checks, so anyone in between can answer.'
      : 'Who vouches for the endpoints with https: trusted for these hosts alone.',
  ];
  return hostParts(entries, { about, release, kind: 'RegistryTLSConfig', below: 'tls' });
}

/** Certificate and key a node shows to an endpoint. Holds a secret. */
export function clientPart(tls: ReadonlyMap<string, EndpointTls>, release: Release): Part[] {
  const entries = sorted(tls).flatMap(([host, { clientCertificate, clientKey }]): HostFields[] =>
    clientCertificate === undefined || clientKey === undefined ? [] : [{ host, clientCertificate, clientKey }],
  );
  const about = ['The certificate the nodes show to these endpoints, with its key.'];
  return hostParts(entries, { about, release, kind: 'RegistryTLSConfig', below: 'tls' });
}

/** User and password, or a token, by the endpoint's host. Secret. */
export function authPart(auth: ReadonlyMap<string, EndpointAuth>, release: Release): Part[] {
  const entries = sorted(auth).map(([host, { username, password, auth: pair, identityToken }]) => ({
    host,
    credentials: { username, password, auth: pair, identityToken },
  }));
  const about = [
    'Who the nodes are to these endpoints. Changes of it need a reboot where the release is older than v1.12.',
  ];
  return hostParts(entries, { about, release, kind: 'RegistryAuthConfig', below: 'auth' });
}

/** For the whole system, from 1.8 on. Throws ERR_UNSUPPORTED before. */
export function trustedRootsPart(roots: readonly TrustedRoot[], release: Release): Part[] {
  if (roots.length === 0) return [];
  if (settingForms(release.version, release.form).trustedRoots === undefined)
    throw unsupported(release.version, 'trusted roots (TrustedRootsConfig)', documentsSince.TrustedRootsConfig);
  const documents = [...roots]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, certificates }) => documentOf('TrustedRootsConfig', { name, certificates }));
  const about = [
    'Certificate authorities for the whole node, for every host. A containerd that is running takes them after a reboot.',
  ];
  return [{ matter: 'registries', about, documents }];
}

/**
 * TLS by host with what `authority` adds: the authority of every endpoint with https that has none. Throws ERR_USAGE for `*`,
 * for a host no endpoint has, and for one that is asked with plain http: Talos refuses to pull then.
 */
export function checkedTls(
  mirrors: readonly NodeMirror[],
  given: { readonly settings: NodeSettings; readonly authority?: string | undefined },
): Map<string, EndpointTls> {
  const schemes = schemesByHost(mirrors);
  const tls = new Map(given.settings.tls);
  for (const host of tls.keys()) {
    checkHost(host, { schemes, what: 'TLS settings' });
    if (schemes.get(host)?.has('https') !== true) {
      throw new AirgapError(
        'ERR_USAGE',
        `Cannot write TLS settings for ${quoteText(host)}: nodes ask it with plain http`,
        {
          hint: `write the endpoint as https://${host}, or leave the TLS options away`,
        },
      );
    }
  }
  for (const [host, known] of schemes) {
    const own = tls.get(host);
    if (given.authority !== undefined && known.has('https') && own?.ca === undefined)
      tls.set(host, { ...own, ca: given.authority });
  }
  return tls;
}

/** Hosts whose credentials cross the network as they are. Throws ERR_USAGE as checkedTls(). */
export function plainCredentialHosts(mirrors: readonly NodeMirror[], settings: NodeSettings): string[] {
  const schemes = schemesByHost(mirrors);
  const hosts = [...(settings.auth?.keys() ?? [])];
  for (const host of hosts) checkHost(host, { schemes, what: 'credentials' });
  return hosts.filter((host) => schemes.get(host)?.has('http') === true).sort();
}

function checkHost(
  host: string,
  known: { readonly schemes: ReadonlyMap<string, ReadonlySet<string>>; readonly what: string },
): void {
  if (known.schemes.has(host)) return;
  const state = host === '*' ? 'they are for one host, never for all' : 'no endpoint has this host and port';
  throw new AirgapError('ERR_USAGE', `Cannot write ${known.what} for ${quoteText(host)}: ${state}`, {
    hint: `Talos looks them up by the endpoint, not by the image's registry: ${[...known.schemes.keys()].sort().join(', ')}`,
  });
}

function schemesByHost(mirrors: readonly NodeMirror[]): Map<string, Set<string>> {
  const schemes = new Map<string, Set<string>>();
  for (const { url } of mirrors.flatMap((mirror) => mirror.endpoints)) {
    const [, scheme = '', host = ''] = /^(https?):\/\/([^/?#]*)/i.exec(url) ?? [];
    schemes.set(host, new Set([...(schemes.get(host) ?? []), scheme.toLowerCase()]));
  }
  return schemes;
}

interface HostFields {
  readonly host: string;
  readonly ca?: string | undefined;
  readonly insecureSkipVerify?: true;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly credentials?: EndpointAuth;
}

function hostParts(
  entries: readonly HostFields[],
  how: {
    readonly about: readonly string[];
    readonly release: Release;
    readonly kind: 'RegistryTLSConfig' | 'RegistryAuthConfig';
    readonly below: 'tls' | 'auth';
  },
): Part[] {
  if (entries.length === 0) return [];
  const { about, release, kind, below } = how;
  if (configKinds(release.version, release.form).mirrors === 'documents') {
    const documents = entries.map((entry) => documentOf(kind, { name: entry.host, ...fieldsOf(entry, 'documents') }));
    return [{ matter: 'registries', about, documents }];
  }
  const sections = entries.map((entry): Section => {
    return { path: ['machine', 'registries', 'config', entry.host, below], value: fieldsOf(entry, 'v1alpha1') };
  });
  return [{ matter: 'registries', about, sections }];
}

/** Documents hold PEM as it is and call the certificate `cert`; v1alpha1 has base64 of it, and `crt`. */
function fieldsOf(entry: HostFields, form: 'documents' | 'v1alpha1'): Readonly<Record<string, unknown>> {
  const pem = (text: string): string => (form === 'documents' ? text : Buffer.from(text).toString('base64'));
  const { ca, insecureSkipVerify, clientCertificate, clientKey, credentials } = entry;
  const identity =
    clientCertificate === undefined || clientKey === undefined
      ? {}
      : { clientIdentity: { [form === 'documents' ? 'cert' : 'crt']: pem(clientCertificate), key: pem(clientKey) } };
  return {
    ...identity,
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(insecureSkipVerify === undefined ? {} : { insecureSkipVerify }),
    ...Object.fromEntries(Object.entries(credentials ?? {}).filter(([, value]) => value !== undefined)),
  };
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}
