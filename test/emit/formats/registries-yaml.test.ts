import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { k3s, registriesYaml, rke2 } from '../../../src/emit/formats/registries-yaml.ts';
import type { NodeSettings } from '../../../src/emit/node-settings.ts';
import type { NodeMirror } from '../../../src/talos/node-mirrors.ts';
import { inputFor, mirrorOf, plainInput } from './inputs.ts';

const textOf = (files: readonly { readonly path: string; readonly text: string }[], path: string) =>
  files.find((file) => file.path === path)?.text ?? '';
const read = (mirrors: readonly NodeMirror[], settings: NodeSettings = {}) => {
  const output = registriesYaml(plainInput(mirrors, 'v1.14.4', settings), k3s);
  return { ...output, yaml: parse(textOf(output.files, 'registries.yaml')) };
};
const override = (registry: string, ...urls: string[]): NodeMirror => ({
  registry,
  endpoints: urls.map((url) => ({ url, overridePath: true })),
  skipFallback: true,
});

describe('registriesYaml()', () => {
  it('writes endpoints without a path, in their order and each once', () => {
    const { yaml, warnings } = read([mirrorOf('*', ['http://a:5000', 'https://b/', 'http://a:5000/v2'])]);
    expect(yaml).toEqual({ mirrors: { '*': { endpoint: ['http://a:5000', 'https://b'] } } });
    expect(warnings).toEqual([]);
  });

  it('writes a shared prefix as a rewrite rule, and different ones as paths', () => {
    const shared = override('docker.io', 'http://a/v2/m/docker.io', 'http://b/v2/m/docker.io/');
    expect(read([shared]).yaml.mirrors).toEqual({
      'docker.io': { endpoint: ['http://a', 'http://b'], rewrite: { '^(.*)$': 'm/docker.io/$1' } },
    });
    expect(read([override('docker.io', 'http://a/v2/x', 'http://b/v2/y')]).yaml.mirrors).toEqual({
      'docker.io': { endpoint: ['http://a/v2/x/', 'http://b/v2/y/'] },
    });
    expect(read([mirrorOf('ghcr.io', ['https://a/artifactory'])]).yaml.mirrors).toEqual({
      'ghcr.io': { endpoint: ['https://a/artifactory/v2/'] },
    });
  });

  it('writes a dollar of a prefix so that the rule keeps it', () => {
    const { yaml } = read([override('ghcr.io', 'http://a/v2/$1')]);
    expect(yaml.mirrors['ghcr.io'].rewrite).toEqual({ '^(.*)$': '$$1/$1' });
  });

  it('warns of what the file cannot say', () => {
    expect(read([override('ghcr.io', 'https://a')]).warnings).toEqual([
      expect.stringContaining('puts /v2 after an endpoint'),
    ]);
    expect(read([mirrorOf('ghcr.io', ['https://[::1]:5000'])]).warnings).toEqual([expect.stringContaining('IPv6')]);
    const fallback = mirrorOf('quay.io', ['https://a'], { skipFallback: false });
    expect(read([fallback]).warnings).toEqual(['k3s asks upstream after the mirrors of quay.io']);
    expect(read([fallback, mirrorOf('ghcr.io', ['https://a'])]).warnings).toEqual([
      'k3s turns the fallback off for all registries or none: quay.io loses it too',
    ]);
    const own = new Map([['ghcr.io', { insecureSkipVerify: true }]]);
    expect(read([mirrorOf('ghcr.io', ['https://a'])], { tls: own }).warnings).toEqual([
      expect.stringMatching(/^ghcr\.io is asked upstream too/),
    ]);
  });

  it('turns the fallback off in a file of its own, only where it is asked for', () => {
    const paths = (mirror: NodeMirror) => read([mirror]).files.map((file) => file.path);
    expect(paths(mirrorOf('*', ['http://a']))).toContain('config.yaml.d/airgap.yaml');
    expect(paths(mirrorOf('*', ['http://a'], { skipFallback: false }))).toEqual(['registries.yaml']);
  });

  it('keeps credentials in a whole file that takes the place of the other', () => {
    const output = registriesYaml(inputFor('v1.14.4', 'site'), rke2);
    expect(output.secrets.map((file) => file.path)).toEqual([
      'airgap/registry.test_5443-client.key',
      'registries.secret.yaml',
    ]);
    const shown = parse(textOf(output.files, 'registries.yaml'));
    const secret = parse(textOf(output.secrets, 'registries.secret.yaml'));
    expect(secret.configs['registry.test:5443'].auth).toEqual({ username: 'node', password: "it's secret" });
    delete secret.configs['registry.test:5443'].auth;
    expect(secret).toEqual(shown);
    expect(shown.configs['registry.test:5443'].tls).toEqual({
      ca_file: '/etc/rancher/rke2/airgap/registry.test_5443-ca.crt',
      cert_file: '/etc/rancher/rke2/airgap/registry.test_5443-client.crt',
      key_file: '/etc/rancher/rke2/airgap/registry.test_5443-client.key',
    });
  });

  it.each(['on', 'no', '12:30', '0o17', 'null', '~', '1_000'])(
    'quotes the password %s for readers of YAML 1.1',
    (password) => {
      const auth = new Map([['a', { username: 'u', password, identityToken: 'y' }]]);
      const { secrets } = read([mirrorOf('*', ['https://a'])], { auth });
      const parsed = parse(secrets[0]?.text ?? '', { version: '1.1' });
      expect(parsed.configs.a.auth).toEqual({ username: 'u', password, identity_token: 'y' });
    },
  );
});
