/** How the questions of a node go over the wire: given in by whoever has connections. */
import type { PullStep } from '../../node/pull.ts';

/** One request, as the node would send it to one step. */
export interface NodeRequest {
  /** Whose TLS settings and credentials count. */
  readonly step: PullStep;
  readonly method: 'HEAD' | 'GET';
  /** Whole, with its query. */
  readonly url: string;
  readonly accept: string;
  /** The repository as the image names it, for a token's scope. */
  readonly repository: string;
  /** The body is read to its end and may be large. */
  readonly isBulk: boolean;
  /** For messages: `fetch manifest "v1.37.1"`. */
  readonly action: string;
}

export interface NodeAnswer {
  readonly status: number;
  /** `Docker-Content-Digest`, as it was sent. */
  readonly digest: string | undefined;
  readonly mediaType: string | undefined;
  /** `Content-Length`, in bytes. */
  readonly size: number | undefined;
  /** Where the answer came from, when it was another host: `host[:port]`. */
  readonly redirectedTo: string | undefined;
  /** Read to its end or left early; empty for HEAD. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The cause of an error: an endpoint sends nodes to a host that is not on site, by a redirect or to its token service. */
export class OffSite extends Error {
  /** `host[:port]`, which was not asked. */
  readonly host: string;
  readonly why: 'redirect' | 'token';

  constructor(host: string, why: 'redirect' | 'token') {
    super(`${host} is not on site`);
    this.name = 'OffSite';
    this.host = host;
    this.why = why;
  }
}

export interface NodeTransport {
  /**
   * Redirects are followed and challenges answered, on site. Gives answers of 2xx; throws AirgapError for everything else, with
   * `status` where there was an answer, and caused by OffSite where it would have led off site.
   */
  ask(request: NodeRequest): Promise<NodeAnswer>;
}
