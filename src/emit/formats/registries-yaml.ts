/** `k3s` and `rke2`: `registries.yaml`, from which both write the hosts.toml files of their own containerd. */
import { Document } from 'yaml';
import type { EndpointAuth, EndpointTls } from '../../talos/node-config.ts';
import { endpointBase, type NodeEndpoint, type NodeMirror } from '../../talos/node-mirrors.ts';
import type { EmittedFile } from '../emitted.ts';
import { endpointHost, fileStem, hasContent, withLineEnd } from '../endpoint.ts';
import { type FormatInput, type FormatOutput, formatOutput } from './format.ts';
import { leftOut } from './left-out.ts';

/** One of the two distributions. */
export interface Distribution {
  readonly name: 'k3s' | 'rke2';
  /** First releases that turn the fallback off and take a path of an endpoint as written (docs of both, "Private Registry Configuration"). */
  readonly since: string;
}

/** K3s (docs.k3s.io, installation/private-registry). */
export const k3s: Distribution = {
  name: 'k3s',
  since: 'v1.26.13+k3s1, v1.27.10+k3s1, v1.28.6+k3s1, v1.29.1+k3s1',
};

/** RKE2 (docs.rke2.io, install/private_registry). */
export const rke2: Distribution = {
  name: 'rke2',
  since: 'v1.26.13+rke2r1, v1.27.10+rke2r1, v1.28.6+rke2r1, v1.29.1+rke2r1',
};

interface MirrorEntry {
  readonly endpoint: readonly string[];
  readonly rewrite?: Readonly<Record<string, string>>;
}

/**
 * `registries.yaml`, `config.yaml.d/airgap.yaml` with the fallback turned off, and certificates, to be copied to
 * `/etc/rancher/NAME`. A prefix that all endpoints of a registry share becomes a rewrite rule; endpoints with different ones keep
 * their paths, which the distribution takes as written (k3s-io/k3s, pkg/agent/containerd/config.go). With credentials,
 * `secrets` holds the whole of registries.yaml under another name, as only one such file is read.
 */
export function registriesYaml(input: FormatInput, distribution: Distribution): FormatOutput {
  const { name } = distribution;
  const mirrors = input.mirrors.filter((mirror) => mirror.endpoints.length > 0);
  const entries = Object.fromEntries(mirrors.map((mirror) => [mirror.registry, mirrorEntry(mirror)]));
  const tls = [...(input.settings.tls ?? [])].filter(([, settings]) => hasContent(settings)).sort(byHost);
  const auth = [...(input.settings.auth ?? [])].sort(byHost);
  const configs = (withAuth: boolean) => hostConfigs({ tls, auth: withAuth ? auth : [], folder: filesFolder(name) });
  const text = (withAuth: boolean) => print(registriesHeader(distribution, withAuth), entries, configs(withAuth));
  const withoutFallback = mirrors.some((mirror) => mirror.skipFallback);
  return formatOutput({
    files: [
      { path: 'registries.yaml', text: text(false) },
      ...(withoutFallback ? [{ path: 'config.yaml.d/airgap.yaml', text: fallbackConfig(distribution) }] : []),
      ...tls.flatMap(([host, settings]) => certificates(host, settings)),
    ],
    secrets: [
      ...(auth.length === 0 ? [] : [{ path: 'registries.secret.yaml', text: text(true) }]),
      ...tls.flatMap(([host, settings]) => clientKey(host, settings)),
    ],
    warnings: warningsOf({ mirrors, input, name, auth }),
  });
}

