import { describe, expect, it } from 'vitest';
import type { Destination } from '../../../src/egress/destination.ts';
import { omniNeedsOfNodes, type ServiceFacts, serviceNeeds } from '../../../src/egress/needs/services.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';

const facts: ServiceFacts = {
  components: ['omni', 'discovery'],
  version: parseTalosVersion('v1.14.4'),
  wildcards: false,
  omniHost: undefined,
  siderolinkPort: undefined,
};

const shown = (destinations: readonly Destination[]) =>
  destinations.map(({ role, host, port, protocol }) => `${role} ${host} ${port}/${protocol}`);

describe('serviceNeeds()', () => {
  it('has each component for all that connect to it', () => {
    const found = shown(serviceNeeds(facts).destinations);
    expect(found).toEqual(
      expect.arrayContaining([
        'nodes discovery.talos.dev 443/tcp',
        'nodes <omni> 443/tcp',
        'omni factory.talos.dev 443/tcp',
      ]),
    );
    expect(found.filter((line) => line.startsWith('staging'))).toEqual([]);
  });

  it('asks which Omni it is, where it is needed and not named', () => {
    expect(serviceNeeds(facts).notes?.join()).toContain('--omni-host');
    expect(serviceNeeds({ ...facts, components: ['discovery'] }).notes).toEqual([]);
    expect(serviceNeeds({ ...facts, omniHost: 'omni.site' }).notes ?? []).toEqual([]);
  });
});

describe('omniNeedsOfNodes()', () => {
  it('is the addresses of Omni alone, with both ports that documents name for the tunnel', () => {
    expect(shown(omniNeedsOfNodes(facts).destinations).sort()).toEqual([
      'nodes <omni> 443/tcp',
      'nodes <omni> 50180/udp',
      'nodes <omni> 51820/udp',
      'nodes <omni> 8090/tcp',
    ]);
  });

  it('is the host and the one port that are named, and says by which options', () => {
    const { destinations } = omniNeedsOfNodes({ ...facts, omniHost: 'omni.site', siderolinkPort: 5180 });
    expect(shown(destinations).sort()).toEqual([
      'nodes omni.site 443/tcp',
      'nodes omni.site 5180/udp',
      'nodes omni.site 8090/tcp',
    ]);
    expect(destinations.find(({ speaks }) => speaks === 'wireguard')?.evidence).toEqual([
      { kind: 'configured', by: '--siderolink-port' },
      { kind: 'configured', by: '--omni-host' },
    ]);
  });
});
