/** The access log: what is told of each request, and how it is printed as one line. */

/** One line of the access log. Everything in it came from a client: print it with accessLogText() or accessLogJson(). */
export interface ServedRequest {
  /** When it came, ISO 8601 in UTC. */
  readonly time: string;
  /** The client's address without its port; `-` when it was gone already. */
  readonly client: string;
  readonly method: string;
  /** As it was sent, with its query; credentials in it are replaced by `***`. */
  readonly path: string;
  /** The upstream registry the `ns` parameter names, as it was sent. */
  readonly ns: string | undefined;
  /** 0 when the client was gone before an answer. */
  readonly status: number;
  /** Bytes of the answer's body that were given to the socket. */
  readonly bytes: number;
  /** From the end of its headers to the end of the answer. */
  readonly ms: number;
  readonly userAgent: string | undefined;
  /** Who asked, where the access control let somebody in by name. */
  readonly user: string | undefined;
}
