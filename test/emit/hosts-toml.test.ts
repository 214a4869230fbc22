import { describe, expect, it } from 'vitest';
import { hostsToml } from '../../src/emit/hosts-toml.ts';
import type { NodeMirror } from '../../src/talos/node-mirrors.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';

const mirror = (registry: string, urls: readonly string[], more: Partial<NodeMirror> = {}): NodeMirror => ({
  registry,
  endpoints: urls.map((url) => ({ url, overridePath: false })),
  skipFallback: false,
  ...more,
});
const written = (mirrors: readonly NodeMirror[], version = '1.13.9') =>
  hostsToml(mirrors, { version: parseTalosVersion(version) });

describe('hostsToml()', () => {
  it('lists the endpoints under [host] in their order', () => {
    expect(written([mirror('docker.io', ['https://registry-1.docker.io', 'https://registry-2.docker.io'])])).toEqual([
      {
        path: 'docker.io/hosts.toml',
        text:
          "[host]\n  [host.'https://registry-1.docker.io']\n    capabilities = ['pull', 'resolve']\n" +
          "  [host.'https://registry-2.docker.io']\n    capabilities = ['pull', 'resolve']\n",
      },
    ]);
  });

  it('makes the last endpoint the server when there is no fallback, from 1.9 on', () => {
    const two = mirror('ghcr.io', ['http://a', 'http://b'], { skipFallback: true });
    expect(written([two])[0]?.text).toBe(
      "server = 'http://b'\ncapabilities = ['pull', 'resolve']\n[host]\n  [host.'http://a']\n    capabilities = ['pull', 'resolve']\n",
    );
    expect(written([mirror('*', ['http://a'], { skipFallback: true })])[0]?.text).toBe(
      "server = 'http://a'\ncapabilities = ['pull', 'resolve']\n",
    );
    expect(written([two], '1.8.4')[0]?.text).toMatch(/^\[host\]\n/);
  });

  it('writes override_path where it is set', () => {
    const endpoints = [{ url: 'https://harbor/v2/proxy', overridePath: true }];
    expect(written([{ registry: 'ghcr.io', endpoints, skipFallback: false }])[0]?.text).toBe(
      "[host]\n  [host.'https://harbor/v2/proxy']\n    capabilities = ['pull', 'resolve']\n    override_path = true\n",
    );
  });

  it('names directories as Talos does, sorted', () => {
    const paths = (version: string) =>
      written(
        ['localhost:5000', '*', 'ghcr.io', '[::1]:5000'].map((name) => mirror(name, [])),
        version,
      ).map((file) => file.path);
    expect(paths('1.13.9')).toEqual([
      '[::1]_5000_/hosts.toml',
      '_default/hosts.toml',
      'ghcr.io/hosts.toml',
      'localhost_5000_/hosts.toml',
    ]);
    expect(paths('1.3.7')[0]).toBe('*/hosts.toml');
  });

  it('writes an empty file for a mirror without endpoints', () => {
    expect(written([mirror('ghcr.io', [], { skipFallback: true })])[0]?.text).toBe('');
  });

  it('quotes an endpoint that a literal string cannot hold', () => {
    expect(written([mirror('ghcr.io', ["http://a/it's"])])[0]?.text).toContain('[host."http://a/it\'s"]');
  });
});
