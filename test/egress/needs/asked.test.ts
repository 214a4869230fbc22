/** Whom nodes and the host that mirrors ask by the rules of the code that does it, against what is listed for them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, type Destination } from '../../../src/egress/destination.ts';
import { forRegistry } from '../../../src/egress/knowledge/find.ts';
import { nodeNeeds } from '../../../src/egress/needs/nodes.ts';
import { isThisMachine, placeOfRegistry, placeOfUrl } from '../../../src/egress/needs/place.ts';
import { stagingNeeds } from '../../../src/egress/needs/staging.ts';
import { nodePull, pullersOf } from '../../../src/node/node-pull.ts';
import type { PullStep } from '../../../src/node/pull.ts';
import { readNodeConfig } from '../../../src/node/read-config.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';

const registries = [
  'docker.io',
  'ghcr.io',
  'registry.k8s.io',
  'gcr.io',
  'us-docker.pkg.dev',
  'quay.io',
  'mcr.microsoft.com',
  'registry.example:5000',
  '[fd00::7]:5000',
  'localhost:5000',
];
const names = ['siderolabs/kubelet:v1.37.1', 'siderolabs/installer:v1.14.4', 'etcd:v3.6.5', 'team/app:1'];
const endpoints = [
  'https://mirror.site',
  'http://10.0.0.9:5000',
  'https://[fd00::9]:8443/v2/a',
  'http://127.0.0.1:3172',
  'no-scheme:5000',
];
const keys = [...registries, '*'];

interface Mirror {
  readonly registry: string;
  readonly endpoints: readonly string[];
  readonly skipFallback: boolean;
}

interface Job {
  readonly minor: number;
  readonly documents: boolean;
  readonly mirrors: readonly Mirror[];
  readonly images: readonly string[];
  readonly cache: boolean;
}

const mirror = fc.record({
  registry: fc.constantFrom(...keys),
  endpoints: fc.uniqueArray(fc.constantFrom(...endpoints), { maxLength: 3 }),
  skipFallback: fc.boolean(),
});
const image = fc.tuple(fc.constantFrom(...registries), fc.constantFrom(...names)).map((parts) => parts.join('/'));
const job: fc.Arbitrary<Job> = fc.record({
  minor: fc.integer({ min: 0, max: 14 }),
  documents: fc.boolean(),
  mirrors: fc.uniqueArray(mirror, { selector: ({ registry }) => registry, maxLength: 4 }),
  images: fc.uniqueArray(image, { minLength: 1, maxLength: 5 }),
  cache: fc.boolean(),
});

function textOf({ documents, mirrors, cache }: Job): string {
  const features = cache ? { features: { imageCache: { localEnabled: true } } } : {};
  const base = {
    version: 'v1alpha1',
    machine: {
      type: 'worker',
      token: 'x',
      time: { servers: ['10.0.0.1'] },
      network: { nameservers: ['10.0.0.2'] },
      ...features,
    },
  };
  if (!documents) {
    const entries = mirrors.map(({ registry, ...rest }) => [registry, rest]);
    return JSON.stringify({
      ...base,
      machine: { ...base.machine, registries: { mirrors: Object.fromEntries(entries) } },
    });
  }
  const texts = mirrors
    .map((one) => ({
      apiVersion: 'v1alpha1',
      kind: 'RegistryMirrorConfig',
      name: one.registry,
      endpoints: one.endpoints.map((url) => ({ url })),
      skipFallback: one.skipFallback,
    }))
    .map((one) => JSON.stringify(one));
  return [JSON.stringify(base), ...texts].join('\n---\n');
}

const shown = ({ host, port, protocol }: Destination) => `${host} ${port}/${protocol}`;

function asked(one: Job) {
  const version = parseTalosVersion(`v1.${one.minor}.0`);
  const config = readNodeConfig([{ name: 'node.yaml', text: textOf(one) }]);
  const images = one.images.map(parseReference);
  const pulls = images.flatMap((reference) =>
    pullersOf(reference, config).map((puller) =>
      nodePull(config, reference, { version, puller })
        .steps.filter(({ problem }) => problem === undefined)
        .map((step) => ({ ...step, registry: reference.registry })),
    ),
  );
  const needs = nodeNeeds({ config, images, version, by: () => 'node.yaml', wildcards: false });
  return { pulls, needs };
}

/** The node's own image cache stands before the registry, and holds only what it was given. */
function isMirror({ isUpstream, base }: PullStep): boolean {
  return !isUpstream && !base.startsWith('http://127.0.0.1:3172/');
}

