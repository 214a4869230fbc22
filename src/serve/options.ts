/** What a server can be told, and what is told of it. */
import type { ServedRequest } from './access-log.ts';
import type { Exchange } from './exchange.ts';
import type { ServeProblem } from './integrity.ts';
import type { ServeLimits } from './limits.ts';
import type { ServeStatistics } from './metrics.ts';
import type { Library } from './reading.ts';

export interface ServeOptions {
  /** Where to listen. Default 127.0.0.1, a free port. */
  readonly listen?: { readonly host?: string | undefined; readonly port?: number | undefined };
  /** Takes pushes too; the store must be a Target. Default false. */
  readonly writable?: boolean;
  /** When writable: an upload nobody touches for this long is given up. Default 3 600 000. */
  readonly uploadExpiryMs?: number;
  /** When writable: takes an index whose children are absent. Default false. */
  readonly sparse?: boolean;
  /** The registry under which repositories are kept whose path names none. Default `localhost`. */
  readonly registry?: string;
  /** PEM of a certificate and its key: serve HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** What clients may take. Default: those of `defaultLimits`, each by itself. */
  readonly limits?: Partial<ServeLimits>;
  /** How long close() waits for answers under way before it cuts them. Default 5 000. */
  readonly graceMs?: number;
  /** Called when an answer has ended or its client is gone: the access log. */
  readonly onRequest?: (request: ServedRequest) => void;
  /** Called once for stored content that is found corrupt or short, and again only when its file has changed. */
  readonly onProblem?: (problem: ServeProblem) => void;
  /** Called with one line, which may name paths, when the store or the server itself fails a request; the same once a minute. */
  readonly onTrouble?: (message: string) => void;
  /** Decides who may ask. Default: everybody may read, and write where it is writable. */
  readonly access?: AccessControl;
  /** Answers GET and HEAD of `/`. Default: 404. */
  readonly page?: (exchange: Exchange, library: Library) => Promise<void>;
  /** Answers `/metrics` to whoever may read. Default true. */
  readonly metrics?: boolean;
  /** For the metrics' build info. Default `unknown`. */
  readonly version?: string;
}

/** Who may ask for what, by user name and password (RFC 7617). */
export interface AccessControl {
  /** False is answered 401 with a Basic challenge. `authorization` is the header as it came, `path` has no query. True for a Basic header with a name means that the password was right: the name stands in the access log. */
  allows(asked: {
    readonly authorization: string | undefined;
    readonly isWrite: boolean;
    readonly path: string;
  }): Promise<boolean>;
}

export interface RunningServer {
  /** `http://HOST:PORT`, nothing after it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** What was served since it started. Cheap. */
  statistics(): ServeStatistics;
  /** Shows this certificate to connections from now on; those that are open keep theirs. Does nothing without `tls`. Throws what TLS says of it. */
  renewCertificate(tls: { readonly cert: string; readonly key: string }): void;
  /** Takes no new connection, lets answers end within the grace time, then cuts. The store stays open. */
  close(): Promise<void>;
}