function byHost(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function filesFolder(name: string): string {
  return `/etc/rancher/${name}/airgap`;
}

function mirrorEntry(mirror: NodeMirror): MirrorEntry {
  const places = mirror.endpoints.map(placeOf);
  const [first] = places;
  const shared =
    first !== undefined && places.every((place) => place.prefix === first.prefix) ? first.prefix : undefined;
  if (shared === undefined)
    return { endpoint: unique(mirror.endpoints.map((endpoint) => `${endpointBase(endpoint)}/`)) };
  const endpoint = unique(places.map((place) => place.origin));
  return shared === '' ? { endpoint } : { endpoint, rewrite: { '^(.*)$': `${shared.replaceAll('$', '$$$$')}/$1` } };
}

/** An endpoint named twice was once written as one table named twice, which containerd cannot read (k3s-io/k3s#9693). */
function unique(urls: readonly string[]): string[] {
  return [...new Set(urls)];
}

interface Place {
  readonly origin: string;
  readonly path: string;
  /** Stands between `/v2/` and the repository; undefined: the repositories are not below `/v2`. */
  readonly prefix: string | undefined;
}

function placeOf(endpoint: NodeEndpoint): Place {
  const base = endpointBase(endpoint);
  const [, origin = base, path = ''] = /^([a-z]+:\/\/[^/]*)(.*)$/i.exec(base) ?? [];
  const prefix = path === '/v2' ? '' : path.startsWith('/v2/') ? path.slice('/v2/'.length) : undefined;
  return { origin, path, prefix };
}

function hostConfigs(parts: {
  readonly tls: readonly (readonly [string, EndpointTls])[];
  readonly auth: readonly (readonly [string, EndpointAuth])[];
  readonly folder: string;
}): Record<string, object> {
  const tls = new Map(parts.tls);
  const auth = new Map(parts.auth);
  const hosts = [...new Set([...tls.keys(), ...auth.keys()])].sort();
  return Object.fromEntries(
    hosts.map((host) => {
      const settings = tls.get(host);
      const credentials = auth.get(host);
      return [
        host,
        {
          ...(credentials === undefined ? {} : { auth: authConfig(credentials) }),
          ...(settings === undefined ? {} : { tls: tlsConfig(`${parts.folder}/${fileStem(host)}`, settings) }),
        },
      ];
    }),
  );
}

/** Keys of rancher/wharfie, pkg/registries. */
function authConfig(settings: EndpointAuth): object {
  const { username, password, auth, identityToken } = settings;
  return known({ username, password, auth, identity_token: identityToken });
}

function tlsConfig(start: string, settings: EndpointTls): object {
  return known({
    ca_file: settings.ca === undefined ? undefined : `${start}-ca.crt`,
    cert_file: settings.clientCertificate === undefined ? undefined : `${start}-client.crt`,
    key_file: settings.clientCertificate === undefined ? undefined : `${start}-client.key`,
    insecure_skip_verify: settings.insecureSkipVerify === true ? true : undefined,
  });
}

function known(values: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function certificates(host: string, settings: EndpointTls): EmittedFile[] {
  const at = (end: string, text: string | undefined): EmittedFile[] =>
    text === undefined ? [] : [{ path: `airgap/${fileStem(host)}-${end}`, text: withLineEnd(text) }];
  return [...at('ca.crt', settings.ca), ...at('client.crt', settings.clientCertificate)];
}

function clientKey(host: string, settings: EndpointTls): EmittedFile[] {
  if (settings.clientCertificate === undefined) return [];
  return [{ path: `airgap/${fileStem(host)}-client.key`, text: withLineEnd(settings.clientKey ?? '') }];
}

function registriesHeader({ name, since }: Distribution, secret: boolean): string[] {
  return [
    `# Registry mirrors for ${name} ${since} and newer, written by airgap.`,
    secret
      ? `# With credentials. To be kept as /etc/rancher/${name}/registries.yaml, mode 0600, on every node; in place of the one without.`
      : `# To be kept as /etc/rancher/${name}/registries.yaml on every node, servers too; then restart ${name}.`,
  ];
}

function fallbackConfig({ name, since }: Distribution): string {
  return [
    `# Registries of registries.yaml are not asked themselves. For ${name} ${since} and newer, written by airgap.`,
    `# To be kept as /etc/rancher/${name}/config.yaml.d/airgap.yaml on every node, or given as --disable-default-registry-endpoint.`,
    'disable-default-registry-endpoint: true',
    '',
  ].join('\n');
}

/** Quoted as YAML 1.1 needs it, which both read: `on` and `12:30` are no text there. */
function print(header: readonly string[], mirrors: object, configs: object): string {
  const content = Object.keys(configs).length === 0 ? { mirrors } : { mirrors, configs };
  return `${header.join('\n')}\n${new Document(content, { version: '1.1' }).toString({ lineWidth: 0 })}`;
}

function warningsOf(parts: {
  readonly mirrors: readonly NodeMirror[];
  readonly input: FormatInput;
  readonly name: string;
  readonly auth: readonly (readonly [string, EndpointAuth])[];
}): (string | undefined)[] {
  const { mirrors, input, name } = parts;
  const missing = leftOut(input.settings, ['tls', 'auth']);
  const hosts = [...(input.settings.tls?.keys() ?? []), ...parts.auth.map(([host]) => host)];
  return [
    ...mirrors.flatMap((mirror) => mirrorWarnings(mirror, mirrors, name)),
    ...mirrors.filter(({ registry }) => hosts.includes(registry)).map(ownConfigWarning),
    parts.auth.length > 0
      ? `registries.yaml of ${name} has no credentials: use registries.secret.yaml in its place`
      : undefined,
    missing && `registries.yaml of ${name} has no words for ${missing}: set them in the way of that system`,
  ];
}

function mirrorWarnings(mirror: NodeMirror, all: readonly NodeMirror[], name: string): (string | undefined)[] {
  const { registry, endpoints } = mirror;
  const mixed = all.some((other) => other.skipFallback) && !mirror.skipFallback;
  const bare = endpoints.some((endpoint) => placeOf(endpoint).path === '');
  return [
    mixed ? `${name} turns the fallback off for all registries or none: ${registry} loses it too` : undefined,
    !mixed && !mirror.skipFallback ? `${name} asks upstream after the mirrors of ${registry}` : undefined,
    bare ? `${name} puts /v2 after an endpoint without a path: ${registry} is asked there` : undefined,
    endpoints.some(({ url }) => endpointHost(url).startsWith('['))
      ? `${name} with containerd 1 cannot read the IPv6 address of an endpoint of ${registry}: use a host name, or a release with containerd 2`
      : undefined,
  ];
}

/** The default endpoint stays where a registry has settings of its own (k3s-io/k3s, pkg/agent/containerd/config.go). */
function ownConfigWarning(mirror: NodeMirror): string {
  return `${mirror.registry} is asked upstream too, in spite of disable-default-registry-endpoint: it has TLS settings or credentials of its own`;
}
