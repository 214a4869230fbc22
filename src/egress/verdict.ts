/** What trying a destination showed. */
import type { Destination } from './destination.ts';

/**
 * `open`: it answers as it should. `blocked`: something on the way does not let us through. `intercepted`: TLS is answered with a
 * certificate of an authority that nobody here knows. `wrong answer`: somebody answers, and it is not what should be there. `unknown`:
 * it cannot be told.
 */
export type Verdict = 'open' | 'blocked' | 'intercepted' | 'wrong answer' | 'unknown';
export const verdicts = ['open', 'blocked', 'intercepted', 'wrong answer', 'unknown'] as const;

/** In the order they are taken. `proxy`: the proxy opens a tunnel. */
export type StepName = 'name' | 'connection' | 'proxy' | 'tls' | 'answer';

/** One step that was taken. */
export interface ProbeStep {
  readonly name: StepName;
  readonly isRight: boolean;
  readonly milliseconds: number;
  /** One line, no full stop; may hold words of a stranger. */
  readonly detail: string;
}

/** What a server showed for itself; every word may be a stranger's. */
export interface ShownCertificate {
  readonly subject: string;
  /** Who vouches for it directly. */
  readonly issuer: string;
  /** DNS names and addresses it is for. */
  readonly names: readonly string[];
  /** Day, `2026-09-01`. */
  readonly validTo: string;
}

/** What has to stand before a destination can be tried. */
export interface Missing {
  readonly kind: 'names' | 'proxy';
  /** `host:port` of the proxy. */
  readonly place?: string | undefined;
  /** The proxy was reached, and did not get further. */
  readonly isReached?: boolean | undefined;
}

/** A destination that was tried. */
export interface Probed {
  readonly destination: Destination;
  readonly verdict: Verdict;
  /** Where it ended, unless it is open. */
  readonly step?: StepName | undefined;
  /** One line, no full stop; may hold words of a stranger. */
  readonly state: string;
  /** What to do about it; no full stop. */
  readonly hint?: string | undefined;
  /** Worth knowing of an open one too; one line each, no full stop. */
  readonly notes: readonly string[];
  readonly steps: readonly ProbeStep[];
  readonly addresses: readonly string[];
  /** Round trip to it, or to its proxy. */
  readonly milliseconds?: number | undefined;
  readonly certificate?: ShownCertificate | undefined;
  /** Where it sends clients for a token. */
  readonly tokenService?: { readonly host: string; readonly port: number } | undefined;
  /** It was not tried, for want of this. */
  readonly missing?: Missing | undefined;
}

/** Something required that does not work: what is not known does not count. */
export function isMissed({ destination, verdict }: Probed): boolean {
  return destination.required && verdict !== 'open' && verdict !== 'unknown';
}
