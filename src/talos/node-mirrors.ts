/** Registry mirrors as a node has them in its configuration, and the URLs it asks because of them. */
import { posix } from 'node:path';
import type { Reference } from '../oci/reference.ts';

export interface NodeEndpoint {
  /** As written in the configuration, path included. */
  readonly url: string;
  /** The path is taken as it is; else `/v2` is put after it. */
  readonly overridePath: boolean;
}

export interface NodeMirror {
  /** `host[:port]` of the image's registry, or `*`. */
  readonly registry: string;
  /** Asked in this order. */
  readonly endpoints: readonly NodeEndpoint[];
  /** Upstream is not asked after the endpoints. */
  readonly skipFallback: boolean;
}

/** The entry a node takes for a registry: its own before `*`, never both (Talos v1.13.9, internal/pkg/containers/image/resolver.go). */
export function nodeMirrorFor(mirrors: readonly NodeMirror[], registry: string): NodeMirror | undefined {
  return mirrors.find((mirror) => mirror.registry === registry) ?? mirrors.find((mirror) => mirror.registry === '*');
}

/**
 * The manifest URLs a node asks for an image, in order, upstream last unless it is turned off. Without the `?ns=` a node
 * adds, which plain registries ignore. The digest is asked where there is one, else the tag, else `latest`
 * (Talos v1.13.9, internal/pkg/containers/image; containerd, core/remotes/docker/config/hosts.go).
 */
export function nodeManifestUrls(mirrors: readonly NodeMirror[], image: Reference): string[] {
  const mirror = nodeMirrorFor(mirrors, image.registry);
  const bases = (mirror?.endpoints ?? []).map(endpointBase);
  if (mirror?.skipFallback !== true) bases.push(`https://${defaultHost(image.registry)}/v2`);
  const object = image.digest ?? image.tag ?? 'latest';
  return bases.map((base) => `${base}/${image.repository}/manifests/${object}`);
}

/** What stands before `/REPOSITORY/manifests/…`. The authority stays as written, `:80` included; the path is cleaned as Go's path.Clean() does. */
export function endpointBase(endpoint: NodeEndpoint): string {
  const [, authority = '', rest = ''] = /^(https?:\/\/[^/?#]*)([^?#]*)/i.exec(endpoint.url) ?? [];
  const path = rest === '' ? '' : posix.normalize(rest).replace(/\/$/, '');
  return endpoint.overridePath || path.endsWith('/v2') ? `${authority}${path}` : `${authority}${path}/v2`;
}

function defaultHost(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry;
}
