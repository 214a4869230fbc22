/** Names, addresses and credentials with everything that means something to a shell, to YAML and to TOML stay what they are. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { emitFormat } from '../../../src/emit/formats/formats.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';

const hostile = fc.string({
  unit: fc.constantFrom(...'aZ0 $`\'"\\\n\r\t;&|<>()*?[]{}~#!=-%:,@é'),
  minLength: 1,
  maxLength: 16,
});
const version = parseTalosVersion('v1.8.4');

const inputOf = (
  registry: string,
  rest: { readonly path?: string; readonly password?: string; readonly image?: string },
) => ({
  mirrors: [
    {
      registry,
      endpoints: [{ url: `https://a.site/v2/${rest.path ?? 'x'}`, overridePath: true }],
      skipFallback: false,
    },
    { registry: `b.${registry}`, endpoints: [{ url: 'https://a.site', overridePath: false }], skipFallback: false },
  ],
  version,
  settings: {
    auth: new Map([['a.site', { username: 'node', password: rest.password ?? 'p' }]]),
    installImage: rest.image,
  },
  talos: [],
});

describe('emitFormat() with hostile words', () => {
  it.each(['k3s', 'rke2'] as const)('%s: YAML gives them back', (name) => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (registry, path, password) => {
        const { files, secrets } = emitFormat(name, inputOf(registry, { path, password }));
        const text = files.find((file) => file.path === 'registries.yaml')?.text ?? '';
        expect(Object.keys(parse(text, { version: '1.1' }).mirrors)).toEqual([registry, `b.${registry}`]);
        expect(text).not.toContain('configs:');
        const secret = parse(secrets[0]?.text ?? '', { version: '1.1' });
        expect(secret.configs['a.site'].auth).toEqual({ username: 'node', password });
      }),
    );
  });

  it('talosctl: a shell gives them on, and runs nothing', () => {
    const before = parseTalosVersion('v1.1.2');
    fc.assert(
      fc.property(hostile, hostile, (registry, image) => {
        const input = { ...inputOf(registry, { image }), version: before };
        const [script] = emitFormat('talosctl', { ...input, cluster: image }).files;
        const shell = `talosctl() { printf '%s\\0' "$@"; }\n${script?.text}\ngen_config\n`;
        const words = execFileSync('/bin/sh', ['-c', shell], { encoding: 'utf8' }).split('\0').slice(0, -1);
        const quoted = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
        expect(words).toEqual([
          'gen',
          'config',
          '--registry-mirror',
          quoted(`${registry}=https://a.site/v2/x`),
          '--registry-mirror',
          quoted(`b.${registry}=https://a.site`),
          '--install-image',
          image,
        ]);
      }),
      { numRuns: 60 },
    );
  });

  it('omni: what is emitted stays one text of the resource', () => {
    fc.assert(
      fc.property(hostile, hostile, (value, cluster) => {
        const text = `machine:\n    time:\n        servers: [${JSON.stringify(value)}]\n`;
        const talos = [{ path: 'talos-patch.yaml', text }];
        const [file] = emitFormat('omni', { ...inputOf('r', {}), talos, cluster }).files;
        const resource = parse(file?.text ?? '');
        expect(Object.keys(resource)).toEqual(['metadata', 'spec']);
        expect([resource.spec.data, resource.metadata.labels]).toEqual([text, { 'omni.sidero.dev/cluster': cluster }]);
      }),
    );
  });
});
