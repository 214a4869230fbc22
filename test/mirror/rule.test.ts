import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type MirrorRule,
  manifestUrl,
  mirrorFor,
  mirrorsOf,
  pathSegment,
  placeRepository,
  repositoryAtMirror,
} from '../../src/mirror/rule.ts';
import { manifestPath } from '../../src/oci/distribution.ts';
import { formatRepository, isRepositoryPath, parseReference, parseTag } from '../../src/oci/reference.ts';
import { reference as anyReference, registryHost } from '../oci/arbitraries.ts';

const target = '10.5.0.1:6000';
const endpoint = `http://${target}`;
const kubelet = parseReference('ghcr.io/siderolabs/kubelet:v1');
const byHost: MirrorRule = { naming: 'replace-host', registry: target, prefix: '' };

const anyRule: fc.Arbitrary<MirrorRule> = fc.record({
  naming: fc.constantFrom('replace-host' as const, 'by-registry' as const),
  registry: fc.constant(target),
  prefix: fc.constantFrom('', 'mirror', 'a/b'),
});

describe('placeRepository()', () => {
  it.each([
    ['replace-host', '', `${target}/siderolabs/kubelet`],
    ['replace-host', 'p/q', `${target}/p/q/siderolabs/kubelet`],
    ['by-registry', '', `${target}/ghcr.io/siderolabs/kubelet`],
    ['by-registry', 'p', `${target}/p/ghcr.io/siderolabs/kubelet`],
    ['keep', '', 'ghcr.io/siderolabs/kubelet'],
  ] as const)('by %s with prefix "%s" gives %s', (naming, prefix, place) => {
    expect(formatRepository(placeRepository({ naming, registry: target, prefix }, kubelet))).toBe(place);
  });

  it('gives a repository name, and no tag', () => {
    expect(placeRepository(byHost, kubelet)).toEqual({ registry: target, repository: 'siderolabs/kubelet' });
    expect(placeRepository({ ...byHost, naming: 'keep' }, kubelet)).toEqual({
      registry: 'ghcr.io',
      repository: 'siderolabs/kubelet',
    });
  });
});

describe('pathSegment()', () => {
  it.each([
    ['ghcr.io', 'ghcr.io'],
    ['registry.local:5000', 'registry.local_5000'],
    ['[::1]:5000', '0__1-5000'],
    ['[fe80::]', 'fe80__0'],
    ['[::]', '0__0'],
    ['[2001:db8::1]', '2001_db8__1'],
  ])('writes %s as %s', (host, segment) => {
    expect(pathSegment(host)).toBe(segment);
  });

  it('gives each host its own valid path segment', () => {
    fc.assert(
      fc.property(fc.uniqueArray(registryHost, { minLength: 2, maxLength: 30 }), (hosts) => {
        const segments = hosts.map(pathSegment);
        expect(segments.filter((segment) => !isRepositoryPath(segment))).toEqual([]);
        expect(new Set(segments).size).toBe(hosts.length);
      }),
    );
  });
});

describe('mirrorsOf()', () => {
  const registries = ['quay.io', 'ghcr.io', 'quay.io'];

  it('gives one entry for any registry where all live at one path', () => {
    expect(mirrorsOf(byHost, endpoint, { registries })).toEqual([{ registry: '*', endpoint, pathPrefix: '' }]);
  });

  it('gives one entry per registry on request, sorted and each once', () => {
    expect(mirrorsOf(byHost, endpoint, { registries, perRegistry: true })).toEqual([
      { registry: 'ghcr.io', endpoint, pathPrefix: '' },
      { registry: 'quay.io', endpoint, pathPrefix: '' },
    ]);
  });

  it('gives one entry per registry where paths differ or have a prefix', () => {
    expect(mirrorsOf({ ...byHost, naming: 'by-registry', prefix: 'p' }, endpoint, { registries })).toEqual([
      { registry: 'ghcr.io', endpoint, pathPrefix: 'p/ghcr.io' },
      { registry: 'quay.io', endpoint, pathPrefix: 'p/quay.io' },
    ]);
    expect(mirrorsOf({ ...byHost, prefix: 'p' }, endpoint, { registries: ['ghcr.io'] })).toEqual([
      { registry: 'ghcr.io', endpoint, pathPrefix: 'p' },
    ]);
  });

  it('gives none for no registries', () => {
    expect(mirrorsOf(byHost, endpoint, { registries: [] })).toEqual([]);
  });
});

describe('mirrorFor()', () => {
  const any = { registry: '*', endpoint: 'http://any', pathPrefix: '' };
  const exact = { registry: 'ghcr.io', endpoint: 'http://exact', pathPrefix: '' };

  it('takes the exact entry before the one for any registry', () => {
    expect(mirrorFor([any, exact], 'ghcr.io')).toBe(exact);
    expect(mirrorFor([any, exact], 'quay.io')).toBe(any);
    expect(mirrorFor([exact], 'quay.io')).toBeUndefined();
  });
});

describe('the node and the copier', () => {
  it('agree on the URL of every reference', () => {
    const endpoints = fc.constantFrom(endpoint, `https://${target}`);
    fc.assert(
      fc.property(
        anyRule,
        anyReference,
        fc.array(registryHost, { maxLength: 3 }),
        fc.boolean(),
        endpoints,
        (rule, reference, others, perRegistry, at) => {
          const mirrors = mirrorsOf(rule, at, { registries: [...others, reference.registry], perRegistry });
          const mirror = mirrorFor(mirrors, reference.registry);
          if (mirror === undefined) return expect.fail('no mirror for this registry');
          const written = placeRepository(rule, reference);
          expect(repositoryAtMirror(mirror, reference)).toEqual(written);
          const version = reference.digest ?? reference.tag ?? parseTag('latest');
          expect(manifestUrl(mirror, reference)).toBe(`${at}${manifestPath(written.repository, version)}`);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
