/** Lists for tests of what is made of them. */
import { compareDestinations, type Destination, type EgressList, type Evidence } from '../../src/egress/destination.ts';
import type { KnownSource } from '../../src/egress/knowledge/known.ts';
import type { Contact } from '../../src/lock/lock.ts';

export const testSources: readonly KnownSource[] = [
  {
    id: 'talos-egress-v1.14',
    title: 'Talos Linux v1.14: Egress Domains',
    address: 'https://docs.siderolabs.com/talos/v1.14/networking/egress-domains',
    date: '2026-05-04',
    by: 'owner',
  },
  {
    id: 'k8s-registry-redirects',
    title: 'registry.k8s.io: cmd/archeio/internal/app/handlers.go',
    address: 'kubernetes/registry.k8s.io, cmd/archeio/internal/app/handlers.go, 093d55a6',
    date: '2026-08-06',
    by: 'owner',
  },
  {
    id: 'chainguard-network',
    title: 'Chainguard: Network Requirements',
    address: 'https://edu.chainguard.dev/chainguard/chainguard-images/network-requirements/',
    date: '2025-06-17',
    by: 'owner',
  },
  {
    id: 'omni-egress',
    title: 'Omni: Firewall & Egress Requirements',
    address: 'https://docs.siderolabs.com/omni/omni-cluster-setup/omni-firewall-egress-requirement',
    date: '2026-05-04',
    by: 'owner',
  },
];

export function documented(...sources: readonly string[]): Evidence[] {
  return sources.map((source) => ({ kind: 'document', source }));
}

/** A registry of the internet by 443/tcp, unless told otherwise. */
export function destination(host: string, parts: Partial<Destination> = {}): Destination {
  return {
    role: 'staging',
    host,
    port: 443,
    protocol: 'tcp',
    speaks: 'https',
    isRegistry: false,
    required: true,
    purposes: [`registry ${host}`],
    component: 'ghcr',
    evidence: documented('talos-egress-v1.14'),
    ...parts,
  };
}

/** What the site's own options name. */
export function ofSite(host: string, parts: Partial<Destination> = {}): Destination {
  return destination(host, { component: 'site', evidence: [{ kind: 'configured', by: '--to' }], ...parts });
}

export function contactOf(host: string, parts: Partial<Contact> = {}): Contact {
  return {
    host,
    purpose: 'registry',
    observed: {
      registries: ['ghcr.io:443'],
      through: [],
      requests: 12,
      receivedBytes: 345_600_000,
      sentBytes: 0,
      first: '2026-11-20T08:00:00Z',
      last: '2026-11-26T10:08:04Z',
    },
    ...parts,
  };
}

export function listOf(destinations: readonly Destination[], notes: readonly string[] = []): EgressList {
  return { destinations: destinations.toSorted(compareDestinations), notes };
}

const registry = (host: string, parts: Partial<Destination> = {}) => destination(host, { isRegistry: true, ...parts });

const githubContent = 'anybody can upload to it, so that what may reach it may send data out';
const gar = 'every customer of Google Artifact Registry has a name under it';

/** ghcr.io into the site's registry. */
export const smallList: EgressList = listOf([
  registry('ghcr.io'),
  destination('pkg-containers.githubusercontent.com', {
    purposes: ['blobs of ghcr.io'],
    inPlaceOf: ['*.githubusercontent.com'],
  }),
  ofSite('10.5.0.1', { port: 6000, speaks: 'http', isRegistry: true, purposes: ['internal registry'] }),
]);

const atKubernetes = { component: 'kubernetes', evidence: documented('k8s-registry-redirects') } as const;
const regions = ['asia-east1', 'europe-north1', 'europe-west1', 'europe-west4', 'us-central1', 'us-east1'];

const nodesAfter: readonly Destination[] = [
  ofSite('10.5.0.1', { role: 'nodes', port: 6000, speaks: 'http', isRegistry: true, purposes: ['internal registry'] }),
  ofSite('10.0.0.1', {
    role: 'nodes',
    port: 123,
    protocol: 'udp',
    speaks: 'ntp',
    purposes: ['time'],
    evidence: [{ kind: 'configured', by: '--ntp' }],
  }),
  ...(['udp', 'tcp'] as const).map((protocol) =>
    ofSite('10.0.0.2', {
      role: 'nodes',
      port: 53,
      protocol,
      speaks: 'dns',
      purposes: ['names'],
      evidence: [{ kind: 'configured', by: '--dns' }],
    }),
  ),
];

/** A Talos release into the site's registry, and its nodes afterwards. */
export const talosList: EgressList = listOf(
  [
    ...smallList.destinations,
    registry('registry.k8s.io', atKubernetes),
    ...regions.map((region) =>
      registry(`${region}-docker.pkg.dev`, {
        ...atKubernetes,
        purposes: ['manifests of registry.k8s.io'],
        inPlaceOf: ['*.pkg.dev'],
        condition: 'the region nearest to who asks',
      }),
    ),
    destination('cdn.registry.k8s.io', { ...atKubernetes, purposes: ['blobs of registry.k8s.io'] }),
    destination('*.s3.dualstack.us-east-1.amazonaws.com', {
      ...atKubernetes,
      purposes: ['blobs of registry.k8s.io'],
      required: false,
      condition: 'for who asks from AWS',
      exfiltration: 'every bucket of Amazon S3 in that region has a name under it',
    }),
    registry('gcr.io', { component: 'gcr' }),
    destination('storage.googleapis.com', {
      component: 'gcr',
      purposes: ['blobs of gcr.io'],
      exfiltration: 'every bucket of Google Cloud Storage is behind this one name',
    }),
    registry('*.pkg.dev', { component: 'gcr', purposes: ['blobs of gcr.io'], exfiltration: gar, required: false }),
    ...nodesAfter,
  ],
  ['registry.k8s.io sends who asks to the region nearest to them, and may add regions at any time'],
);

