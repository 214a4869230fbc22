import { describe, expect, it } from 'vitest';
import { hostsToml, hostsTree } from '../../src/emit/hosts-toml.ts';
import type { EndpointTls } from '../../src/talos/node-config.ts';
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

  it.each(['', '..', '.', '../x', 'a/../b', '/etc', 'a//b', 'a\\b', 'a\0b'])('refuses %j as a registry', (registry) => {
    expect(() => written([mirror(registry, ['http://a'])])).toThrow(
      expect.objectContaining({
        code: 'ERR_INPUT_INVALID',
        message: expect.stringMatching(/^Cannot write hosts\.toml for ".*": /),
      }),
    );
  });
});

const client = { clientCertificate: 'CERTIFICATE', clientKey: 'KEY\n' };
const pathsOf = (files: readonly { readonly path: string }[]) => files.map(({ path }) => path);

describe('hostsToml() with TLS settings', () => {
  const mirrors = [mirror('docker.io', ['https://one.test:5000/v2/hub', 'https://two.test'], { skipFallback: true })];
  const tls = new Map<string, EndpointTls>([
    ['one.test:5000', { ca: 'CA\n', ...client, insecureSkipVerify: true }],
    ['two.test', { ca: 'CA TWO' }],
    ['docker.io', { ca: 'not of an endpoint' }],
    ['empty.test', { insecureSkipVerify: false }],
  ]);

  it('puts certificates and keys beside hosts.toml, and gives hosts with nothing else a directory of their own', () => {
    const version = parseTalosVersion('1.13.9');
    const tree = hostsTree(mirrors, { version, tls });
    expect(pathsOf(tree.files)).toEqual([
      'docker.io/hosts.toml',
      'docker.io/one.test:5000-ca.crt',
      'docker.io/one.test:5000-client.crt',
      'docker.io/two.test-ca.crt',
      'one.test_5000_/hosts.toml',
      'one.test_5000_/one.test:5000-ca.crt',
      'one.test_5000_/one.test:5000-client.crt',
      'two.test/hosts.toml',
      'two.test/two.test-ca.crt',
    ]);
    expect(tree.secrets).toEqual([
      { path: 'docker.io/one.test:5000-client.key', text: 'KEY\n' },
      { path: 'one.test_5000_/one.test:5000-client.key', text: 'KEY\n' },
    ]);
    expect(tree.files[2]?.text).toBe('CERTIFICATE\n');
    expect(hostsToml(mirrors, { version, tls })).toHaveLength(11);
    const folder = '/etc/cri/conf.d/hosts/docker.io';
    expect(tree.files[0]?.text).toBe(
      [
        "server = 'https://two.test'",
        "capabilities = ['pull', 'resolve']",
        `ca = '${folder}/two.test-ca.crt'`,
        '[host]',
        "  [host.'https://one.test:5000/v2/hub']",
        "    capabilities = ['pull', 'resolve']",
        `    ca = '${folder}/one.test:5000-ca.crt'`,
        `    client = [['${folder}/one.test:5000-client.crt', '${folder}/one.test:5000-client.key']]`,
        '    skip_verify = true',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['1.13.9', "server = 'https://a.test'\nskip_verify = true\n"],
    ['1.9.0', "server = 'https://a.test'\nskip_verify = true\n"],
    ['1.8.4', "[host]\n  [host.'https://a.test']\n    skip_verify = true\n"],
    ['1.3.7', "server = 'https://a.test'\n[host]\n  [host.'https://a.test']\n    skip_verify = true\n"],
  ])('writes a host without a mirror as Talos %s does', (release, text) => {
    const only = new Map([['a.test', { insecureSkipVerify: true }]]);
    expect(hostsToml([], { version: parseTalosVersion(release), tls: only })).toEqual([
      { path: 'a.test/hosts.toml', text },
    ]);
  });

  it('names the host that is asked for docker.io, and the folder that is given', () => {
    const only = new Map([['docker.io', { ca: 'CA' }]]);
    expect(hostsToml([], { version: parseTalosVersion('1.13.9'), tls: only, folder: '/tmp/x' })[1]?.text ?? '').toBe(
      "server = 'https://registry-1.docker.io'\nca = '/tmp/x/docker.io/docker.io-ca.crt'\n",
    );
  });

  it('refuses settings of every host at once, as Talos does where no mirror stands for them', () => {
    const every = new Map([['*', { ca: 'CA' }]]);
    const version = parseTalosVersion('1.13.9');
    expect(() => hostsToml([], { version, tls: every })).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }));
    expect(hostsToml([mirror('*', ['https://a.test'])], { version, tls: every })).toHaveLength(1);
  });

  it('finds the settings of an endpoint by its host as it is written', () => {
    const only = new Map([['[::1]:5000', { insecureSkipVerify: true }]]);
    const files = hostsToml([mirror('ghcr.io', ['https://user@[::1]:5000/v2', 'https://[::1]'])], {
      version: parseTalosVersion('1.13.9'),
      tls: only,
    });
    expect(pathsOf(files)).toEqual(['[::1]_5000_/hosts.toml', 'ghcr.io/hosts.toml']);
    expect(files[1]?.text.match(/skip_verify/g)).toHaveLength(1);
  });
});
