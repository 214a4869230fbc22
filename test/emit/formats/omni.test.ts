import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { omniPatch } from '../../../src/emit/formats/omni.ts';
import { emitTalosConfig } from '../../../src/emit/talos-config.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';
import { mirrorsFor, registries } from '../cases.ts';
import { inputFor, siteSettings } from './inputs.ts';

const read = (more: Parameters<typeof inputFor>[2]) => {
  const output = omniPatch(inputFor('v1.14.4', 'flat', more));
  return { ...output, resource: parse(output.files[0]?.text ?? '') };
};

describe('omniPatch()', () => {
  it.each(['v1.5.6', 'v1.14.4'])(
    'carries what is emitted for Talos %s, without the head that is for talosctl',
    (release) => {
      const version = parseTalosVersion(release);
      const talos = emitTalosConfig({ mirrors: mirrorsFor('per-registry'), version, registries }).files;
      const { resource, files } = read({ talos, version, cluster: 'site-a' });
      expect(files.map((file) => file.path)).toEqual(['omni.yaml']);
      expect(resource.metadata).toEqual({
        namespace: 'default',
        type: 'ConfigPatches.omni.sidero.dev',
        id: '500-airgap-site-a',
        labels: { 'omni.sidero.dev/cluster': 'site-a' },
      });
      const [head = '', ...body] = (talos[0]?.text ?? '').split('\n\n');
      expect(head).toContain('talosctl');
      expect(resource.spec).toEqual({ data: body.join('\n\n') });
      expect(files[0]?.text.split('\n')[0]).toContain(release);
    },
  );

  it('joins several files as documents and leaves out what Omni refuses', () => {
    const talos = [
      { path: 'a.yaml', text: '# A comment\napiVersion: v1alpha1\nkind: TimeSyncConfig\nenabled: false\n' },
      { path: 'b.yaml', text: 'kind: UnattendedInstallConfig\ninstaller: {}\n---\nmachine:\n    kubelet: {}\n' },
    ];
    const { resource, warnings } = read({ talos, cluster: 'a' });
    expect(resource.spec.data).toBe(`${talos[0]?.text}---\nmachine:\n    kubelet: {}\n`);
    expect(warnings).toEqual([expect.stringMatching(/^Omni refuses UnattendedInstallConfig in a patch/)]);
  });

  it('says that a patch without a cluster, and one without its secrets, does nothing yet', () => {
    const { resource, warnings, files, secrets } = read({ settings: siteSettings });
    expect(resource.metadata).not.toHaveProperty('labels');
    expect(warnings).toEqual([expect.stringContaining('of no cluster'), expect.stringContaining('no credentials')]);
    expect(files[0]?.text).toContain('labels: { omni.sidero.dev/cluster: NAME }');
    expect(secrets).toEqual([]);
  });
});
