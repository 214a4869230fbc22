/**
 * An internet of the tests' own, in network namespaces: hosts with their real names on documentation addresses, hosts that mirror, a node,
 * and a router between them and the internet.
 *
 *     staging, its twins ─┐
 *                         ├─ router ── world: ghcr.io, registry.k8s.io, … registry.site, DNS, NTP
 *     node ───────────────┘
 *
 *     const world = await openWorld(['quay.io']);
 *     await world.airgap('staging', ['mirror', 'ghcr.io/siderolabs/kubelet:v1.37.1', '--to', 'https://registry.site']);
 *     ... await world.contacted() ...
 *     await world.close();
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeAuthority } from '../../../src/certificates/certificate.ts';
import { airgapCommand } from './airgap.ts';
import type { Connection, Order, Plan, PlannedHost } from './egressPlan.ts';
import { Namespaces } from './namespaces.ts';
import { output, type Run, type RunOptions, run } from './programs.ts';

const runner = fileURLToPath(new URL('../../support/run.mjs', import.meta.url));
const hostsFile = fileURLToPath(new URL('./egressHosts.ts', import.meta.url));

/** Addresses outside the namespaces' links (RFC 5737, RFC 3849) and the resolvers Talos has by default. */
const internet = ['203.0.113.0/24', '198.51.100.0/24', '192.0.2.0/24', '1.1.1.1', '8.8.8.8', '2001:db8::/32'];

export const nameServer = '203.0.113.53';
/** Packets to it are swallowed. */
export const silentAddress = '198.51.100.250';
/** Of the router's end towards `staging`: where a proxy may listen. */
export const proxyAddress = '10.77.1.1';
/** Of the namespaces' ends towards the router. */
export const addressOf = { staging: ['10.77.1.2', 'fd77:1::2'], node: ['10.77.2.2', 'fd77:2::2'] } as const;

/** Hosts like `staging`, for checks at the same time under different rules. */
export const twins = ['twin1', 'twin2', 'twin3'] as const;
export type Place = 'staging' | 'node' | 'router' | (typeof twins)[number];
/** Each in a network of its own, numbered in this order. */
const hosts = ['world', 'staging', 'node', ...twins] as const;

/** Two addresses each: the numbers count on from ghcr.io. */
const named: readonly Omit<PlannedHost, 'addresses'>[] = [
  {
    name: 'ghcr.io',
    serves: 'registry',
    registry: 'ghcr.io',
    realm: 'https://ghcr.io/token',
    blobsAt: 'pkg-containers.githubusercontent.com',
  },
  { name: 'pkg-containers.githubusercontent.com', serves: 'blobs', registry: 'ghcr.io' },
  {
    name: 'registry.k8s.io',
    serves: 'registry',
    registry: 'registry.k8s.io',
    redirectsTo: 'europe-west1-docker.pkg.dev',
  },
  { name: 'europe-west1-docker.pkg.dev', serves: 'registry', registry: 'registry.k8s.io' },
  {
    name: 'registry-1.docker.io',
    serves: 'registry',
    registry: 'docker.io',
    realm: 'https://auth.docker.io/token',
    blobsAt: 'production.cloudfront.docker.com',
  },
  { name: 'auth.docker.io', serves: 'tokens', registry: 'docker.io' },
  { name: 'production.cloudfront.docker.com', serves: 'blobs', registry: 'docker.io' },
  { name: 'registry.site', serves: 'site' },
  { name: 'time.cloudflare.com', serves: 'time' },
];

/** What stands upstream: one image in each registry. */
export const images = [
  'ghcr.io/siderolabs/kubelet:v1.37.1',
  'registry.k8s.io/pause:3.10',
  'docker.io/grafana/loki:3.9.0',
] as const;

/** Starts everything; `others` are names that answer TLS and have nothing. */
export async function openWorld(others: readonly string[]): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-world-'));
  const namespaces = await Namespaces.make(['router', ...hosts]);
  const world = new World(folder, namespaces);
  try {
    await world.start(others);
    return world;
  } catch (error) {
    await world.close();
    throw error;
  }
}

export class World {
  /** Working folder of what runs in the namespaces. */
  readonly folder: string;
  readonly #namespaces: Namespaces;
  readonly authorities = { own: makeAuthority(), other: makeAuthority() };
  #process: ChildProcess | undefined;
  #lines: Interface | undefined;

  constructor(folder: string, namespaces: Namespaces) {
    this.folder = folder;
    this.#namespaces = namespaces;
  }

  /** PEM file of the authority that vouches for every host. */
  get ca(): string {
    return join(this.folder, 'ca.pem');
  }

