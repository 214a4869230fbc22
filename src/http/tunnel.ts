/** A way through a proxy: CONNECT (RFC 9110, 9.3.6), then TLS with the host itself where the URL is https. */
import type { Socket } from 'node:net';
import type { buildConnector, Client } from 'undici';
import type { ProxyServer } from './proxy.ts';

type Connector = buildConnector.connector;

/** The proxy would not open a tunnel. */
export class ProxyRefusal extends Error {
  readonly status: number;
  readonly proxyHost: string;

  constructor(status: number, proxyHost: string) {
    super(`proxy ${proxyHost} answered ${status}`);
    this.name = 'ProxyRefusal';
    this.status = status;
    this.proxyHost = proxyHost;
  }
}

export interface TunnelParts {
  /** Connects and, given a socket, starts TLS on it. */
  readonly connector: Connector;
  /** A client for one request to the proxy itself. */
  readonly client: (origin: URL) => Client;
}

/** A connector whose sockets go through `proxy`. */
export function tunnelThrough(proxy: ProxyServer, parts: TunnelParts): Connector {
  return (options, callback) => {
    const port = options.port !== '' ? options.port : options.protocol === 'https:' ? '443' : '80';
    const host = options.hostname.includes(':') ? `[${options.hostname}]` : options.hostname;
    openTunnel(proxy, { authority: `${host}:${port}`, client: parts.client(proxy.url) }).then(
      (httpSocket) => {
        if (options.protocol === 'https:') parts.connector({ ...options, httpSocket }, callback);
        else callback(null, httpSocket);
      },
      (error) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}

function openTunnel(
  proxy: ProxyServer,
  request: { readonly authority: string; readonly client: Client },
): Promise<Socket> {
  const { authority, client } = request;
  const headers = {
    host: authority,
    ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
  };
  return new Promise((resolve, reject) => {
    client.dispatch(
      { method: 'CONNECT', path: authority, headers },
      {
        onRequestStart() {},
        onRequestUpgrade(_controller, status, _headers, socket) {
          if (status === 200) {
            resolve(socket as Socket);
            return;
          }
          socket.on('error', () => {}).destroy();
          reject(new ProxyRefusal(status, proxy.url.host));
        },
        onResponseError(_controller, error) {
          reject(error);
        },
      },
    );
  });
}
