/**
 * One exchange over HTTP: what the registry end asks of this folder. Knows no word of OCI.
 * `http/open.ts` makes a client; everything below it (connections, gates, retries, redirects, challenges) is hidden behind `send()`.
 */
import type { EventSink } from '../events.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** A streamed body is sent once and never repeated; bytes may be repeated when the request is `repeatable`. */
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array | undefined;
  /** Bytes of the body, sent as Content-Length. Required with a streamed body. */
  readonly contentLength?: number;
  /** `bulk` requests carry blobs; one slot per host stays free for `small` ones. Default small. */
  readonly kind?: 'bulk' | 'small';
  /** Fail with ERR_UNSUPPORTED instead of queueing when no slot is free. Default false. */
  readonly onlyIfIdle?: boolean;
  /** Takes no part in the queue for slots: for a body that feeds a request to the same host, which may hold the last one. Default false. */
  readonly beyondLimit?: boolean;
  /** May be sent again after a failure that leaves its fate open. Default: true for GET and HEAD, and for a PUT or POST only when set. */
  readonly repeatable?: boolean;
  /** Statuses that are answers to the caller rather than errors. 2xx always are. 3xx are followed for GET and HEAD. */
  readonly accept?: readonly number[];
  /** Token scopes for the challenge, for example `repository:siderolabs/kubelet:pull`. */
  readonly scopes?: readonly string[];
  /** What is being done, for messages: `Cannot ${action}: …`, for example `fetch manifest "ghcr.io/a/b:1"`. */
  readonly action: string;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  readonly body: HttpBody;
}

/** Must be read to its end or discarded: until then the request holds its connection and its slot. Leaving a loop early releases both. */
export interface HttpBody extends AsyncIterable<Uint8Array> {
  /** The whole body. Throws ERR_PROTOCOL when it is longer than `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>;
  text(limit: number): Promise<string>;
  discard(): Promise<void>;
}

export interface HttpClient {
  /**
   * Sends one request to one host, following redirects, answering challenges and repeating what may be repeated. A small GET's
   * body (up to 4 MiB of it) has arrived when this resolves, so a cut in its middle is repeated too; callers of bulk requests and
   * of those that accept 416 go on by range themselves. Throws AirgapError (ERR_UNREACHABLE, ERR_UNAUTHORIZED, ERR_DENIED,
   * ERR_NOT_FOUND, ERR_RATE_LIMITED, ERR_PROTOCOL, ERR_TIMEOUT, ERR_INTERRUPTED) with `host`, `end` and `status`.
   */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Requests sent so far and body bytes received, by `host:port`. */
  statistics(): ReadonlyMap<string, HostStatistics>;
  /**
   * Every host that a connection was tried to, once for each purpose, in the order of first contact. Requests whose answer's body is
   * not over count without its bytes. Can be asked after close().
   */
  contacts(): readonly HostContact[];
  close(): Promise<void>;
}

export interface HostStatistics {
  readonly host: string;
  readonly purpose: 'registry' | 'token' | 'redirect' | 'proxy';
  readonly requests: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** A host that was contacted, for one purpose. A refused connection is a contact as well. */
export interface HostContact {
  /** `host:port`, as the wire has it. */
  readonly host: string;
  readonly purpose: 'registry' | 'token' | 'redirect' | 'proxy';
  readonly requests: number;
  /** Bytes of bodies; of a proxy, of what went through it. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Milliseconds since 1970, as Date.now() gives them. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** `host:port` of the registries whose requests led there: of a registry its own, of a token service those that named it. */
  readonly registries: readonly string[];
  /** `host:port` of the proxies it was reached through, and `direct` where it was reached without as well; empty: only directly. */
  readonly through: readonly string[];
}

export interface BasicCredential {
  readonly username: string;
  readonly password: string;
}

/** What is known for one host: a user name and password, or an identity token that is exchanged at the token service. */
export type Credential = BasicCredential | { readonly identityToken: string };

/** Looks up what was given for exactly this `host[:port]`; undefined means anonymous. */
export type CredentialLookup = (host: string) => Promise<Credential | undefined>;

export interface TlsSettings {
  /** PEM of additional certificate authorities. */
  readonly ca?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

export interface ProxySettings {
  readonly httpProxy?: string | undefined;
  readonly httpsProxy?: string | undefined;
  readonly noProxy?: string | undefined;
}

/** Where a host sends us. */
export interface Leaving {
  /** `host[:port]` that says so. */
  readonly from: string;
  readonly to: URL;
  readonly why: 'redirect' | 'token';
  /** For messages, as in HttpRequest. */
  readonly action: string;
}

export interface HttpClientSettings {
  /** For errors and messages: which side this client serves. */
  readonly end: 'source' | 'target';
  readonly tls?: TlsSettings;
  readonly proxy?: ProxySettings;
  readonly credentials?: CredentialLookup;
  /** Requests at once per host. Default 12 for a source, 10 for a target. */
  readonly concurrency: number;
  /** Tries without progress before giving up. Default 5. */
  readonly retries?: number;
  /** A socket without a byte for this long is cut. Default 60 000. */
  readonly idleTimeoutMs?: number;
  /** First delay of the backoff; doubles up to 30 s, with jitter. Default 250. */
  readonly backoffMs?: number;
  /** May credentials and tokens be sent over plain HTTP to hosts other than loopback? Default false. */
  readonly credentialsOverPlainHttp?: boolean;
  /** Asked before a redirect is followed and before a token service is asked. What it throws (an AirgapError) ends the request. */
  readonly beforeLeaving?: ((leaving: Leaving) => Promise<void>) | undefined;
  /** Overall limit for the whole run; aborting it ends every wait. */
  readonly signal?: AbortSignal | undefined;
  readonly events?: EventSink;
}
