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

export interface NodeTransport {
  /**
   * Redirects are followed and challenges answered. Gives answers of 2xx; throws AirgapError for everything else, with `status`
   * where there was an answer.
   */
  ask(request: NodeRequest): Promise<NodeAnswer>;
}
