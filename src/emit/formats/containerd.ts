/** `containerd`: a hosts.toml tree for nodes that run containerd by itself, the same for 1.6, 1.7 and 2.x. */
import { defaultHost } from '../../oci/host.ts';
import type { EndpointAuth, EndpointTls } from '../../talos/node-config.ts';
import type { NodeEndpoint, NodeMirror } from '../../talos/node-mirrors.ts';
import type { EmittedFile } from '../emitted.ts';
import { endpointHost, fileStem, hasContent, withLineEnd } from '../endpoint.ts';
import { hostDirectory } from '../hosts-toml.ts';
import { quoteToml } from '../toml.ts';
import { type FormatInput, type FormatOutput, formatOutput } from './format.ts';
import { leftOut } from './left-out.ts';

const tree = 'certs.d';

/**
 * `certs.d`, to be copied to `/etc/containerd/certs.d`. Paths of certificates are relative to their hosts.toml.
 * Without fallback the last endpoint is the `server`, and an empty `[host]` table stands where no other endpoint is left:
 * 1.6 and 1.7 pass over a file without one, 2.x reads both alike (containerd v1.6.20 and v2.1.4,
 * remotes/docker/config/hosts.go). Credentials go into `secrets`, as parts of config.toml.
 */
export function containerdHosts(input: FormatInput): FormatOutput {
  const tls = input.settings.tls ?? new Map<string, EndpointTls>();
  const mirrors = input.mirrors.filter((mirror) => mirror.endpoints.length > 0).map(withoutDuplicates);
  const taken = new Set(mirrors.map((mirror) => hostDirectory(mirror.registry)));
  const direct = [...tls].filter(([host, settings]) => hasContent(settings) && !taken.has(hostDirectory(host)));
  const missing = leftOut(input.settings, ['tls', 'auth']);
  return formatOutput({
    files: [
      { path: 'README.txt', text: readme },
      ...mirrors.flatMap((mirror) => mirrorFiles(mirror, tls)),
      ...direct.flatMap(([host, settings]) => directFiles(host, settings)),
    ],
    secrets: [...clientKeys(mirrors, tls), ...direct.flatMap(([host, t]) => keyFile(host, host, t)), ...auth(input)],
    warnings: [
      ...mirrors.map(fallbackWarning),
      ...mirrors.map(ipv6Warning),
      missing && `hosts.toml of containerd has no words for ${missing}: set them in the way of that system`,
    ],
  });
}

const readme = `Registry mirrors for containerd 1.6, 1.7 and 2.x, written by airgap.

1. Copy certs.d to /etc/containerd/certs.d on every node (files with a private key: mode 0600).
2. Point containerd at it in /etc/containerd/config.toml, and restart it once; later changes need no restart:

   containerd 1.6, 1.7 (version = 2)
     [plugins."io.containerd.grpc.v1.cri".registry]
       config_path = "/etc/containerd/certs.d"

   containerd 2.x (version = 3)
     [plugins."io.containerd.cri.v1.images".registry]
       config_path = "/etc/containerd/certs.d"

   The older keys registry.mirrors and registry.configs.*.tls must be gone: containerd does not start with both.
3. Try it:  crictl pull registry.k8s.io/pause:3.10
   ctr asks no mirrors by itself:  ctr images pull --hosts-dir /etc/containerd/certs.d registry.k8s.io/pause:3.10

Credentials are not in hosts.toml. They go into registry.configs."HOST".auth of the same section, or into the
imagePullSecrets of the cluster. A registry without a directory here is asked directly, unless there is a _default.
`;

/** What hosts.toml of this format is for, in its first line. */
const header = '# containerd 1.6, 1.7 and 2.x; written by airgap. config_path has to name the folder above this one.';

function mirrorFiles(mirror: NodeMirror, tls: ReadonlyMap<string, EndpointTls>): EmittedFile[] {
  const directory = hostDirectory(mirror.registry);
  const server = mirror.skipFallback ? mirror.endpoints.at(-1) : undefined;
  const hosts = server === undefined ? mirror.endpoints : mirror.endpoints.slice(0, -1);
  const root = server === undefined ? [] : [`server = ${quoteToml(server.url)}`, ...entryLines(server, tls)];
  const tables = hosts.flatMap((host) => [
    `  [host.${quoteToml(host.url)}]`,
    ...entryLines(host, tls).map((line) => `    ${line}`),
  ]);
  const certificates = mirror.endpoints.flatMap(({ url }) => {
    const host = endpointHost(url);
    return certificateFiles(directory, host, tls.get(host));
  });
  return unique([hostsFile(directory, [...root, '[host]', ...tables]), ...certificates]);
}

