import { describe, expect, it } from 'vitest';
import { readNodeConfig } from '../../../src/node/read-config.ts';
import { siteNamesOf, siteOf } from '../../../src/verify/as-node/site.ts';
import { mirrorYaml } from './yaml.ts';

const text =
  mirrorYaml({ registry: 'docker.io', endpoints: ['https://mirror.site:5000', 'https://mirror.gcr.io'] }) +
  mirrorYaml({ registry: 'registry.corp', endpoints: ['http://[fd00::1]:6000', 'https://registry.corp'] });
const config = readNodeConfig([{ name: 'node.yaml', text }]);

describe('siteOf()', () => {
  it.each([
    ['mirror.site:5000', false, true],
    ['[fd00::1]:6000', false, true],
    ['mirror.gcr.io', false, false],
    ['registry.corp', true, false],
    ['registry-1.docker.io', true, false],
    ['named.site', true, true],
  ])('%s, the registry itself: %s; on site: %s', (host, isUpstream, isOnSite) => {
    expect(siteOf(config, ['named.site'])({ host, isUpstream })).toBe(isOnSite);
  });
});

describe('siteNamesOf()', () => {
  it('has no registry of the internet and no mirrored one, though endpoints name them', () => {
    expect([...siteNamesOf(config, ['named.site:443'])].sort()).toEqual(['[fd00::1]', 'mirror.site', 'named.site']);
  });
});
