/**
 * Every host of the test's internet, in one process inside a namespace: `egressHosts.ts PLAN.json`. It says `{"ready":true}`, takes orders
 * as lines of JSON on standard input, answers each with one, and ends when its standard input does.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { makeServerCertificate } from '../../../src/certificates/certificate.ts';
import { type RunningServer, serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { AccessLog } from '../../support/accessLog.ts';
import { Guard } from '../../support/guard.ts';
import { startNameServer, type TestNameServer } from '../../support/nameServer.ts';
import { relay } from '../../support/relay.ts';
import { seedImage } from '../../support/seedImages.ts';
import type { Connection, Order, Plan, PlannedHost } from './egressPlan.ts';

const agent = new Agent({ keepAlive: true });
/** Where a redirecting registry's own backend keeps what it redirects to. */
const backendFolder = 'k8s-artifacts-prod/images/';

class Hosts {
  readonly #plan: Plan;
  readonly #connections: Connection[] = [];
  readonly #servers = new Map<string, Server[]>();
  readonly #guards = new Map<string, Guard>();
  /** Hosts that show a certificate of the other authority. */
  readonly #intercepted = new Set<string>();
  /** Other hosts for the blobs of a registry than planned. */
  readonly #blobsAt = new Map<string, string>();
  readonly #images = openMemory();
  readonly #names: TestNameServer[] = [];
  #upstream: RunningServer | undefined;
  #site: RunningServer | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  async start(): Promise<void> {
    for (const { reference, ...options } of this.#plan.images) await seedImage(this.#images, reference, options);
    this.#upstream = await serveStore(this.#images);
    await this.#emptySite();
    for (const host of this.#plan.hosts) if (host.serves !== 'time') await this.#listen(host);
    for (const host of this.#plan.hosts) if (host.serves === 'time') await this.#tellTime(host);
    for (const address of this.#plan.nameServers) this.#names.push(await startNameServer({ address, port: 53 }));
    for (const { name, addresses } of this.#plan.hosts) this.#name(name, addresses);
  }

  async obey(order: Order): Promise<unknown> {
    if (order.kind === 'connections') return this.#connections;
    if (order.kind === 'begin-anew') await this.#beginAnew();
    else if (order.kind === 'name') this.#name(order.name, order.addresses);
    else if (order.kind === 'certify') this.#certify(order);
    else if (order.kind === 'redirect-blobs') this.#blobsAt.set(order.name, order.to);
    else await this.#emptySite();
    return true;
  }

  async #beginAnew(): Promise<void> {
    await this.#emptySite();
    for (const { name, addresses } of this.#plan.hosts) this.#name(name, addresses);
    for (const name of [...this.#intercepted]) this.#certify({ name, by: 'own' });
    this.#blobsAt.clear();
    this.#connections.length = 0;
  }

  async #emptySite(): Promise<void> {
    await this.#site?.close();
    this.#site = await serveStore(openMemory(), { writable: true });
  }

  #name(name: string, addresses: readonly string[]): void {
    for (const server of this.#names) server.set(name, { addresses });
  }

  #certify({ name, by }: { readonly name: string; readonly by: 'own' | 'other' }): void {
    if (by === 'own') this.#intercepted.delete(name);
    else this.#intercepted.add(name);
    const { certificate, key } = makeServerCertificate(this.#plan.authorities[by], { names: [name] });
    for (const server of this.#servers.get(name) ?? []) server.setSecureContext({ cert: certificate, key });
  }

  async #listen(host: PlannedHost): Promise<void> {
    const { certificate, key } = makeServerCertificate(this.#plan.authorities.own, { names: [host.name] });
    const servers: Server[] = [];
    for (const address of host.addresses) {
      const server = createServer({ cert: certificate, key }, (request, response) => {
        request.on('error', () => {});
        response.on('error', () => {});
        void this.#answer(host, { request, response });
      });
      server.on('connection', (socket) => {
        const from = (socket as Socket).remoteAddress ?? '';
        this.#connections.push({ host: host.name, port: 443, protocol: 'tcp', from });
      });
      server.on('tlsClientError', () => {});
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(443, address, resolve);
      });
      servers.push(server);
    }
    this.#servers.set(host.name, servers);
  }

  async #answer(planned: PlannedHost, met: Met): Promise<void> {
    const { request, response } = met;
    const host = this.#asOrdered(planned);
    const path = request.url ?? '/';
    if (host.serves === 'site') return this.#relay(met, { behind: this.#site, path });
    if (host.registry === undefined) return refuse(response, 404);
    if (path.startsWith('/token') && host.serves !== 'blobs') {
      await this.#guard(host).issue(request, response);
      return;
    }
    if (host.serves === 'tokens') return refuse(response, 404);
    if (host.serves === 'blobs') {
      // As object stores do: a second credential beside the one in the URL is refused.
      if (request.headers.authorization !== undefined) return refuse(response, 400);
      return this.#relay(met, { behind: this.#upstream, path: within(path, host.registry) });
    }
    if (host.redirectsTo !== undefined && /^\/v2\/./.test(path)) {
      return redirect(response, `https://${host.redirectsTo}${path.replace('/v2/', `/v2/${backendFolder}`)}`);
    }
    if (host.realm !== undefined && !this.#guard(host).admits(request, response)) return;
    const isBlob = request.method === 'GET' && path.includes('/blobs/sha');
    if (isBlob && host.blobsAt !== undefined) return redirect(response, `https://${host.blobsAt}${path}`);
    return this.#relay(met, { behind: this.#upstream, path: within(path.replace(backendFolder, ''), host.registry) });
  }

  #asOrdered(host: PlannedHost): PlannedHost {
    const blobsAt = this.#blobsAt.get(host.name);
    if (blobsAt !== undefined) return { ...host, blobsAt };
    const [sender] = [...this.#blobsAt].find(([, to]) => to === host.name) ?? [];
    const registry = this.#plan.hosts.find(({ name }) => name === sender)?.registry;
    return registry === undefined ? host : { ...host, serves: 'blobs', registry };
  }

  /** One for each registry: its token service and it know the same tokens. */
  #guard({ registry = '' }: PlannedHost): Guard {
    const realm = this.#plan.hosts.find((host) => host.registry === registry && host.realm !== undefined)?.realm ?? '';
    const guard = this.#guards.get(registry) ?? new Guard({ tokens: { realm } });
    this.#guards.set(registry, guard);
    return guard;
  }

  async #relay(met: Met, to: { readonly behind: RunningServer | undefined; readonly path: string }): Promise<void> {
    const entry = new AccessLog().begin(met.request, 'registry');
    await relay({ ...met, entry, action: undefined, port: to.behind?.port ?? 0, agent, path: to.path });
  }

  /** NTP, RFC 5905 section 7.3: a server's answer at stratum 2 that gives the question's transmit time back. */
  async #tellTime(host: PlannedHost): Promise<void> {
    for (const address of host.addresses) {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      socket.on('message', (question, { address: from, port }) => {
        this.#connections.push({ host: host.name, port: 123, protocol: 'udp', from });
        if (question.length >= 48) socket.send(timeAnswer(question), port, from);
      });
      await new Promise<void>((resolve) => socket.bind(123, address, resolve));
    }
  }
}

interface Met {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function within(path: string, registry: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}ns=${registry}`;
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(307, { location, 'content-length': 0 }).end();
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end();
}

function timeAnswer(question: Buffer): Buffer {
  const answer = Buffer.alloc(48);
  const version = (question[0] ?? 0) & 0x38;
  answer.set([version | 4, 2, 6, 0xec]);
  question.copy(answer, 24, 40, 48);
  const seconds = Math.floor(Date.now() / 1000) + 2_208_988_800;
  for (const at of [16, 32, 40]) answer.writeUInt32BE(seconds, at);
  return answer;
}

async function main(): Promise<void> {
  const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Plan;
  const hosts = new Hosts(plan);
  await hosts.start();
  console.log(JSON.stringify({ ready: true }));
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await hosts.obey(JSON.parse(line) as Order)));
  }
  process.exit(0);
}

await main();
