/**
 * A proxy on loopback that knows names nobody else does: CONNECT and absolute URIs go to the local port a `host:port` stands for, and
 * every `host:port` it was asked for is logged. What it does not know it answers with 502, logged as well.
 */
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface NamingProxy {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Times each `host:port` was asked for: tunnels, and requests by absolute URI. */
  readonly asked: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function startNamingProxy(names: ReadonlyMap<string, number>): Promise<NamingProxy> {
  const asked = new Map<string, number>();
  const sockets = new Set<Socket>();
  const portOf = (place: string): number | undefined => {
    asked.set(place, (asked.get(place) ?? 0) + 1);
    return names.get(place);
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '');
    pass(request, { response, port: portOf(`${url.hostname}:${url.port === '' ? '80' : url.port}`) });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {});
    const port = portOf(request.url ?? '');
    if (port === undefined) return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const far = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.pipe(socket).pipe(far);
    });
    far.on('error', () => socket.destroy());
    socket.on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function pass(
  request: IncomingMessage,
  to: { readonly response: ServerResponse; readonly port: number | undefined },
): void {
  const { response, port } = to;
  if (port === undefined) return void request.resume().on('end', () => response.writeHead(502).end());
  const { pathname, search } = new URL(request.url ?? '');
  const { method = 'GET', headers } = request;
  const out = ask({ host: '127.0.0.1', port, method, path: pathname + search, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response).on('error', () => {});
    answer.on('error', () => response.destroy());
  });
  out.on('error', () => response.destroy());
  request.pipe(out);
}
