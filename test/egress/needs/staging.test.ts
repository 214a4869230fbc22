import { describe, expect, it } from 'vitest';
import { mergeNeeds } from '../../../src/egress/needs/merge.ts';
import { placeOfRegistry } from '../../../src/egress/needs/place.ts';
import { type StagingFacts, stagingNeeds } from '../../../src/egress/needs/staging.ts';
import { readVersion } from '../../../src/talos/version.ts';

const version = readVersion('v1.14.4');
if (version === undefined) throw new Error('v1.14.4');

const facts: StagingFacts = {
  registries: ['ghcr.io'],
  readAt: [],
  target: { place: placeOfRegistry('10.5.0.1:6000', 'http'), by: '--to' },
  nameServers: [{ address: '10.0.0.2', port: 53, by: 'this machine' }],
  proxyFor: () => undefined,
  version,
  wildcards: false,
};

const listOf = (more: Partial<StagingFacts>) => mergeNeeds([stagingNeeds({ ...facts, ...more })]);
const hostsOf = (more: Partial<StagingFacts>) =>
  listOf(more).destinations.map(({ host, port, protocol }) => `${host}:${port}/${protocol}`);

describe('stagingNeeds()', () => {
  it('a known registry comes with its blobs, beside the target and the name servers', () => {
    expect(hostsOf({}).sort()).toEqual([
      '10.0.0.2:53/tcp',
      '10.0.0.2:53/udp',
      '10.5.0.1:6000/tcp',
      'ghcr.io:443/tcp',
      'pkg-containers.githubusercontent.com:443/tcp',
    ]);
  });

  it("gives the vendor's wildcards where they are wanted, and says why they are dangerous", () => {
    const list = listOf({ wildcards: true });
    const wildcard = list.destinations.find(({ host }) => host === '*.githubusercontent.com');
    expect(wildcard?.exfiltration).toBeDefined();
    expect(list.destinations.map(({ host }) => host)).not.toContain('pkg-containers.githubusercontent.com');
  });

  it('a registry that is read elsewhere is not needed itself; `*` is for all others', () => {
    const readAt = [
      { registry: '*', place: placeOfRegistry('cache.site', 'https'), by: '--from' },
      { registry: 'quay.io', place: placeOfRegistry('quay.site:8443', 'https'), by: '--source-endpoint' },
    ];
    expect(hostsOf({ registries: ['ghcr.io', 'quay.io'], readAt })).toEqual(
      expect.arrayContaining(['cache.site:443/tcp', 'quay.site:8443/tcp']),
    );
    expect(hostsOf({ registries: ['ghcr.io', 'quay.io'], readAt })).not.toContain('ghcr.io:443/tcp');
  });

  it('of a registry that nobody wrote about, what is not known is said', () => {
    const { destinations, notes } = listOf({ registries: ['registry.example:5000'] });
    expect(destinations.map(({ host, port, speaks }) => `${host}:${port} ${speaks}`)).toContain(
      'registry.example:5000 https',
    );
    expect(notes.join()).toContain('registry.example:5000: whether it has its token service and its blobs elsewhere');
  });

  it('through a proxy: the proxy is opened, the rest is marked, and names are left to it', () => {
    const proxy = { host: 'proxy.site', port: 3128, speaks: 'http' } as const;
    const proxyFor = ({ host }: { readonly host: string }) => (host === '10.5.0.1' ? undefined : proxy);
    const { destinations } = listOf({ proxyFor });
    expect(destinations.filter(({ through }) => through === 'proxy.site:3128').map(({ host }) => host)).toEqual([
      'pkg-containers.githubusercontent.com',
      'ghcr.io',
    ]);
    expect(destinations.find(({ host }) => host === 'proxy.site')).toMatchObject({ port: 3128, required: true });
    // The proxy has a name itself.
    expect(destinations.some(({ speaks }) => speaks === 'dns')).toBe(true);
    const byAddress = () => ({ host: '10.0.0.8', port: 3128, speaks: 'http' }) as const;
    expect(listOf({ proxyFor: byAddress }).destinations.some(({ speaks }) => speaks === 'dns')).toBe(false);
    const onThisMachine = () => ({ host: '127.0.0.1', port: 3128, speaks: 'http' }) as const;
    expect(listOf({ proxyFor: onThisMachine }).destinations.map(({ host }) => host)).not.toContain('127.0.0.1');
  });

  it('this machine needs no firewall, neither as target nor as name server', () => {
    const target = { place: placeOfRegistry('127.0.0.1:6000', 'http'), by: '--to' };
    const nameServers = [{ address: '127.0.0.53', port: 53, by: 'this machine' }];
    const { destinations, notes } = listOf({ target, nameServers });
    expect(destinations.map(({ host }) => host).sort()).toEqual(['ghcr.io', 'pkg-containers.githubusercontent.com']);
    expect(notes).toContain('127.0.0.1:6000 is this machine itself: no firewall is on the way');
    expect(notes.join()).toContain('which name servers this host asks is not known here');
  });

  it('a target with an address alone needs no names', () => {
    expect(hostsOf({ registries: [] })).toEqual(['10.5.0.1:6000/tcp']);
  });
});
