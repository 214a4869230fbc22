/** What containerd on a Talos node is told: the files Talos writes from its registry mirrors and TLS settings. */
import { AirgapError } from '../errors.ts';
import { defaultHost } from '../oci/host.ts';
import { quoteText } from '../oci/quote.ts';
import { configKinds } from '../talos/config-kinds.ts';
import type { EndpointTls } from '../talos/node-config.ts';
import type { NodeEndpoint, NodeMirror } from '../talos/node-mirrors.ts';
import { isSince, type TalosVersion } from '../talos/version.ts';
import { byPath, type EmittedFile } from './emitted.ts';
import { endpointHost, hasContent, withLineEnd } from './endpoint.ts';
import { quoteToml } from './toml.ts';

export interface HostsTomlOptions {
  /** The release the nodes run. */
  readonly version: TalosVersion;
  /** By the `host[:port]` of an endpoint, or of a registry that is asked directly. */
  readonly tls?: ReadonlyMap<string, EndpointTls> | undefined;
  /** Where the tree stands, for the paths of certificates and keys inside the files. Default: `/etc/cri/conf.d/hosts`. */
  readonly folder?: string | undefined;
}

export interface HostsTree {
  /** Sorted by path. */
  readonly files: readonly EmittedFile[];
  /** Private keys of clients. Sorted by path. */
  readonly secrets: readonly EmittedFile[];
}

/** Where Talos keeps the tree. */
export const talosHostsFolder = '/etc/cri/conf.d/hosts';

/** hostsTree() in one list sorted by path, private keys included: for a place that is as secret as they are. */
export function hostsToml(mirrors: readonly NodeMirror[], options: HostsTomlOptions): EmittedFile[] {
  const tree = hostsTree(mirrors, options);
  return byPath([...tree.files, ...tree.secrets]);
}

/**
 * `DIRECTORY/hosts.toml` for each mirror, and for each host with TLS settings that is no mirrored registry, with the
 * certificates beside them; as below `/etc/cri/conf.d/hosts` on a node. After siderolabs/talos v1.13.9,
 * internal/pkg/containers/cri/containerd/hosts.go, and its earlier states: `*` becomes `_default` (from 1.4 on); without
 * fallback the last endpoint becomes the `server`, as does a host with nothing but TLS settings (from 1.9 on).
 * Releases before 1.4 differ in white space and quotes, and before 1.2 repeat `[host]` (siderolabs/talos#6158). Some from 1.4 to
 * 1.8 also write an entry without settings for a host that has credentials alone; it is left out, as it changes nothing.
 * containerd 1.6 cannot read a file that has a `server` and no `[host]` table (it goes upstream); Talos 1.9 and later have 2.x.
 * Throws ERR_INPUT_INVALID for a registry that is no name of a directory, ERR_UNSUPPORTED for TLS settings of `*`.
 */
export function hostsTree(mirrors: readonly NodeMirror[], options: HostsTomlOptions): HostsTree {
  const directories = new Map<string, EmittedFile[]>();
  const secrets: EmittedFile[] = [];
  const add = (registry: string, make: (writer: DirectoryWriter) => string): void => {
    const directory = directoryOf(registry, options.version);
    const writer = new DirectoryWriter(directory, options);
    const text = make(writer);
    directories.set(directory, [{ path: `${directory}/hosts.toml`, text }, ...writer.files]);
    secrets.push(...writer.secrets);
  };
  for (const mirror of mirrors) add(mirror.registry, (writer) => printMirror(mirror, writer, options.version));
  for (const [host, settings] of options.tls ?? []) {
    if (directories.has(directoryOf(host, options.version)) || !hasContent(settings)) continue;
    if (host === '*' && configKinds(options.version).wildcard) {
      throw new AirgapError(
        'ERR_UNSUPPORTED',
        'Cannot write TLS settings for "*": Talos takes them for single hosts only',
      );
    }
    add(host, (writer) => printDirect(host, writer, options.version));
  }
  return { files: byPath([...directories.values()].flat()), secrets: byPath(secrets) };
}

/**
 * The name of the directory containerd looks into: `host:port` is `host_port_` (only the last colon counts), `*` is `_default`.
 * Throws ERR_INPUT_INVALID for what is no name of a directory below another.
 */
