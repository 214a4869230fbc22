/** What containerd on a Talos node is told: the hosts.toml files Talos writes from its registry mirrors. */
import { configKinds } from '../talos/config-kinds.ts';
import type { NodeEndpoint, NodeMirror } from '../talos/node-mirrors.ts';
import type { TalosVersion } from '../talos/version.ts';
import type { EmittedFile } from './emitted.ts';

/**
 * One `DIRECTORY/hosts.toml` per mirror, sorted by path, as below `/etc/cri/conf.d/hosts` on a node. Without TLS keys,
 * which come from other parts of the configuration. After siderolabs/talos v1.13.9,
 * internal/pkg/containers/cri/containerd/hosts.go: `*` becomes `_default` (from 1.4 on), and without fallback the last
 * endpoint becomes the `server` (from 1.9 on). Releases before 1.4 differ in white space.
 * containerd 1.6 cannot read a file that has a `server` and no `[host]` table (it goes upstream); Talos 1.9 and later have 2.x.
 */
export function hostsToml(mirrors: readonly NodeMirror[], options: { readonly version: TalosVersion }): EmittedFile[] {
  const kinds = configKinds(options.version);
  const files = mirrors.map((mirror) => {
    const directory = mirror.registry === '*' && kinds.wildcard ? '_default' : hostDirectory(mirror.registry);
    const skipFallback = mirror.skipFallback && kinds.skipFallback;
    return { path: `${directory}/hosts.toml`, text: printHosts({ ...mirror, skipFallback }) };
  });
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `host:port` as `host_port_`; only the last colon counts. */
function hostDirectory(registry: string): string {
  const colon = registry.lastIndexOf(':');
  return colon > 0 ? `${registry.slice(0, colon)}_${registry.slice(colon + 1)}_` : registry;
}

function printHosts(mirror: NodeMirror): string {
  const server = mirror.skipFallback ? mirror.endpoints.at(-1) : undefined;
  const hosts = server === undefined ? mirror.endpoints : mirror.endpoints.slice(0, -1);
  const root = server === undefined ? [] : [`server = ${quote(server.url)}`, ...settings(server)];
  const tables = hosts.flatMap((host) => [
    `  [host.${quote(host.url)}]`,
    ...settings(host).map((line) => `    ${line}`),
  ]);
  const lines = [...root, ...(tables.length === 0 ? [] : ['[host]', ...tables])];
  return lines.map((line) => `${line}\n`).join('');
}

function settings(endpoint: NodeEndpoint): string[] {
  return ["capabilities = ['pull', 'resolve']", ...(endpoint.overridePath ? ['override_path = true'] : [])];
}

/** A literal string of TOML 1.0 where it can be one, else a basic one. */
function quote(text: string): string {
  return /^[\x20-\x26\x28-\x7e]*$/.test(text) ? `'${text}'` : JSON.stringify(text);
}
