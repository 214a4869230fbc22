/** One destination while it is tried: the way to it, step by step, and what was learnt on the way. */
import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type Destination, isAddress, printPlace } from '../egress/destination.ts';
import type { Probed, ShownCertificate } from '../egress/verdict.ts';
import { bareHostname, portOf } from '../http/hosts.ts';
import type { ProxyServer } from '../http/proxy.ts';
import { type Connected, connectToAny } from './connect.ts';
import { openTunnel, ProxyRefused } from './http.ts';
import type { Names } from './names.ts';
import { CertificateProblem, secure } from './tls.ts';
import { type Limits, StepFailure, Trail } from './trail.ts';

/** What every try of a check shares. */
export interface Probing {
  readonly names: Names;
  /** As tlsOptions() of http/tls.ts gives them. */
  readonly tls: ConnectionOptions;
  /** The same without a client certificate: hosts of the internet need none, and whoever intercepts them is shown none. */
  readonly publicTls: ConnectionOptions;
  /** The proxy a destination is reached through. */
  readonly proxyFor: (destination: Destination) => ProxyServer | undefined;
  /** The name that name servers are asked for. */
  readonly question: string;
  /** For each step. */
  readonly limits: Limits;
}

export class Attempt {
  readonly destination: Destination;
  readonly probing: Probing;
  readonly proxy: ProxyServer | undefined;
  readonly trail = new Trail();
  readonly notes: string[] = [];
  addresses: readonly string[] = [];
  milliseconds: number | undefined;
  certificate: ShownCertificate | undefined;
  tokenService: Probed['tokenService'];
  readonly #open: Socket[] = [];
  #others: Promise<readonly string[]> = Promise.resolve([]);
  #tried = 0;

  constructor(destination: Destination, probing: Probing) {
    this.destination = destination;
    this.probing = probing;
    this.proxy = destination.protocol === 'tcp' ? probing.proxyFor(destination) : undefined;
  }

  get limits(): Limits {
    return this.probing.limits;
  }

  /** On the internet, as far as its owner says. */
  get isPublic(): boolean {
    return this.destination.component !== 'site';
  }

  /** Looks the name up; an address stands for itself. */
  async resolve(): Promise<readonly string[]> {
    const { host } = this.destination;
    if (isAddress(host)) this.addresses = [host];
    else if (this.addresses.length === 0) {
      this.addresses = await this.trail.take('name', async () => {
        const { addresses, by } = await this.probing.names(host, this.limits);
        return { value: addresses, detail: `${addresses.join(', ')} by ${by}` };
      });
    }
    return this.addresses;
  }

  /** A connection to the host itself, through the proxy where there is one. */
  async connect(): Promise<Socket> {
    if (this.proxy !== undefined) return await this.#tunnel(this.proxy);
    const addresses = await this.resolve();
    const connected = await this.trail.take('connection', async () => {
      const value = await connectToAny(addresses, this.destination.port, this.limits);
      return { value, detail: `to ${value.address}` };
    });
    this.#others = connected.others;
    this.#tried = connected.tried;
    return this.#keep(connected);
  }

  /** A connection to the proxy, for requests in absolute form. */
  async connectToProxy(proxy: ProxyServer): Promise<Socket> {
    return await this.trail.take('connection', async () => {
      return { value: await this.#reach(proxy), detail: `to proxy ${proxy.url.host}` };
    });
  }

  async #tunnel(proxy: ProxyServer): Promise<Socket> {
    const { host, port } = this.destination;
    const authority = printPlace({ host, port });
    return await this.trail.take('proxy', async () => {
      const reached = await this.#reach(proxy);
      const socket = await openTunnel(reached, { proxy, authority }, this.limits).catch((error: unknown) => {
        // A proxy that cannot reach the host itself may well be silent; whether it is the proxy, its own line shows.
        throw error instanceof ProxyRefused ? error : ofProxy(error, proxy, { isReached: true });
      });
      this.#open.push(socket);
      return { value: socket, detail: `tunnel through ${proxy.url.host}` };
    });
  }

  async #reach(proxy: ProxyServer): Promise<Socket> {
    const { url } = proxy;
    const host = bareHostname(url.hostname);
    try {
      const addresses = isAddress(host) ? [host] : (await this.probing.names(host, this.limits)).addresses;
      const socket = this.#keep(await connectToAny(addresses, Number(portOf(url)), this.limits));
      if (url.protocol !== 'https:') return socket;
      const wanted = { host, options: this.probing.tls, isPublic: false, protocols: ['http/1.1'] };
      return this.#keepSecured((await secure(socket, wanted, this.limits)).socket);
    } catch (error) {
      throw ofProxy(error, proxy);
    }
  }

  /** TLS over a connection. */
  async secure(socket: Socket, protocols: readonly string[]): Promise<TLSSocket> {
    const { host } = this.destination;
    const { tls, publicTls } = this.probing;
    const options = this.isPublic || this.destination.seen === 'undeclared' ? publicTls : tls;
    try {
      return await this.trail.take('tls', async () => {
        const wanted = { host, options, isPublic: this.isPublic, protocols };
        const secured = await secure(socket, wanted, this.limits);
        this.certificate = secured.certificate;
        this.notes.push(...secured.notes);
        const detail = `certificate of ${JSON.stringify(secured.certificate.issuer)} for ${host}`;
        return { value: this.#keepSecured(secured.socket), detail };
      });
    } catch (error) {
      if (error instanceof CertificateProblem) this.certificate = error.certificate;
      throw error;
    }
  }

  #keep({ socket, milliseconds }: Connected): Socket {
    this.milliseconds ??= milliseconds;
    this.#open.push(socket);
    return socket;
  }

  #keepSecured(socket: TLSSocket): TLSSocket {
    this.#open.push(socket);
    return socket;
  }

  /** Closes what is open, and waits for what other addresses had to say. */
  async end(): Promise<void> {
    for (const socket of this.#open.reverse()) socket.on('error', () => {}).destroy();
    const silent = await this.#others;
    if (silent.length > 0)
      this.notes.push(
        `${silent.length} of ${this.#tried} addresses ${silent.length === 1 ? 'does' : 'do'} not answer (${silent.join('; ')}): connections fail now and then`,
      );
  }
}

/** What fails there may be no fault of the destination: the proxy is one of its own. */
function ofProxy(error: unknown, { url }: ProxyServer, more: { readonly isReached?: boolean } = {}): unknown {
  if (!(error instanceof StepFailure)) return error;
  return new StepFailure('blocked', `proxy ${url.host}: ${error.message}`, {
    ...(error.hint !== undefined && { hint: error.hint }),
    missing: { kind: 'proxy', place: `${url.hostname}:${portOf(url)}`, ...more },
    cause: error.cause,
  });
}
