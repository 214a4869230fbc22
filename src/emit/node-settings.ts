/** What nodes behind an air gap are to be told beside their mirrors. Everything is left as it is where it is not said. */
import type { EndpointAuth, EndpointTls, VerificationRule } from '../talos/node-config.ts';

export interface HostEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/** A certificate authority for the whole system. */
export interface TrustedRoot {
  readonly name: string;
  /** PEM, one or more certificates. */
  readonly certificates: string;
}

export interface NodeSettings {
  /** By the endpoint's `host[:port]`. */
  readonly tls?: ReadonlyMap<string, EndpointTls> | undefined;
  /** By the endpoint's `host[:port]`. Secret: emitted into a file of its own. */
  readonly auth?: ReadonlyMap<string, EndpointAuth> | undefined;
  readonly trustedRoots?: readonly TrustedRoot[] | undefined;
  readonly installImage?: string | undefined;
  /** Device the image is installed on, as `/dev/sda`. Needed by UnattendedInstallConfig alone, which loses it to a patch without one. */
  readonly installDisk?: string | undefined;
  /** Host names or addresses; `disabled`: no time sync at all. */
  readonly time?: { readonly servers: readonly string[] } | 'disabled' | undefined;
  /** Addresses. */
  readonly nameservers?: readonly string[] | undefined;
  /** URL of an own discovery service; `disabled`: none. */
  readonly discovery?: { readonly endpoint: string } | 'disabled' | undefined;
  readonly imageCache?: boolean | undefined;
  readonly hosts?: readonly HostEntry[] | undefined;
  readonly verification?: readonly VerificationRule[] | undefined;
  readonly pauseImage?: string | undefined;
}
