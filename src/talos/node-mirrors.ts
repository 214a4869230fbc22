/** Registry mirrors as a node has them in its configuration. */
import { posix } from 'node:path';

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

/** What stands before `/REPOSITORY/manifests/…`. The authority stays as written, `:80` included; the path is cleaned as Go's path.Clean() does. */
export function endpointBase(endpoint: NodeEndpoint): string {
  const [, authority = '', rest = ''] = /^(https?:\/\/[^/?#]*)([^?#]*)/i.exec(endpoint.url) ?? [];
  const path = rest === '' ? '' : posix.normalize(rest).replace(/\/$/, '');
  return endpoint.overridePath || path.endsWith('/v2') ? `${authority}${path}` : `${authority}${path}/v2`;
}
