import { describe, expect, it } from 'vitest';
import { containerdHosts } from '../../../src/emit/formats/containerd.ts';
import { inputFor, mirrorOf, plainInput } from './inputs.ts';

const hostsOf = (...args: Parameters<typeof plainInput>) => {
  const files = containerdHosts(plainInput(...args)).files.filter((file) => file.path.endsWith('/hosts.toml'));
  return files.map((file) => file.text.split('\n').slice(1).join('\n'));
};
const entry = "capabilities = ['pull', 'resolve']";

describe('containerdHosts()', () => {
  it('leaves an empty [host] table where the only endpoint is the server, which containerd 1.x needs', () => {
    expect(hostsOf([mirrorOf('*', ['http://a'])])).toEqual([`server = 'http://a'\n${entry}\n[host]\n`]);
  });

  it('asks the endpoints in their order, the last one as the server', () => {
    const endpoints = [
      { url: 'http://a/v2/hub', overridePath: true },
      { url: 'https://b:5000', overridePath: false },
    ];
    expect(hostsOf([{ registry: 'docker.io', endpoints, skipFallback: true }])).toEqual([
      `server = 'https://b:5000'\n${entry}\n[host]\n  [host.'http://a/v2/hub']\n    ${entry}\n    override_path = true\n`,
    ]);
  });

  it('has no server where upstream is asked too, and says so', () => {
    const input = plainInput([mirrorOf('ghcr.io', ['http://a'], { skipFallback: false })]);
    expect(hostsOf(input.mirrors)).toEqual([`[host]\n  [host.'http://a']\n    ${entry}\n`]);
    expect(containerdHosts(input).warnings).toEqual([
      'nodes with containerd ask upstream after the mirrors of ghcr.io',
    ]);
  });

  it('names no table twice and writes nothing for a mirror without endpoints', () => {
    const [text = ''] = hostsOf([mirrorOf('ghcr.io', ['http://a', 'http://a', 'http://b']), mirrorOf('quay.io', [])]);
    expect(text.match(/http:\/\/a'/g)).toHaveLength(1);
    expect(containerdHosts(plainInput([mirrorOf('quay.io', [])])).files.map(({ path }) => path)).toEqual([
      'README.txt',
    ]);
  });

  it('warns of an IPv6 address where containerd 1.x cannot read it, and only there', () => {
    const warnings = (...urls: string[]) => containerdHosts(plainInput([mirrorOf('ghcr.io', urls)])).warnings;
    expect(warnings('http://a', 'http://[::1]:5000')).toEqual([]);
    expect(warnings('http://[::1]:5000', 'http://a')).toEqual([
      expect.stringContaining('they need 2.x, or a host name'),
    ]);
  });

  it('refers to every certificate and key it writes, beside hosts.toml', () => {
    const { files, secrets } = containerdHosts(inputFor('v1.14.4', 'site'));
    const beside = [...files, ...secrets].filter((file) => file.path.includes('-c'));
    expect(beside.map((file) => file.path.replace('certs.d/', ''))).toEqual(
      ['ca.crt', 'client.crt', 'client.key']
        .flatMap((end) =>
          ['ghcr.io', 'registry.k8s.io', 'registry.test_5443_'].map((d) => `${d}/registry.test_5443-${end}`),
        )
        .sort((a, b) => Number(a.endsWith('key')) - Number(b.endsWith('key')) || (a < b ? -1 : 1)),
    );
    for (const { path } of beside) {
      const hosts = files.find((file) => file.path === path.replace(/[^/]+$/, 'hosts.toml'));
      expect(hosts?.text).toContain(`'${path.split('/').at(-1)}'`);
    }
  });

  it('writes credentials for both generations of containerd, as secrets', () => {
    const { secrets } = containerdHosts(inputFor('v1.14.4', 'site'));
    const auth = secrets.filter((file) => file.path.includes('auth-'));
    expect(auth.map((file) => file.path)).toEqual(['auth-1.x.toml', 'auth-2.x.toml']);
    expect(auth[1]?.text.split('\n').slice(1)).toEqual([
      `[plugins."io.containerd.cri.v1.images".registry.configs.'registry.test:5443'.auth]`,
      "  username = 'node'",
      '  password = "it\'s secret"',
      '',
    ]);
    expect(auth[0]?.text).toContain('[plugins."io.containerd.grpc.v1.cri".registry.configs.');
  });
});
