/** What a node's configuration says about where it looks for things: the part that is emitted, read back and followed. */
import type { Origin } from '../errors.ts';
import type { NodeMirror } from './node-mirrors.ts';

/** TLS settings of one endpoint's host. Certificates and keys are PEM, in whichever form they were written. */
export interface EndpointTls {
  readonly ca?: string | undefined;
  readonly clientCertificate?: string | undefined;
  /** Secret. */
  readonly clientKey?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

/** Credentials for one endpoint's host. Secret: written only into a file that was asked for. */
export interface EndpointAuth {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** base64 of `user:password`. */
  readonly auth?: string | undefined;
  readonly identityToken?: string | undefined;
}

/** How a rule decides about the images it matches. */
export type Verifier =
  /** PEM of a public key or a certificate. */
  | { readonly kind: 'publicKey'; readonly certificate: string }
  | {
      readonly kind: 'keyless';
      readonly issuer: string;
      readonly subject?: string | undefined;
      readonly subjectRegex?: string | undefined;
    }
  | { readonly kind: 'skip' }
  | { readonly kind: 'deny' };

/** A rule of `ImageVerificationConfig`; the first that matches counts. */
export interface VerificationRule {
  /** Glob on `registry/repository`; `*` also spans `/`. */
  readonly image: string;
  readonly verifier: Verifier;
}

/** An image that a configuration names in place of the release's own, by the path of its key: `machine.install.image`. */
export interface ConfiguredImage {
  readonly path: string;
  readonly image: string;
}

/** How a name server is asked: plain, over TLS (TCP 853), over HTTPS (TCP 443). */
export type NameProtocol = 'Do53' | 'DoT' | 'DoH';

export interface NodeNameserver {
  readonly address: string;
  readonly protocol: NameProtocol;
}

export interface NodeTime {
  /** Nobody is asked. */
  readonly disabled: boolean;
  /** Names, addresses, and devices as `/dev/ptp0`; empty: the release's own. */
  readonly servers: readonly string[];
  /** Network Time Security: undefined where nothing says so. */
  readonly useNts?: boolean | undefined;
}

/** `siderolink`: the API of Omni or another SideroLink server, which tells the UDP port of the tunnel itself. */
export type OutboundKind =
  | 'proxy'
  | 'logs'
  | 'events'
  | 'probe'
  | 'kubernetes-api'
  | 'siderolink'
  | 'kms'
  | 'wireguard';

/** A host that a configuration makes a node connect to. */
export interface Outbound {
  /** The key that says so: `machine.env.https_proxy`. */
  readonly path: string;
  readonly kind: OutboundKind;
  /** A name in lower case, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

export interface NodeConfig {
  /** Sorted by registry. */
  readonly mirrors: readonly NodeMirror[];
  /** By the `host[:port]` or `*` it is written under. */
  readonly tls: ReadonlyMap<string, EndpointTls>;
  readonly auth: ReadonlyMap<string, EndpointAuth>;
  /** PEM of additional authorities for the whole system. */
  readonly trustedRoots: readonly string[];
  /** In order. */
  readonly verification: readonly VerificationRule[];
  /** Sorted by path. */
  readonly images: readonly ConfiguredImage[];
  /** URLs of manifests the cluster fetches by itself (a custom CNI, extra manifests), in order. */
  readonly manifestUrls: readonly string[];
  readonly time: NodeTime;
  /** Empty: the release's own, or what DHCP says. */
  readonly nameservers: readonly NodeNameserver[];
  /**
   * Endpoints of the discovery service; empty with `disabled` false: the release's own. `disabled` is true also for a whole machine
   * configuration that does not turn it on; false for a patch that says nothing.
   */
  readonly discovery: { readonly disabled: boolean; readonly endpoints: readonly string[] };
  /** In order. */
  readonly outbound: readonly Outbound[];
  /** The image cache on the node is asked before every mirror. */
  readonly imageCache: boolean;
  /** Where a part was written, by its key: `mirror ghcr.io`, `endpoint ghcr.io 0`, `user ghcr.io 0` (its URL had a user name), `tls HOST`, `auth HOST`, `rule 0`, `image PATH`. */
  readonly origins: ReadonlyMap<string, Origin>;
}