export function hostDirectory(registry: string): string {
  if (registry === '*') return '_default';
  const colon = registry.lastIndexOf(':');
  const name = colon > 0 ? `${registry.slice(0, colon)}_${registry.slice(colon + 1)}_` : registry;
  if (!/[\\\0]/.test(name) && !name.split('/').some((part) => ['', '.', '..'].includes(part))) return name;
  throw new AirgapError('ERR_INPUT_INVALID', `Cannot write hosts.toml for ${quoteText(registry)}: it is no registry`);
}

function directoryOf(registry: string, version: TalosVersion): string {
  return registry === '*' && !configKinds(version).wildcard ? '*' : hostDirectory(registry);
}

/** Collects what the entries of one directory refer to. */
class DirectoryWriter {
  readonly #directory: string;
  readonly #options: HostsTomlOptions;
  readonly #files = new Map<string, EmittedFile>();
  readonly #secrets = new Map<string, EmittedFile>();

  constructor(directory: string, options: HostsTomlOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  get files(): EmittedFile[] {
    return [...this.#files.values()];
  }

  get secrets(): EmittedFile[] {
    return [...this.#secrets.values()];
  }

  /** The lines of a host's TLS settings. */
  tls(host: string): string[] {
    const settings = this.#options.tls?.get(host);
    if (settings === undefined) return [];
    const lines: string[] = [];
    if (settings.ca !== undefined) lines.push(`ca = ${this.#keep(this.#files, `${host}-ca.crt`, settings.ca)}`);
    if (settings.clientCertificate !== undefined) {
      const certificate = this.#keep(this.#files, `${host}-client.crt`, settings.clientCertificate);
      const key = this.#keep(this.#secrets, `${host}-client.key`, settings.clientKey ?? '');
      lines.push(`client = [[${certificate}, ${key}]]`);
    }
    return settings.insecureSkipVerify === true ? [...lines, 'skip_verify = true'] : lines;
  }

  /** Gives the path as containerd has to read it, quoted. */
  #keep(files: Map<string, EmittedFile>, name: string, text: string): string {
    const path = `${this.#directory}/${name}`;
    files.set(path, { path, text: withLineEnd(text) });
    return quoteToml(`${this.#options.folder ?? talosHostsFolder}/${path}`);
  }
}

function printMirror(mirror: NodeMirror, writer: DirectoryWriter, version: TalosVersion): string {
  const skipFallback = mirror.skipFallback && configKinds(version).skipFallback;
  const entries = mirror.endpoints.map((endpoint) => ({ url: endpoint.url, lines: settingsOf(endpoint, writer) }));
  return printHosts(skipFallback ? entries.slice(0, -1) : entries, skipFallback ? entries.at(-1) : undefined);
}

/** A host that is asked by its own name, and needs nothing but TLS settings. */
function printDirect(host: string, writer: DirectoryWriter, version: TalosVersion): string {
  const entry = { url: `https://${defaultHost(host)}`, lines: writer.tls(host) };
  if (isSince(version, '1.9.0')) return printHosts([], entry);
  return printHosts([entry], configKinds(version).wildcard ? undefined : { url: entry.url, lines: [] });
}

interface HostEntry {
  readonly url: string;
  readonly lines: readonly string[];
}

function printHosts(hosts: readonly HostEntry[], server: HostEntry | undefined): string {
  const root = server === undefined ? [] : [`server = ${quoteToml(server.url)}`, ...server.lines];
  const tables = hosts.flatMap((host) => [
    `  [host.${quoteToml(host.url)}]`,
    ...host.lines.map((line) => `    ${line}`),
  ]);
  const lines = [...root, ...(tables.length === 0 ? [] : ['[host]', ...tables])];
  return lines.map((line) => `${line}\n`).join('');
}

function settingsOf(endpoint: NodeEndpoint, writer: DirectoryWriter): string[] {
  const override = endpoint.overridePath ? ['override_path = true'] : [];
  return ["capabilities = ['pull', 'resolve']", ...override, ...writer.tls(endpointHost(endpoint.url))];
}
