/**
 * Connections to hosts and one exchange over each at a time (HTTP/1.1: one HTTP/2 connection would cap bulk speed).
 * The only file that loads undici, and of it only Client and buildConnector, so that a bundler can leave out the rest.
 *
 * Connections are picked here rather than by undici's Pool: its idle ones count as busy until the next turn of the event loop,
 * so a Pool opens a new connection for every request that follows another at once. A Client keeps such a request until then.
 */
import { buildConnector, Client } from 'undici';
import type { AirgapError } from '../errors.ts';
import type { ResponseBody } from './body.ts';
import type { ProxySettings, TlsSettings } from './client.ts';
import { ExchangeHandler } from './exchange.ts';
import { chooseProxy, type ProxyChoice, type ProxyServer } from './proxy.ts';
import { tlsOptions } from './tls.ts';
import { tunnelThrough } from './tunnel.ts';
import { Upload } from './upload.ts';

export interface ConnectionSettings {
  readonly tls: TlsSettings;
  readonly proxy: ProxySettings;
  readonly idleTimeoutMs: number;
}

/** One request as it goes over the wire. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | Upload | undefined;
  /** Bytes of an Upload. */
  readonly contentLength: number | undefined;
  readonly signal: AbortSignal;
  /** What a failure while the body arrives means. */
  readonly explain: (error: unknown, received: number) => AirgapError;
  /** For what the body refuses by itself. */
  readonly refuse: (state: string) => AirgapError;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ResponseBody;
}

const connectTimeoutMs = 10_000;
const keepAliveMs = 30_000;
const longestKeepAliveMs = 600_000;

type Connector = ReturnType<typeof buildConnector>;

/** A connection that is or was open; undici opens it again when needed. */
interface Connection {
  readonly client: Client;
  /** Answers received since it was last opened. */
  answers: number;
}

export class Connections {
  readonly #settings: ConnectionSettings;
  readonly #chooseProxy: ProxyChoice;
  readonly #idle = new Map<string, Connection[]>();
  readonly #all = new Set<Connection>();
  #connector: Connector | undefined;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#chooseProxy = chooseProxy(settings.proxy);
  }

  /** The proxy requests for this URL go through. */
  proxyFor(url: URL): ProxyServer | undefined {
    return this.#chooseProxy(url);
  }

  /** Sends one request and resolves with the head of its answer. Rejects with an ExchangeError. */
  exchange(exchange: Exchange): Promise<Answer> {
    const { url } = exchange;
    const idle = this.#idleFor(url.origin);
    const connection = idle.pop() ?? this.#open(url);
    const handler = new ExchangeHandler(exchange, {
      reused: () => connection.answers > 0,
      over: (answered) => {
        if (answered) connection.answers += 1;
        if (!connection.client.destroyed) idle.push(connection);
      },
    });
    const proxy = this.proxyFor(url);
    const absolute = proxy !== undefined && !needsTunnel(url, proxy);
    const path = `${url.pathname}${url.search}`;
    connection.client.dispatch(
      {
        method: exchange.method as 'GET',
        path: absolute ? `${url.origin}${path}` : path,
        headers: absolute ? { ...exchange.headers, ...proxyHeaders(url, proxy) } : exchange.headers,
        body: exchange.body instanceof Upload ? asBody(exchange.body) : (exchange.body ?? null),
        // undici closes the connection after every HEAD unless told not to.
        reset: false,
      },
      handler,
    );
    return handler.answer;
  }

  /** Closes every connection at once, whatever it is doing. */
  async close(): Promise<void> {
    const connections = [...this.#all];
    this.#all.clear();
    this.#idle.clear();
    await Promise.all(connections.map(({ client }) => client.destroy()));
  }

  #idleFor(origin: string): Connection[] {
    const known = this.#idle.get(origin);
    if (known !== undefined) return known;
    const idle: Connection[] = [];
    this.#idle.set(origin, idle);
    return idle;
  }

  #open(url: URL): Connection {
    const proxy = this.proxyFor(url);
    const direct = proxy === undefined || !needsTunnel(url, proxy);
    this.#connector ??= buildConnector({
      ...tlsOptions(this.#settings.tls),
      timeout: connectTimeoutMs,
    } as buildConnector.BuildOptions);
    const connector = this.#connector;
    const client = new Client(direct && proxy !== undefined ? proxy.url : url.origin, {
      connect: direct
        ? connector
        : tunnelThrough(proxy, { connector, client: (origin) => this.#client(origin, connector) }),
      ...this.#limits(),
    });
    const connection: Connection = { client, answers: 0 };
    client.on('connect', () => {
      connection.answers = 0;
    });
    this.#all.add(connection);
    return connection;
  }

  #client(origin: URL, connect: Connector): Client {
    return new Client(origin, { connect, ...this.#limits() });
  }

  #limits() {
    return {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: longestKeepAliveMs,
      headersTimeout: this.#settings.idleTimeoutMs,
      bodyTimeout: this.#settings.idleTimeoutMs,
      maxHeaderSize: 64 * 1024,
    };
  }
}

/** https goes through a tunnel, http is asked of the proxy itself, unless that would need TLS for the wrong name. */
function needsTunnel(url: URL, proxy: ProxyServer): boolean {
  return url.protocol === 'https:' || proxy.url.protocol === 'https:';
}

function proxyHeaders(url: URL, proxy: ProxyServer): Record<string, string> {
  return {
    host: url.host,
    ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
  };
}

/** undici takes any async iterable; its types name only some. */
function asBody(upload: Upload): Uint8Array {
  return upload as unknown as Uint8Array;
}
