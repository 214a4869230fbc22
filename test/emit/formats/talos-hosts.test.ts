import { describe, expect, it } from 'vitest';
import { talosHosts } from '../../../src/emit/formats/talos-hosts.ts';
import { hostsTree } from '../../../src/emit/hosts-toml.ts';
import { inputFor, mirrorOf, plainInput } from './inputs.ts';

const warnings = (release: string, ...urls: string[]) =>
  talosHosts(plainInput([mirrorOf('ghcr.io', urls)], release)).warnings;

describe('talosHosts()', () => {
  it('is hostsTree() with a note for which release it is', () => {
    const input = inputFor('v1.14.4', 'site');
    const output = talosHosts(input);
    const tree = hostsTree(input.mirrors, { version: input.version, tls: input.settings.tls });
    expect(output.files.slice(1).map((file) => file.path)).toEqual(tree.files.map((file) => file.path));
    expect(output.secrets.map((file) => file.text)).toEqual(tree.secrets.map((file) => file.text));
    expect(output.files[0]).toMatchObject({
      path: 'README.txt',
      text: expect.stringContaining('Talos v1.14.4'),
    });
  });

  it('warns of files that containerd of that release cannot read', () => {
    expect(warnings('v1.1.2', 'http://a', 'http://b')).toEqual([expect.stringContaining('several endpoints')]);
    expect(warnings('v1.2.0', 'http://a', 'http://b')).toEqual([]);
    expect(warnings('v1.7.7', 'http://[::1]:5000')).toEqual([expect.stringContaining('IPv6')]);
    expect(warnings('v1.8.0', 'http://[::1]:5000')).toEqual([]);
    expect(warnings('v1.14.4', 'http://a', 'http://a')).toEqual([expect.stringContaining('named twice')]);
  });
});
