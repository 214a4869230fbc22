/** What a node does for one image, step by step: the noun of this folder. */
import type { Reference } from '../oci/reference.ts';
import type { EndpointTls } from '../talos/node-config.ts';

/**
 * Who pulls. `talos`: the node itself (installer, kubelet, etcd, extensions) by its own resolver; `cri`: containerd for the
 * kubelet, by the hosts.toml files Talos writes. They differ, and differently in each release.
 */
export type Puller = 'talos' | 'cri';

/** The one form of several that is used, with what stands encoded in the configuration decoded. */
export type StepAuth = { readonly username: string; readonly password: string } | { readonly identityToken: string };

/** One host that is asked, in order. */
export interface PullStep {
  /** As the configuration writes it; for the fallback the upstream registry's own URL. */
  readonly endpoint: string;
  /** `http(s)://HOST[:PORT]/PATH`, what stands before `/REPOSITORY/manifests/…`; no slash at its end. */
  readonly base: string;
  /** `host[:port]` that is contacted. */
  readonly host: string;
  /** The registry itself, and not a mirror: the request leaves the site. */
  readonly isUpstream: boolean;
  /** What is sent as `?ns=`; undefined where the node sends none. */
  readonly ns: string | undefined;
  readonly tls: EndpointTls | undefined;
  readonly auth: StepAuth | undefined;
  /** Why the node fails here without asking anybody, in one line: `missing protocol scheme`, TLS settings for plain HTTP. */
  readonly problem: string | undefined;
}

export interface NodePull {
  /** Normalised, as the node reads it: Docker Hub's names written out, no tag beside a digest for Talos' own pulls. */
  readonly image: Reference;
  readonly puller: Puller;
  /** The `registry` of the mirror entry that is taken; undefined: none matches. */
  readonly matched: string | undefined;
  readonly steps: readonly PullStep[];
  /** Each thing that was decided and why, in order, one line each; for `--explain`. */
  readonly reasons: readonly string[];
  /** Why a mirror that stands in the configuration does not count, where that is so. */
  readonly passedOver?: string | undefined;
}