describe('what nodes ask', () => {
  it('is in their list, and nothing else of registries is', () => {
    fc.assert(
      fc.property(job, (one) => {
        const { pulls, needs } = asked(one);
        const steps = pulls.flat();
        const places = steps.flatMap((step) => placeOfUrl(step.base) ?? []).filter(({ host }) => !isThisMachine(host));
        const listed = needs.destinations.map(shown);
        for (const { host, port } of places) expect(listed).toContain(`${host} ${port}/tcp`);
        const allowed = new Set(places.map(({ host, port }) => `${host} ${port}/tcp`));
        const upstream = steps.filter(({ isUpstream }) => isUpstream).flatMap(({ registry }) => forRegistry(registry));
        const companions = upstream.flatMap(({ host, exact = [] }) => [host, ...exact.map((known) => known.host)]);
        for (const destination of needs.destinations) {
          if (['10.0.0.1 123/udp', '10.0.0.2 53/udp', '10.0.0.2 53/tcp'].includes(shown(destination))) continue;
          expect(allowed.has(shown(destination)) || companions.includes(destination.host), shown(destination)).toBe(
            true,
          );
        }
      }),
      { numRuns: 400 },
    );
  });

  it('is required where nothing else can answer, and optional behind a mirror', () => {
    fc.assert(
      fc.property(job, (one) => {
        const { pulls, needs } = asked(one);
        const alone = pulls
          .filter((steps) => !steps.some(isMirror))
          .flatMap((steps) => steps.filter(({ isUpstream }) => isUpstream));
        for (const { base } of alone) {
          const place = placeOfUrl(base);
          const found = needs.destinations.filter(({ host, port }) => host === place?.host && port === place.port);
          if (place !== undefined && !isThisMachine(place.host))
            expect(found.some(({ required }) => required)).toBe(true);
        }
        if (alone.length > 0) return;
        const required = needs.destinations.filter((destination) => destination.required);
        const reasons = required.filter(({ purposes }) =>
          purposes.every((text) => !/^(?:mirror of|time|names)/.test(text)),
        );
        expect(reasons.map(shown)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

interface StagingJob {
  readonly wanted: readonly string[];
  readonly elsewhere: readonly { readonly registry: string; readonly place: string }[];
  readonly target: string;
  readonly wildcards: boolean;
}

const place = fc.constantFrom('cache.site', '10.0.0.8:5000', '[fd00::8]:5000');
const stagingJob: fc.Arbitrary<StagingJob> = fc.record({
  wanted: fc.uniqueArray(fc.constantFrom(...registries)),
  elsewhere: fc.uniqueArray(fc.record({ registry: fc.constantFrom(...keys), place }), {
    selector: ({ registry }) => registry,
    maxLength: 3,
  }),
  target: place,
  wildcards: fc.boolean(),
});

const ofHttps = (text: string) => placeOfRegistry(text, 'https');

function stagingOf({ wanted, elsewhere, target, wildcards }: StagingJob): readonly Destination[] {
  return stagingNeeds({
    registries: wanted,
    readAt: elsewhere.map((one) => ({ registry: one.registry, place: ofHttps(one.place), by: '--source-endpoint' })),
    target: { place: ofHttps(target), by: '--to' },
    nameServers: [],
    proxyFor: () => undefined,
    version: parseTalosVersion('v1.14.4'),
    wildcards,
  }).destinations;
}

/** As sourceEndpoints() finds it, with what is known to stand beside it; a loopback address meets no firewall. */
function readAt(registry: string, { elsewhere }: StagingJob): readonly (readonly [host: string, port: number])[] {
  const at = elsewhere.find((one) => one.registry === registry) ?? elsewhere.find((one) => one.registry === '*');
  if (at === undefined && registry.startsWith('localhost')) return [];
  const own = ofHttps(at?.place ?? (registry === 'docker.io' ? 'registry-1.docker.io' : registry));
  const companions = (at === undefined ? forRegistry(registry) : []).flatMap(({ host, exact = [] }) =>
    exact.length === 0 ? [host.replace('*', 'any')] : exact.map((known) => known.host),
  );
  return [[own.host, own.port], ...companions.map((host) => [host, 443] as const)];
}

describe('what the host that mirrors asks', () => {
  it('is in its list or covered by it: each registry where it is read, its companions, the target', () => {
    fc.assert(
      fc.property(stagingJob, (one) => {
        const destinations = stagingOf(one);
        const end = ofHttps(one.target);
        for (const [host, port] of [
          ...one.wanted.flatMap((registry) => readAt(registry, one)),
          [end.host, end.port] as const,
        ]) {
          expect(
            destinations.some((listed) => listed.port === port && covers(listed.host, host)),
            `${host}:${port}`,
          ).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
