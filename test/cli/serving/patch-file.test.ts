import { describe, expect, it } from 'vitest';
import { type PatchWanted, serverPatch } from '../../../src/cli/serving/patch-file.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';
import { askedUrls, readMirrors } from '../../support/asNode.ts';

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
    const node = { version: v('1.14.4'), puller: 'cri' } as const;
    expect(askedUrls(text, parseReference('registry.k8s.io/pause:3.10'), node)).toEqual([
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
    expect(readMirrors(text).map(({ registry }) => registry)).toEqual(['*', 'ghcr.io', 'registry.k8s.io']);
    expect(() => serverPatch({ ...wanted, asked: v('1.3.7'), registries: [] }, 'patch.yaml')).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED' }),
    );
  });
});