const atChainguard = { component: 'chainguard', evidence: documented('chainguard-network') } as const;
const atOmni = { role: 'omni', evidence: documented('omni-egress') } as const;

/** `--components omni,chainguard`. */
export const componentList: EgressList = listOf([
  registry('ghcr.io', { ...atOmni, purposes: ['registry ghcr.io', 'the image of Omni'] }),
  destination('pkg-containers.githubusercontent.com', { ...atOmni, purposes: ['blobs of ghcr.io'] }),
  registry('factory.talos.dev', { ...atOmni, component: 'factory', purposes: ['installation media'] }),
  destination('*.factory.talos.dev', { ...atOmni, component: 'factory', purposes: ['installation media'] }),
  destination('<omni>', {
    role: 'nodes',
    component: 'omni',
    purposes: ['API of Omni'],
    evidence: documented('omni-egress'),
  }),
  destination('<omni>', {
    role: 'nodes',
    component: 'omni',
    port: 50180,
    protocol: 'udp',
    speaks: 'wireguard',
    purposes: ['SideroLink'],
    evidence: documented('omni-egress'),
  }),
  destination('discovery.talos.dev', {
    role: 'nodes',
    component: 'discovery',
    required: false,
    purposes: ['finding the other nodes'],
    condition: 'unless discovery is off',
  }),
  registry('cgr.dev', atChainguard),
  destination('console-api.enforce.dev', { ...atChainguard, purposes: ['API of the registry'] }),
  destination('issuer.enforce.dev', { ...atChainguard, purposes: ['tokens of identities'] }),
  destination('9236a389bd48b984df91adc1bc924620.r2.cloudflarestorage.com', {
    ...atChainguard,
    purposes: ['blobs of cgr.dev'],
    inPlaceOf: ['*.r2.cloudflarestorage.com'],
  }),
  destination('support.chainguard.dev', { ...atChainguard, purposes: ['support'], required: false }),
]);

const proxy = 'proxy.site.example:3128';

/** Merged with what runs contacted, through a proxy, with findings. */
export const observedList: EgressList = listOf([
  ...smallList.destinations.map((one) =>
    one.component === 'site'
      ? { ...one, seen: 'seen' as const }
      : {
          ...one,
          through: proxy,
          seen: 'seen' as const,
          evidence: [...one.evidence, { kind: 'observed', contact: contactOf(`${one.host}:443`) } as const],
        },
  ),
  ofSite('proxy.site.example', {
    port: 3128,
    speaks: 'tcp',
    purposes: ['proxy'],
    seen: 'seen',
    evidence: [{ kind: 'configured', by: 'HTTPS_PROXY' }],
  }),
  registry('quay.io', { component: 'quay', seen: 'declared-only', through: proxy }),
  destination('objects-origin.githubusercontent.com', {
    purposes: ['redirect from ghcr.io'],
    component: 'site',
    required: false,
    seen: 'undeclared',
    evidence: [
      { kind: 'observed', contact: contactOf('objects-origin.githubusercontent.com:443', { purpose: 'redirect' }) },
    ],
    exfiltration: githubContent,
  }),
]);

const manyRegions = [...Array(40).keys()].map((index) => `region-${index + 1}-docker.pkg.dev`);
const mcrRegions = ['eastus', 'westeurope', 'southeastasia'].map((region) => `${region}.data.mcr.microsoft.com`);

/** Over 60 destinations. */
export const largeList: EgressList = listOf([
  ...componentList.destinations,
  ...talosList.destinations,
  ...manyRegions.map((host) => registry(host, { ...atKubernetes, purposes: ['manifests of registry.k8s.io'] })),
  ...mcrRegions.map((host) => destination(host, { component: 'mcr', purposes: ['blobs of mcr.microsoft.com'] })),
]);

/** Texts that try to leave the place they are put in. */
export const hostileTexts = [
  '<script>alert(1)</script>',
  ']]><svg onload=alert(1)>',
  `"' onmouseover='alert(1)`,
  '=cmd|calc!A1',
  '@SUM(1)',
  '+1',
  '-1',
  'a|b\\|c`d`',
  'line\nbreak\rand\ttab',
  '\u0000\u001b[31mred\u009b\u202eesrever\ufeff\u200b',
  '\ud800 lone',
  '&amp;&#60;&lt;',
  '--><!--',
  '[x](javascript:alert(1))',
  '</style><img src=x onerror=alert(1)>',
  'w'.repeat(253),
];

/** Each hostile text in every place that may hold one. */
export const hostileList: EgressList = listOf(
  hostileTexts.map((text, index) => ({
    role: 'staging',
    host: text,
    port: 443 + index,
    protocol: 'tcp',
    speaks: 'https',
    isRegistry: true,
    required: index % 2 === 0,
    condition: text,
    purposes: [text],
    component: 'site',
    inPlaceOf: [text],
    exfiltration: text,
    through: index % 3 === 0 ? text : undefined,
    seen: index % 4 === 0 ? 'undeclared' : 'seen',
    evidence: [
      { kind: 'document', source: text },
      { kind: 'configured', by: text },
      { kind: 'observed', contact: contactOf(text) },
    ],
  })),
  hostileTexts,
);