  async start(others: readonly string[]): Promise<void> {
    const known = new Set(named.map(({ name }) => name));
    const unknown = [...new Set(others)].filter((name) => !known.has(name));
    const planned = [...named, ...unknown.map((name) => ({ name, serves: 'other' as const }))].map((host, index) => ({
      ...host,
      addresses: addressesFor(host.name, index),
    }));
    const plan: Plan = {
      authorities: this.authorities,
      hosts: planned,
      nameServers: [nameServer, '1.1.1.1', '8.8.8.8'],
      images: images.map((reference) => ({ reference, platforms: ['linux/amd64', 'linux/arm64'] })),
    };
    await writeFile(this.ca, this.authorities.own.certificate);
    await writeFile(join(this.folder, 'plan.json'), JSON.stringify(plan));
    await this.#connect([...plan.nameServers, ...planned.flatMap(({ addresses }) => addresses)]);
    await this.#startHosts();
  }

  /** Runs a program in a namespace, whatever its exit status. */
  run(place: Place, command: readonly string[], options: RunOptions = {}): Promise<Run> {
    return run(this.#namespaces.command(place, command), { cwd: this.folder, ...options });
  }

  /** Runs the program there, trusting the world's authority. */
  airgap(place: Place, args: readonly string[], options: Pick<RunOptions, 'env'> = {}): Promise<Run> {
    const { command, env } = airgapCommand([...args, '--ca', this.ca]);
    return this.run(place, command, { env: { ...env, ...options.env } });
  }

  /** Starts a program there that runs until stop(), or until the world ends. */
  startProgram(place: Place, command: readonly string[]): { stop(): Promise<void> } {
    const [program = '', ...args] = this.#namespaces.command(place, command);
    const child = spawn(program, args, { cwd: this.folder, stdio: 'ignore' });
    const ended = once(child, 'exit');
    return {
      stop: async () => {
        child.kill('SIGTERM');
        await ended;
      },
    };
  }

  /** Replaces every rule of a namespace; an empty text takes them away. */
  async loadRules(place: Place, text: string): Promise<void> {
    const loading = this.#namespaces.command(place, ['nft', '-f', '-']);
    await output(loading, { input: `flush ruleset\n${text}` });
  }

  /** Every connection so far. Questions for names are not among them. */
  async connections(): Promise<readonly Connection[]> {
    return (await this.order({ kind: 'connections' })) as Connection[];
  }

  /** Whom somebody connected to, as `host:port`, each once, sorted. */
  async contacted(): Promise<string[]> {
    return [...new Set((await this.connections()).map(({ host, port }) => `${host}:${port}`))].sort();
  }

  async order(order: Order): Promise<unknown> {
    const answer = once(this.#lines ?? process.stdin, 'line');
    this.#process?.stdin?.write(`${JSON.stringify(order)}\n`);
    const [line] = (await answer) as [string];
    return JSON.parse(line);
  }

  async close(): Promise<void> {
    this.#process?.kill('SIGKILL');
    this.#namespaces.remove();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #connect(addresses: readonly string[]): Promise<void> {
    const spaces = this.#namespaces;
    for (const [subnet, name] of hosts.entries()) {
      await spaces.link({
        between: [name, 'router'],
        addresses: [
          [`10.77.${subnet}.2/24`, `fd77:${subnet}::2/64`],
          [`10.77.${subnet}.1/24`, `fd77:${subnet}::1/64`],
        ],
      });
      await spaces.configure(name, [
        `route add default via 10.77.${subnet}.1`,
        `route add default via fd77:${subnet}::1`,
      ]);
      spaces.askForNames(name, [nameServer]);
    }
    spaces.askForNames('router', [nameServer]);
    await spaces.configure('world', [
      ...addresses.map((address) => `address add ${address} dev lo${address.includes(':') ? ' nodad' : ''}`),
      `route add blackhole ${silentAddress}`,
    ]);
    await spaces.configure(
      'router',
      internet.map((block) => `route add ${block} via ${gatewayFor(block)}`),
    );
    const forward = 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding';
    await output(spaces.command('router', ['sh', '-c', forward]));
  }

  async #startHosts(): Promise<void> {
    const [program = '', ...args] = this.#namespaces.command('world', [
      process.execPath,
      runner,
      hostsFile,
      join(this.folder, 'plan.json'),
    ]);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => {});
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout });
    const ended = once(child, 'exit').then(([status]) => {
      throw new Error(`The hosts ended with ${status}`);
    });
    await Promise.race([once(this.#lines, 'line'), ended]);
    ended.catch(() => {});
  }
}

/** The site has addresses of its own block: it is no part of the internet. */
function addressesFor(name: string, index: number): string[] {
  const block = name.endsWith('.site') ? '192.0.2' : index < 50 ? '203.0.113' : '198.51.100';
  return [`${block}.${100 + (index % 50)}`, `2001:db8::${(256 + index).toString(16)}`];
}

function gatewayFor(block: string): string {
  return block.includes(':') ? 'fd77:0::2' : '10.77.0.2';
}
