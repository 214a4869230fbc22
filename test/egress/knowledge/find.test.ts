import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { knownDestinations } from '../../../src/egress/knowledge/all.ts';
import { expandComponents, forComponent, forRegistry } from '../../../src/egress/knowledge/find.ts';
import { componentNames, type KnownDestination } from '../../../src/egress/knowledge/known.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';

const minors = Array.from({ length: 15 }, (_, minor) => parseTalosVersion(`v1.${minor}.0`));

function hostsOf(known: readonly KnownDestination[]): string[] {
  return known.map(({ host }) => host);
}

describe('forRegistry', () => {
  it('has the token service and the content hosts of Docker Hub', () => {
    expect(hostsOf(forRegistry('docker.io'))).toEqual([
      'registry-1.docker.io',
      'auth.docker.io',
      'production.cloudfront.docker.com',
      'production.cloudflare.docker.com',
      'docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com',
    ]);
    // What Docker's own list has no more.
    expect(hostsOf(forRegistry('docker.io').filter(({ required }) => !required))).toEqual([
      'production.cloudflare.docker.com',
      'docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com',
    ]);
  });

  it.each(['index.docker.io', 'registry-1.docker.io', 'DOCKER.IO'])('knows %s as Docker Hub', (name) => {
    expect(forRegistry(name)).toEqual(forRegistry('docker.io'));
  });

  it('has the backends of registry.k8s.io, those for AWS as optional', () => {
    const known = forRegistry('registry.k8s.io');
    expect(hostsOf(known)).toEqual(expect.arrayContaining(['registry.k8s.io', '*.pkg.dev', 'cdn.registry.k8s.io']));
    expect(hostsOf(known)).not.toContain('k8s.gcr.io');
    const aws = known.filter(({ host }) => host.endsWith('.amazonaws.com'));
    expect(aws.length).toBeGreaterThan(20);
    expect(aws.filter(({ required }) => required)).toEqual([]);
  });

  it('sends k8s.gcr.io on to registry.k8s.io, whatever the release', () => {
    const known = forRegistry('k8s.gcr.io', { version: parseTalosVersion('v1.14.4') });
    expect(hostsOf(known)).toEqual(expect.arrayContaining(['k8s.gcr.io', 'registry.k8s.io', 'cdn.registry.k8s.io']));
  });

  it.each(['us.gcr.io', 'eu.gcr.io', 'asia.gcr.io'])('requires %s where it is asked for', (name) => {
    const [own] = forRegistry(name).filter(({ host }) => host === name);
    expect(own).toMatchObject({ required: true, duty: 'registry' });
    expect(own?.condition).toBeUndefined();
    expect(hostsOf(forRegistry('gcr.io'))).not.toContain(name);
    expect(forComponent('gcr').find(({ host }) => host === name)).toMatchObject({ required: false });
  });

  it('has an Artifact Registry host in place of its wildcard', () => {
    const known = forRegistry('us-docker.pkg.dev');
    expect(known.find(({ duty }) => duty === 'registry')).toMatchObject({
      host: 'us-docker.pkg.dev',
      purpose: 'registry us-docker.pkg.dev',
      required: true,
    });
    expect(hostsOf(known)).not.toContain('*.pkg.dev');
    expect(forRegistry('us-python.pkg.dev')).toEqual([]);
  });

  it.each([
    'registry.example.com',
    'registry.hub.docker.com',
    'ghcr.io.example.com',
    'localhost:5000',
    '',
    '*',
    '<omni>',
    '*-docker.pkg.dev:443',
  ])('knows nothing of %j', (name) => {
    expect(forRegistry(name)).toEqual([]);
  });

  it('never has what is superseded, nor anything for a name nobody gave a registry', () => {
    const names = [...new Set(knownDestinations.flatMap(({ registries }) => registries))];
    expect(names.flatMap((name) => forRegistry(name)).filter(({ superseded }) => superseded !== undefined)).toEqual([]);
    fc.assert(
      fc.property(fc.domain(), (name) => names.includes(name) || forRegistry(`x-${name}`).length === 0),
      { numRuns: 200 },
    );
  });

  it('has the registry itself for every name that references use', () => {
    const names = [...new Set(knownDestinations.flatMap(({ registries }) => registries))].filter(
      (name) => !name.includes('*'),
    );
    const without = names.filter(
      (name) => !forRegistry(name).some(({ duty, required }) => duty === 'registry' && required),
    );
    expect(without).toEqual([]);
  });
});

describe('forComponent', () => {
  it.each(minors.map((version) => ({ name: `v1.${version.minor}`, version })))(
    'has one default for the time in $name',
    ({ version }) => {
      const servers = forComponent('time', { version }).filter(({ speaks }) => speaks === 'ntp');
      expect(servers.map(({ host, port, protocol }) => `${host} ${port}/${protocol}`)).toEqual([
        version.minor < 7 ? 'pool.ntp.org 123/udp' : 'time.cloudflare.com 123/udp',
      ]);
    },
  );

  it('counts a pre-release as of its minor', () => {
    const [server] = forComponent('time', { version: parseTalosVersion('v1.7.0-alpha.1') });
    expect(server?.host).toBe('time.cloudflare.com');
  });

  it('is of the newest release when none is named', () => {
    expect(forComponent('time')).toEqual(forComponent('time', { version: parseTalosVersion('v1.14.4') }));
    expect(hostsOf(forComponent('kubernetes'))).not.toContain('k8s.gcr.io');
    expect(hostsOf(forComponent('kubernetes', { version: parseTalosVersion('v1.2.9') }))).toContain('k8s.gcr.io');
  });

  it('never has what is superseded', () => {
    const found = componentNames.flatMap((name) => minors.flatMap((version) => forComponent(name, { version })));
    expect(found.filter(({ superseded }) => superseded !== undefined)).toEqual([]);
    expect(found.map(({ host }) => host)).not.toContain('*.azurefd.net');
  });

  it('has both ports that documents name for SideroLink, each with the document', () => {
    const tunnels = forComponent('omni').filter(({ speaks }) => speaks === 'wireguard');
    expect(tunnels.map(({ port, protocol, who }) => ({ port, protocol, who }))).toEqual([
      { port: 50180, protocol: 'udp', who: ['nodes'] },
      { port: 51820, protocol: 'udp', who: ['nodes'] },
    ]);
    expect(tunnels.map(({ condition }) => condition)).toEqual([
      expect.stringContaining('air-gapped guide'),
      expect.stringContaining('firewall page'),
    ]);
  });

  it('asks the default name servers over UDP and TCP', () => {
    expect(forComponent('dns').map(({ host, port, protocol }) => `${host} ${port}/${protocol}`)).toEqual([
      '1.1.1.1 53/udp',
      '1.1.1.1 53/tcp',
      '8.8.8.8 53/udp',
      '8.8.8.8 53/tcp',
    ]);
  });
});

describe('expandComponents', () => {
  it('has each component once, in the order they are declared in', () => {
    expect(expandComponents(['dns', 'talos', ' GHCR ', 'omni'])).toEqual([
      'discovery',
      'factory',
      'ghcr',
      'gcr',
      'kubernetes',
      'time',
      'dns',
      'omni',
    ]);
    expect(expandComponents([])).toEqual([]);
  });

  it.each(['', 'constructor', 'Talos Linux', 'omni\nghcr'])('refuses %j and names what is known', (name) => {
    expect(() => expandComponents([name])).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', hint: expect.stringContaining('talos, discovery, factory') }),
    );
  });
});