function directFiles(host: string, settings: EndpointTls): EmittedFile[] {
  const directory = hostDirectory(host);
  const lines = [`server = ${quoteToml(`https://${defaultHost(host)}`)}`, ...tlsLines(host, settings), '[host]'];
  return [hostsFile(directory, lines), ...certificateFiles(directory, host, settings)];
}

function hostsFile(directory: string, lines: readonly string[]): EmittedFile {
  return { path: `${tree}/${directory}/hosts.toml`, text: `${[header, ...lines].join('\n')}\n` };
}

function entryLines(endpoint: NodeEndpoint, tls: ReadonlyMap<string, EndpointTls>): string[] {
  const host = endpointHost(endpoint.url);
  const override = endpoint.overridePath ? ['override_path = true'] : [];
  return ["capabilities = ['pull', 'resolve']", ...override, ...tlsLines(host, tls.get(host))];
}

function tlsLines(host: string, settings: EndpointTls | undefined): string[] {
  const name = (end: string) => quoteToml(`${fileStem(host)}-${end}`);
  return [
    ...(settings?.ca === undefined ? [] : [`ca = ${name('ca.crt')}`]),
    ...(settings?.clientCertificate === undefined ? [] : [`client = [[${name('client.crt')}, ${name('client.key')}]]`]),
    ...(settings?.insecureSkipVerify === true ? ['skip_verify = true'] : []),
  ];
}

function certificateFiles(directory: string, host: string, settings: EndpointTls | undefined): EmittedFile[] {
  const at = (end: string, text: string | undefined): EmittedFile[] =>
    text === undefined ? [] : [{ path: `${tree}/${directory}/${fileStem(host)}-${end}`, text: withLineEnd(text) }];
  return [...at('ca.crt', settings?.ca), ...at('client.crt', settings?.clientCertificate)];
}

function clientKeys(mirrors: readonly NodeMirror[], tls: ReadonlyMap<string, EndpointTls>): EmittedFile[] {
  const files = mirrors.flatMap((mirror) =>
    mirror.endpoints.flatMap(({ url }) => keyFile(mirror.registry, endpointHost(url), tls.get(endpointHost(url)))),
  );
  return unique(files);
}

function keyFile(registry: string, host: string, settings: EndpointTls | undefined): EmittedFile[] {
  if (settings?.clientCertificate === undefined) return [];
  const path = `${tree}/${hostDirectory(registry)}/${fileStem(host)}-client.key`;
  return [{ path, text: withLineEnd(settings.clientKey ?? '') }];
}

/** Credentials as the CRI plugin of each generation reads them; deprecated in both, without a replacement in hosts.toml. */
function auth(input: FormatInput): EmittedFile[] {
  const entries = [...(input.settings.auth ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return [];
  return [
    { name: 'auth-1.x.toml', of: '1.6 and 1.7 (version = 2)', plugin: 'io.containerd.grpc.v1.cri' },
    { name: 'auth-2.x.toml', of: '2.x (version = 3)', plugin: 'io.containerd.cri.v1.images' },
  ].map(({ name, of, plugin }) => {
    const comment = `# Credentials for containerd ${of}: add to /etc/containerd/config.toml, mode 0600, and restart containerd.`;
    const tables = entries.flatMap(([host, settings]) => [
      `[plugins."${plugin}".registry.configs.${quoteToml(defaultHost(host))}.auth]`,
      ...authLines(settings),
    ]);
    return { path: name, text: `${[comment, ...tables].join('\n')}\n` };
  });
}

function authLines(settings: EndpointAuth): string[] {
  const { username, password, auth: encoded, identityToken } = settings;
  const lines = Object.entries({ username, password, auth: encoded, identitytoken: identityToken });
  return lines.flatMap(([key, value]) => (value === undefined ? [] : [`  ${key} = ${quoteToml(value)}`]));
}

function fallbackWarning(mirror: NodeMirror): string | undefined {
  return mirror.skipFallback ? undefined : `nodes with containerd ask upstream after the mirrors of ${mirror.registry}`;
}

/** go-toml v1, which containerd 1.x reads with, has no brackets in names of tables (containerd/containerd#10055). */
function ipv6Warning(mirror: NodeMirror): string | undefined {
  const hosts = mirror.skipFallback ? mirror.endpoints.slice(0, -1) : mirror.endpoints;
  if (!hosts.some(({ url }) => endpointHost(url).startsWith('['))) return undefined;
  return `containerd 1.6 and 1.7 cannot read the IPv6 address of an endpoint of ${mirror.registry}: they need 2.x, or a host name`;
}

/** A table named twice is no TOML. */
function withoutDuplicates(mirror: NodeMirror): NodeMirror {
  const endpoints = new Map(mirror.endpoints.map((endpoint) => [endpoint.url, endpoint]));
  return { ...mirror, endpoints: [...endpoints.values()] };
}

function unique(files: readonly EmittedFile[]): EmittedFile[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}
