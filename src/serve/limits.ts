/** What one client may take of a server: connections, header bytes, time. */

export interface ServeLimits {
  /** Connections at once. Above it idle ones are closed first; whoever comes then is answered 503, and cut when even those are too many. Default 4096. */
  readonly connections: number;
  /** Bytes of a request's line and headers; more is answered 431. Default 16 384. */
  readonly headerBytes: number;
  /** Time from a request's first byte (for a new connection: from its opening) to the end of its headers; then 408. Default 10 000. */
  readonly headerTimeoutMs: number;
  /** A connection without a byte either way, in the middle of a request or an answer, is cut after this. Default 120 000. */
  readonly idleTimeoutMs: number;
  /** A connection that waits for its next request is closed after this. Default 75 000. */
  readonly keepAliveMs: number;
}

export const defaultLimits: ServeLimits = {
  connections: 4096,
  headerBytes: 16_384,
  headerTimeoutMs: 10_000,
  idleTimeoutMs: 120_000,
  keepAliveMs: 75_000,
};
