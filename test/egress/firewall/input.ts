/** One list for every language: each kind of host, role and mark a list can hold. */
import { compareDestinations, type Destination } from '../../../src/egress/destination.ts';
import type { FirewallInput, KnownAddress } from '../../../src/egress/firewall/language.ts';

const shared = 'a name that many tenants share: who may reach it can send data to anybody';

const written: readonly Destination[] = [
  destination('staging ghcr.io:443', { isRegistry: true, purposes: ['registry ghcr.io'] }),
  destination('staging pkg-containers.githubusercontent.com:443', {
    purposes: ['blobs of ghcr.io'],
    inPlaceOf: ['*.githubusercontent.com'],
  }),
  destination('staging registry.k8s.io:443', { isRegistry: true, purposes: ['registry registry.k8s.io'] }),
  destination('staging *.pkg.dev:443', { purposes: ['blobs of registry.k8s.io'], exfiltration: shared }),
  destination('staging *.s3.dualstack.*.amazonaws.com:443', {
    purposes: ['blobs of registry.k8s.io'],
    required: false,
    condition: 'from within AWS',
    exfiltration: shared,
  }),
  destination('staging auth.docker.io:443', {
    purposes: ['token service of docker.io'],
    through: 'proxy.site:3128',
  }),
  destination('staging proxy.site:3128', { speaks: 'http', component: 'site', purposes: ['proxy'] }),
  destination('staging fd00::50:5000', {
    speaks: 'http',
    isRegistry: true,
    component: 'site',
    purposes: ['target registry'],
  }),
  destination('staging 10.0.0.2:53', { protocol: 'udp', speaks: 'dns', component: 'site', purposes: ['names'] }),
  destination('staging 10.0.0.2:53', { speaks: 'dns', component: 'site', purposes: ['names'] }),
  destination('nodes 10.5.0.1:6000', {
    speaks: 'http',
    isRegistry: true,
    component: 'site',
    purposes: ['registry of the site'],
  }),
  destination('nodes registry.site:443', { isRegistry: true, component: 'site', purposes: ['registry of the site'] }),
  destination('nodes discovery.talos.dev:443', {
    component: 'discovery',
    required: false,
    condition: 'unless discovery is turned off',
    purposes: ['discovery service'],
  }),
  destination('nodes time.cloudflare.com:123', { protocol: 'udp', speaks: 'ntp', purposes: ['time'] }),
  destination('nodes <name server>:53', { protocol: 'udp', speaks: 'dns', purposes: ['names'] }),
  destination('nodes <omni>:50180', { protocol: 'udp', speaks: 'wireguard', component: 'omni', purposes: ['tunnel'] }),
  destination('omni ghcr.io:443', { isRegistry: true, component: 'omni', purposes: ['registry ghcr.io'] }),
  destination('omni *.githubusercontent.com:443', {
    component: 'omni',
    purposes: ['blobs of ghcr.io'],
    exfiltration: shared,
  }),
  destination('omni factory.talos.dev:443', { component: 'omni', purposes: ['Image Factory'] }),
];

interface Said extends Partial<Destination> {
  readonly purposes: readonly string[];
}

/** `role host:port`, and whatever differs from an HTTPS destination of Talos that a document names. */
export function destination(text: string, said: Said): Destination {
  const [, role = '', host = '', port = ''] = /^(\w+) (.*):(\d+)$/.exec(text) ?? [];
  if (role !== 'staging' && role !== 'nodes' && role !== 'omni') throw new Error(`no role: ${text}`);
  return {
    role,
    host,
    port: Number(port),
    protocol: 'tcp',
    speaks: 'https',
    isRegistry: false,
    required: true,
    component: 'kubernetes',
    evidence: [{ kind: 'document', source: 'talos-egress-v1.14' }],
    ...said,
  };
}

export const destinations: readonly Destination[] = [...written].sort(compareDestinations);

export const addresses: ReadonlyMap<string, readonly KnownAddress[]> = new Map([
  ['ghcr.io', [{ address: '140.82.121.33', ttl: 60 }]],
  [
    'pkg-containers.githubusercontent.com',
    [
      { address: '185.199.108.154', ttl: 3600 },
      { address: '2606:50c0:8000::154', ttl: 3600 },
    ],
  ],
  ['registry.k8s.io', [{ address: '34.96.108.209', ttl: 300 }]],
  ['registry.site', [{ address: '10.5.0.9', ttl: 30 }]],
  ['time.cloudflare.com', [{ address: '162.159.200.1', ttl: 300 }]],
]);

/** Rules for the host itself, with nothing looked up; `changed` on top. */
export function input(changed: Partial<FirewallInput> = {}): FirewallInput {
  return { destinations, addresses: new Map(), from: new Map(), stateless: false, graceSeconds: 600, ...changed };
}

/** Who connects, for rules on a gateway. */
export const from: FirewallInput['from'] = new Map([
  ['staging', ['10.0.0.5', 'fd00::5']],
  ['nodes', ['10.5.0.0/24', 'fd00:5::/64']],
  ['omni', ['10.0.0.7']],
]);
