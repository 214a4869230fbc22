/** What a node would make of its images: the noun of this folder. */
import type { Puller } from '../../node/pull.ts';
import type { SignaturePlace } from '../../node/verification.ts';
import type { Digest } from '../../oci/digest.ts';

/**
 * `leaves-site`: nothing on site has it, so the node asks the upstream registry. `wrong-digest`: other content than is expected.
 * `cannot-pull`: the configuration or an endpoint makes the pull fail before it is known whether the image is there.
 */
export type VerdictKind = 'found' | 'not-found' | 'leaves-site' | 'wrong-digest' | 'wrong-platform' | 'cannot-pull';

/** One request and what came back. */
export interface Asked {
  readonly method: 'HEAD' | 'GET';
  readonly url: string;
  /** Undefined where there was no answer. */
  readonly status?: number;
  readonly digest?: string;
  readonly mediaType?: string;
  /** Bytes. */
  readonly size?: number;
  /** Another host that the answer came from. */
  readonly redirectedTo?: string;
  /** One line, of what was refused or did not answer. */
  readonly said?: string;
  /** A host off site that nodes are sent to from here, by a redirect or to its token service; it was not asked. */
  readonly sentTo?: { readonly host: string; readonly why: 'redirect' | 'token' };
}

export type LookedFor = 'manifest' | 'child' | 'config' | 'blob' | 'referrers' | 'signature';

/** One thing the node looks for, step by step until a step has it. */
export interface Trail {
  readonly purpose: LookedFor;
  /** The tag or digest, with what it is for: `v1.37.1`, `sha256:… (linux/amd64)`. */
  readonly what: string;
  readonly asked: readonly Asked[];
  /** The host that is asked next and was not contacted, as it is not on site. */
  readonly leavesTo?: string;
}

/** Why an image is not found as it should be. */
export interface PullFailure {
  readonly verdict: Exclude<VerdictKind, 'found'>;
  /** The host that a node would leave the site to. */
  readonly host?: string;
  /** What was looked for: `manifest v1.37.1`. */
  readonly what: string;
  /** The URL asked last; undefined where nobody was asked. */
  readonly url?: string;
  /** One line: what was answered, or what is wrong. */
  readonly answered: string;
  /** One line. */
  readonly todo: string;
}

export interface StepAccount {
  readonly endpoint: string;
  readonly base: string;
  readonly host: string;
  readonly isUpstream: boolean;
  readonly ns?: string;
  /** What is set for its host; never what the secrets are. */
  readonly tls: readonly string[];
  /** `user name and password`, `identity token`. */
  readonly auth?: string;
  readonly problem?: string;
}

/** One image as one of the node's two pullers sees it. */
export interface PullAccount {
  /** As the node reads it, printed. */
  readonly image: string;
  readonly puller: Puller;
  /** The mirror entry that was taken. */
  readonly matched?: string;
  readonly reasons: readonly string[];
  readonly steps: readonly StepAccount[];
  readonly trails: readonly Trail[];
  /** What the node's name for it stands for. */
  readonly digest?: Digest;
  /** Platforms whose content was looked for. */
  readonly platforms: readonly string[];
  readonly blobs: number;
  /** Sizes of the blobs added up. */
  readonly bytes: number;
  /** In the order the node meets them. Empty: found. */
  readonly failures: readonly PullFailure[];
}

export interface SignatureAccount {
  /** Why they are looked for: the rule's pattern, or the lock. */
  readonly because: string;
  /** Where one was found; undefined: nowhere. */
  readonly found?: SignaturePlace;
  readonly trails: readonly Trail[];
  readonly failure?: PullFailure;
  /** What is to be known although it is no failure. */
  readonly note?: string;
}

export interface ImageVerdict {
  /** As it was asked for. */
  readonly image: string;
  readonly verdict: VerdictKind;
  /** The host that a node would leave the site to. */
  readonly host?: string;
  readonly pulls: readonly PullAccount[];
  readonly signatures?: SignatureAccount;
  /** Of all pulls and the signatures, those that several share once. */
  readonly failures: readonly PullFailure[];
}

export interface NodeVerification {
  /** `v1.14.4`. */
  readonly version: string;
  /** Sorted by image. */
  readonly images: readonly ImageVerdict[];
  /** True when every blob was read and hashed. */
  readonly deep: boolean;
  /** Requests that were sent; each question once. */
  readonly requests: number;
}

/** For people: `would leave the site to registry.k8s.io`. */
export function verdictText({
  verdict,
  host,
}: {
  readonly verdict: VerdictKind;
  readonly host?: string | undefined;
}): string {
  if (verdict === 'leaves-site') return `would leave the site to ${host ?? 'its registry'}`;
  return verdict.replace('-', ' ');
}
