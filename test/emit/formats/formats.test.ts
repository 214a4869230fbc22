import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emitFormat, formatNames } from '../../../src/emit/formats/formats.ts';
import { inputFor, mirrorOf, plainInput } from './inputs.ts';

const cases = [
  ['v1.1.2', 'flat'],
  ['v1.3.7', 'per-registry'],
  ['v1.8.4', 'flat'],
  ['v1.8.4', 'site'],
  ['v1.11.6', 'prefix'],
  ['v1.14.4', 'flat'],
  ['v1.14.4', 'prefix'],
  ['v1.14.4', 'site'],
] as const;

const fixtures = new URL('../../../fixtures/formats/', import.meta.url);

/** Names that every file system can hold. */
function fixturePath(path: string): string {
  return path.replaceAll('*', '_asterisk').replaceAll(':', '_colon_');
}

/** Empty before the first run writes them. */
function filesBelow(folder: URL): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => relative(fileURLToPath(folder), join(entry.parentPath, entry.name))).sort();
}

describe('emitFormat()', () => {
  it.each(cases)('writes for %s with %s the golden files', async (version, form) => {
    const input = inputFor(version, form, { cluster: 'site-a' });
    const folder = `${version}-${form}`;
    const outputs = formatNames.map((name) => ({ name, ...emitFormat(name, input) }));
    const warnings = outputs.flatMap(({ name, warnings: all }) => all.map((warning) => `${name}: ${warning}\n`));
    const written = [
      { path: 'warnings.txt', text: warnings.join('') },
      ...outputs.flatMap(({ name, files }) => files.map((file) => ({ ...file, path: `${name}/${file.path}` }))),
    ];
    for (const file of written) {
      await expect(file.text).toMatchFileSnapshot(
        fileURLToPath(new URL(`${folder}/${fixturePath(file.path)}`, fixtures)),
      );
    }
    expect(filesBelow(new URL(`${folder}/`, fixtures))).toEqual(written.map(({ path }) => fixturePath(path)).sort());
  });

  it.each(formatNames)('keeps every secret of %s out of the files', (name) => {
    for (const version of ['v1.1.2', 'v1.8.4', 'v1.14.4']) {
      const output = emitFormat(name, inputFor(version, 'site'));
      const shown = JSON.stringify([output.files, output.warnings]);
      expect(shown).not.toContain('PRIVATE KEY');
      expect(shown).not.toContain("it's secret");
      const paths = output.files.map((file) => file.path);
      expect(output.secrets.filter((file) => paths.includes(file.path))).toEqual([]);
      expect(paths).toEqual([...paths].sort());
    }
  });

  it.each(formatNames)('gives each file of %s a path of its own, and each text a last line', (name) => {
    const output = emitFormat(name, inputFor('v1.14.4', 'site'));
    const files = [...output.files, ...output.secrets];
    expect(new Set(files.map((file) => file.path)).size).toBe(files.length);
    for (const file of files) expect(file.text.endsWith('\n'), file.path).toBe(true);
  });

  it.each(formatNames)('says in %s which release it is for', (name) => {
    const { files } = emitFormat(name, inputFor('v1.9.6', 'flat'));
    expect(files.map((file) => file.text).join('')).toMatch(
      /v1\.9\.6|containerd 1\.6, 1\.7 and 2\.x|v1\.29\.1\+(k3s1|rke2r1)/,
    );
  });

  it.each(formatNames)('never leaves a setting out of %s in silence', (name) => {
    const input = inputFor('v1.14.4', 'flat', { settings: { pauseImage: 'registry.test/pause:3.10', hosts: [] } });
    const { files, warnings } = emitFormat(name, input);
    const carried = ['omni', 'talosctl'].includes(name);
    expect(warnings.some((warning) => warning.includes('pause image')) || carried).toBe(true);
    if (name === 'talosctl')
      expect(files.map((file) => file.text).join()).toContain('--config-patch @talos-patch.yaml');
    expect(warnings.join()).not.toContain('host entries');
  });

  it('turns the fallback off for other systems, whatever the Talos release knows', () => {
    const input = inputFor('v1.5.6', 'flat');
    const files = (['containerd', 'k3s', 'rke2'] as const).flatMap((name) => emitFormat(name, input).files);
    expect(files.find((file) => file.path === 'certs.d/_default/hosts.toml')?.text).toContain('\nserver = ');
    expect(files.filter((file) => file.text.includes('disable-default-registry-endpoint: true'))).toHaveLength(2);
  });

  it('writes no path that leaves the folder, whatever registries and hosts are named', () => {
    const part = fc.constantFrom('..', '.', '', 'a', 'b:1', '*', '[::1]:5', '\\', 'C:');
    const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.constantFrom(...formatNames), name, name, (format, registry, host) => {
        const settings = { tls: new Map([[host, { ca: 'x', clientCertificate: 'y', clientKey: 'z' }]]) };
        const input = plainInput([mirrorOf(registry, [`https://${host}`])], 'v1.14.4', settings);
        for (const file of written(() => emitFormat(format, input))) {
          expect(file).toMatch(/^[^/\\]/);
          expect(file.split(/[/\\]/).filter((step) => ['', '.', '..'].includes(step))).toEqual([]);
        }
      }),
    );
  });
});

function written(emit: () => ReturnType<typeof emitFormat>): string[] {
  try {
    const output = emit();
    return [...output.files, ...output.secrets].map((file) => file.path);
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(INPUT_INVALID|UNSUPPORTED)$/) });
    return [];
  }
}
