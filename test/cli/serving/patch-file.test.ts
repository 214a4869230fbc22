import { describe, expect, it } from 'vitest';
import { type PatchWanted, serverPatch } from '../../../src/cli/serving/patch-file.ts';
import { readTalosRegistries } from '../../../src/emit/read-talos.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { nodeManifestUrls } from '../../../src/talos/node-mirrors.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';

const wanted: PatchWanted = {
  endpoints: ['http://10.5.0.1:6000', 'http://10.6.0.1:6000'],
  registries: ['ghcr.io', 'registry.k8s.io'],
  asked: undefined,
  ofContent: undefined,
  authority: undefined,
  needsUser: false,
};
const v = parseTalosVersion;

describe('serverPatch()', () => {
  it('has nodes ask every endpoint in order, for images of any registry', () => {
    const { text } = serverPatch(wanted, 'patch.yaml');
    const { mirrors } = readTalosRegistries(text);
    expect(nodeManifestUrls(mirrors, parseReference('registry.k8s.io/pause:3.10'))).toEqual([
      'http://10.5.0.1:6000/v2/pause/manifests/3.10',
      'http://10.6.0.1:6000/v2/pause/manifests/3.10',
    ]);
  });

  it('is for the release asked for, else that of the content, else the newest', () => {
    const of = (more: Partial<PatchWanted>) => serverPatch({ ...wanted, ...more }, 'patch.yaml').talos;
    expect(of({ asked: v('1.11.6'), ofContent: v('1.12.0') })).toBe('v1.11.6');
    expect(of({ ofContent: v('1.12.0') })).toBe('v1.12.0');
    expect(of({})).toMatch(/^v1\.\d+\.\d+$/);
  });

  it('names the registries where a release needs them', () => {
    const { text } = serverPatch({ ...wanted, asked: v('1.3.7') }, 'patch.yaml');
    expect(readTalosRegistries(text).mirrors.map(({ registry }) => registry)).toEqual([
      '*',
      'ghcr.io',
      'registry.k8s.io',
    ]);
    expect(() => serverPatch({ ...wanted, asked: v('1.3.7'), registries: [] }, 'patch.yaml')).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED' }),
    );
  });
});
