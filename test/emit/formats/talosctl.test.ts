import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { talosctlFlags } from '../../../src/emit/formats/talosctl.ts';
import { inputFor, mirrorOf, plainInput, siteSettings, talosPatch } from './inputs.ts';

type Input = Parameters<typeof talosctlFlags>[0];

/** What `talosctl` is called with by a function of the script. */
function called(input: Input, command: string): string[] {
  const script = talosctlFlags(input).files.find((file) => file.path === 'talosctl.sh')?.text ?? '';
  const shell = `${script}\ntalosctl() { for word; do printf '%s\\0' "$word"; done; }\n${command}\n`;
  return execFileSync('/bin/sh', ['-c', shell], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

const withoutFallbackKey = (registry: string, urls: readonly string[]) =>
  mirrorOf(registry, urls, { skipFallback: false });

describe('talosctlFlags()', () => {
  it('says mirrors and install image with flags where they say everything', () => {
    const mirrors = [withoutFallbackKey('*', ['http://a:5000', 'http://[::1]:5000'])];
    const input = plainInput(mirrors, 'v1.8.4', { installImage: 'a:5000/installer:v1.8.4' });
    const flags = ['--registry-mirror', '*=http://a:5000', '--registry-mirror', '*=http://[::1]:5000'];
    expect(called(input, 'gen_config site https://h:6443')).toEqual([
      'gen',
      'config',
      'site',
      'https://h:6443',
      ...flags,
      '--install-image',
      'a:5000/installer:v1.8.4',
    ]);
    expect(called(input, 'cluster_create --name site')).toEqual([
      'cluster',
      'create',
      '--name',
      'site',
      ...flags,
      '--install-image',
      'a:5000/installer:v1.8.4',
    ]);
    expect(talosctlFlags(input).warnings).toEqual([]);
  });

  it.each([
    ['the fallback is off', inputFor('v1.9.6', 'flat')],
    ['a path is taken as written', inputFor('v1.5.6', 'prefix')],
    ['anything else is asked for', inputFor('v1.5.6', 'flat', { settings: { imageCache: true } })],
    ['there are documents', inputFor('v1.14.4', 'flat')],
  ])('gives the patches where %s', (_, input) => {
    expect(called(input, 'gen_config a b')).toEqual(['gen', 'config', 'a', 'b', '--config-patch', '@talos-patch.yaml']);
    expect(talosctlFlags(input).files.map((file) => file.path)).toEqual(['talos-patch.yaml', 'talosctl.sh']);
    expect(talosctlFlags(input).files[0]?.text).toBe(talosPatch.text);
  });

  it('names the subcommand that takes the flags', () => {
    const text = (version: string) => talosctlFlags(inputFor(version, 'flat')).files.at(-1)?.text ?? '';
    expect(text('v1.11.6')).toContain(
      "#   talosctl cluster create \\\n#       --registry-mirror '*=http://10.5.0.1:6000'",
    );
    expect(text('v1.12.11')).toContain('#   talosctl cluster create dev \\\n');
    expect(text('v1.12.11')).toContain('#   cluster_create docker --name NAME');
  });

  it('warns before 1.2 of what no flag says, as patches are not merged there', () => {
    const { files, warnings } = talosctlFlags(inputFor('v1.1.2', 'site'));
    expect(files.map((file) => file.path)).toEqual(['talosctl.sh']);
    expect(warnings[0]).toMatch(
      /^talosctl before v1\.2 merges no patches: write TLS settings, credentials, time servers into/,
    );
    const create = called(inputFor('v1.1.2', 'site', { settings: siteSettings }), 'cluster_create');
    expect(create.slice(-2)).toEqual(['--registry-insecure-skip-verify', '[fd00::5]:5443']);
  });

  it('gives every word to talosctl as it is, whatever it holds', () => {
    const word = fc.string({ minLength: 1 }).filter((text) => !text.includes('\0') && !text.includes('='));
    fc.assert(
      fc.property(word, word, word, (registry, url, cluster) => {
        const input = { ...plainInput([withoutFallbackKey(registry, [url])], 'v1.8.4'), cluster };
        const value = `${registry}=${url}`;
        const listed = /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
        expect(called(input, 'gen_config')).toEqual(['gen', 'config', '--registry-mirror', listed]);
      }),
      { numRuns: 50 },
    );
  });
});
