import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { NodeSettings } from '../../src/emit/node-settings.ts';
import { nodeMirrorsOf } from '../../src/emit/talos/mirrors.ts';
import { isolationNotes } from '../../src/emit/talos/notes.ts';
import { emitTalosConfig, type TalosConfigOptions } from '../../src/emit/talos-config.ts';
import { talosReleases } from '../../src/talos/catalogue.ts';
import { configKinds } from '../../src/talos/config-kinds.ts';
import { parseTalosVersion, printTalosVersion } from '../../src/talos/version.ts';
import { readMirrors } from '../support/asNode.ts';
import { completeSettings, mirrorsFor, registries, twoEndpoints } from './cases.ts';

const v = parseTalosVersion;
const https = [{ registry: '*', endpoint: 'https://registry.site:5000', pathPrefix: '' }];
const http = [{ registry: '*', endpoint: 'http://registry.site:5000', pathPrefix: '' }];
const refusal = (code: string, ...texts: string[]) =>
  expect.objectContaining({
    code,
    message: expect.stringContaining(texts[0] ?? ''),
    hint: expect.stringContaining(texts[1] ?? ''),
  });

type Fields = Record<string, unknown>;

function emit(version: string, settings: NodeSettings, more: Partial<TalosConfigOptions> = {}) {
  return emitTalosConfig({ mirrors: https, version: v(version), registries, settings, ...more });
}

function documentsIn(text = ''): Fields[] {
  return parseAllDocuments(text)
    .map((document) => {
      if ('errors' in document && document.errors.length > 0) throw document.errors[0];
      return document.toJS() as Fields | null;
    })
    .filter((value) => value !== null);
}

function patternsIn(document: Fields | undefined): unknown[] {
  const rules = document?.rules;
  return Array.isArray(rules) ? rules.map((rule: Fields) => rule.image) : [];
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((found, key) => (found as Fields | undefined)?.[key], value);
}

const written = (version: string, settings: NodeSettings, more: Partial<TalosConfigOptions> = {}) => {
  const documents = documentsIn(emit(version, settings, more).files[0]?.text);
  const base = documents.find(({ kind }) => kind === undefined);
  const of = (kind: string) => documents.filter((document) => document.kind === kind);
  return { base: (path: string) => at(base, path), of, documents };
};

describe('emitTalosConfig()', () => {
  it('is read back for every release, in one file and in several, with at most one document of the first kind in each', () => {
    for (const { version } of talosReleases()) {
      const isOld = configKinds(version).overridePath === 'none';
      const mirrors = isOld ? mirrorsFor('flat') : twoEndpoints;
      const complete = completeSettings(version);
      const settings = isOld ? { ...complete, tls: undefined, auth: undefined } : complete;
      for (const split of [false, true]) {
        const { files, secrets } = emitTalosConfig({ mirrors, version, registries, settings, split });
        expect(files.length > 1).toBe(split);
        const texts = [...files, ...secrets].map(({ text }) => text);
        for (const text of texts)
          expect(documentsIn(text).filter(({ kind }) => kind === undefined).length).toBeLessThan(2);
        const read = files.flatMap(({ text }) => readMirrors(text));
        expect(read).toEqual(nodeMirrorsOf({ mirrors, version, registries }));
        expect(texts.every((text) => text.split('\n', 1)[0]?.includes(printTalosVersion(version)))).toBe(true);
      }
    }
  });

  it('gives the same bytes each time', () => {
    const one = emit('1.14.4', { time: { servers: ['10.0.0.1'] }, discovery: 'disabled' });
    expect(emit('1.14.4', { time: { servers: ['10.0.0.1'] }, discovery: 'disabled' })).toEqual(one);
  });

  it('writes time where the release reads it', () => {
    expect(written('1.11.6', { time: { servers: ['10.0.0.1'] } }).base('machine.time')).toEqual({
      servers: ['10.0.0.1'],
    });
    expect(written('1.11.6', { time: 'disabled' }).base('machine.time')).toEqual({ disabled: true });
    const [sync] = written('1.12.0', { time: { servers: ['10.0.0.1', 'b'] } }).of('TimeSyncConfig');
    expect(sync).toEqual({ apiVersion: 'v1alpha1', kind: 'TimeSyncConfig', ntp: { servers: ['10.0.0.1', 'b'] } });
    expect(written('1.12.0', { time: 'disabled' }).of('TimeSyncConfig')[0]?.enabled).toBe(false);
  });

  it('writes name servers and names of hosts where the release reads them', () => {
    const settings = {
      nameservers: ['10.0.0.2'],
      hosts: [
        { address: '10.0.0.5', names: ['a'] },
        { address: '10.0.0.5', names: ['b', 'a'] },
      ],
    };
    const old = written('1.11.6', settings);
    expect(old.base('machine.network')).toEqual({
      nameservers: ['10.0.0.2'],
      extraHostEntries: [{ ip: '10.0.0.5', aliases: ['a', 'b'] }],
    });
    const now = written('1.12.0', settings);
    expect(now.of('ResolverConfig')[0]?.nameservers).toEqual([{ address: '10.0.0.2' }]);
    expect(now.of('StaticHostConfig')).toEqual([
      { apiVersion: 'v1alpha1', kind: 'StaticHostConfig', name: '10.0.0.5', hostnames: ['a', 'b'] },
    ]);
  });

  it('turns discovery off, or elsewhere', () => {
    const service = 'cluster.discovery.registries.service';
    expect(written('1.13.9', { discovery: 'disabled' }).base(service)).toEqual({ disabled: true });
    expect(written('1.13.9', { discovery: { endpoint: 'https://d.site' } }).base(service)).toEqual({
      endpoint: 'https://d.site',
    });
    const [gone] = written('1.14.4', { discovery: 'disabled' }).of('DiscoveryServiceConfig');
    expect(gone).toEqual({ apiVersion: 'v1alpha1', kind: 'DiscoveryServiceConfig', name: 'default', $patch: 'delete' });
    const [own] = written('1.14.4', { discovery: { endpoint: 'https://d.site' } }).of('DiscoveryServiceConfig');
    expect(own).toMatchObject({ name: 'default', endpoint: 'https://d.site' });
    for (const endpoint of ['d.site', 'https://d.site/path', 'ftp://d.site', 'https://u@d.site'])
      expect(() => emit('1.13.9', { discovery: { endpoint } })).toThrow(refusal('ERR_USAGE', 'discovery service'));
  });

  it('writes the install image so that it breaks no configuration', () => {
    const image = 'registry.site/installer:v1';
    expect(written('1.13.9', { installImage: image }).base('machine.install.image')).toBe(image);
    const bare = emit('1.14.4', { installImage: image });
    expect(bare.files[0]?.text).toContain(`--install-image ${image}\n`);
    expect(documentsIn(bare.files[0]?.text).map(({ kind }) => kind)).toEqual(['RegistryMirrorConfig']);
    expect(bare.warnings).toEqual([expect.stringContaining('the install image is not in the patch')]);
    const [document] = written('1.14.4', { installImage: image, installDisk: '/dev/nvme0n1' }).of(
      'UnattendedInstallConfig',
    );
    expect(document).toMatchObject({
      installer: { image },
      provisioning: { diskSelector: { match: 'disk.dev_path == "/dev/nvme0n1"' }, wipe: false },
    });
    const old = emit('1.14.4', { installImage: image }, { form: 'v1alpha1' });
    expect(at(documentsIn(old.files[0]?.text)[0], 'machine.install.image')).toBe(image);
    expect(old.warnings).toEqual([]);
  });

  it('enables the image cache from 1.9 on', () => {
    expect(written('1.9.0', { imageCache: true }).base('machine.features.imageCache')).toEqual({ localEnabled: true });
    expect(written('1.14.4', { imageCache: true }).of('ImageCacheConfig')[0]?.local).toEqual({ enabled: true });
    expect(() => emit('1.8.4', { imageCache: true })).toThrow(refusal('ERR_UNSUPPORTED', 'image cache', 'v1.9.0'));
  });

  it('names the pause image by the key of the containerd in the release', () => {
    const settings = { pauseImage: 'registry.site/pause:3.10' };
    const content = (version: string) =>
      at((written(version, settings).base('machine.files') as unknown[])[0], 'content');
    expect(content('1.7.7')).toContain(
      '[plugins."io.containerd.grpc.v1.cri"]\n    sandbox_image = "registry.site/pause:3.10"',
    );
    expect(content('1.8.0')).toContain('.pinned_images]\n    sandbox = "registry.site/pause:3.10"');
    const [own] = written('1.14.4', settings).of('CRICustomizationConfig');
    expect(own?.content).toContain('sandbox = "registry.site/pause:3.10"');
    expect(own?.name).not.toBe('customization');
  });

  it('writes signature rules from 1.13 on, Docker Hub under both names', () => {
    const rule = { image: 'docker.io/team/*', verifier: { kind: 'publicKey' as const, certificate: 'PEM' } };
    const [rules] = written('1.13.8', { verification: [rule] }).of('ImageVerificationConfig');
    expect(patternsIn(rules)).toEqual(['docker.io/team/*', 'index.docker.io/team/*']);
    expect(() => emit('1.12.11', { verification: [rule] })).toThrow(
      refusal('ERR_UNSUPPORTED', 'signature rules', 'v1.13.0'),
    );
    const twice = { image: 'index.docker.io/team/*', verifier: { kind: 'deny' as const } };
    expect(() => emit('1.13.9', { verification: [rule, twice] })).toThrow(refusal('ERR_USAGE', 'two are for'));
    expect(emit('1.13.7', { verification: [rule] }).warnings).toEqual([expect.stringContaining('talos#13886')]);
    for (const version of ['1.13.8', '1.14.0', '1.14.4'])
      expect(emit(version, { verification: [rule] }).warnings).toEqual([]);
    const keyless = { image: 'a.io/*', verifier: { kind: 'keyless' as const, issuer: 'https://i', subject: 's' } };
    expect(emit('1.14.4', { verification: [keyless] }).warnings).toEqual([
      expect.stringContaining('tuf-repo-cdn.sigstore.dev'),
    ]);
  });

  it('takes trusted roots from 1.8 on', () => {
    const trustedRoots = [{ name: 'site', certificates: 'PEM' }];
    expect(written('1.8.0', { trustedRoots }).of('TrustedRootsConfig')[0]?.certificates).toBe('PEM');
    expect(() => emit('1.7.7', { trustedRoots })).toThrow(refusal('ERR_UNSUPPORTED', 'trusted roots', 'v1.8.0'));
  });

  it('keeps keys and credentials in a file of their own', () => {
    const settings: NodeSettings = {
      tls: new Map([['registry.site:5000', { ca: 'CA', clientCertificate: 'CERT', clientKey: 'very-secret' }]]),
      auth: new Map([['registry.site:5000', { username: 'u', password: 'very-secret' }]]),
    };
    for (const version of ['1.4.8', '1.11.6', '1.14.4']) {
      const { files, secrets } = emit(version, settings);
      const isSecret = (text = '') => /very-secret|dmVyeS1zZWNyZXQ=/.test(text);
      expect(files.some(({ text }) => isSecret(text))).toBe(false);
      expect(secrets).toHaveLength(1);
      expect(isSecret(secrets[0]?.text)).toBe(true);
    }
    const now = documentsIn(emit('1.14.4', settings).secrets[0]?.text);
    expect(now.map(({ kind, name }) => [kind, name])).toEqual([
      ['RegistryTLSConfig', 'registry.site:5000'],
      ['RegistryAuthConfig', 'registry.site:5000'],
    ]);
    expect(now[0]?.clientIdentity).toEqual({ cert: 'CERT', key: 'very-secret' });
    const [old] = documentsIn(emit('1.11.6', settings).secrets[0]?.text);
    const config = at(old, 'machine.registries.config') as Fields;
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    expect(config['registry.site:5000']).toEqual({
      tls: { clientIdentity: { crt: base64('CERT'), key: base64('very-secret') } },
      auth: { username: 'u', password: 'very-secret' },
    });
  });

  it.each([
    ['*', 'for one host, never for all'],
    ['ghcr.io', 'no endpoint has this host'],
    ['registry.site', 'no endpoint has this host'],
  ])('refuses TLS and credentials keyed by %j', (host, state) => {
    const hint = 'registry.site:5000';
    expect(() => emit('1.14.4', { tls: new Map([[host, { insecureSkipVerify: true }]]) })).toThrow(
      refusal('ERR_USAGE', state, hint),
    );
    expect(() => emit('1.14.4', { auth: new Map([[host, { identityToken: 't' }]]) })).toThrow(
      refusal('ERR_USAGE', state, hint),
    );
  });

  it('refuses TLS on plain http, and says that credentials cross it', () => {
    const tls = new Map([['registry.site:5000', { ca: 'PEM' }]]);
    expect(() => emit('1.14.4', { tls }, { mirrors: http })).toThrow(refusal('ERR_USAGE', 'plain http', 'https://'));
    const auth = new Map([['registry.site:5000', { identityToken: 't' }]]);
    expect(emit('1.14.4', { auth }, { mirrors: http }).warnings).toEqual([expect.stringContaining('plain HTTP')]);
  });

  it('writes the old form for a new release, and no documents for one that reads none', () => {
    const settings = {
      time: { servers: ['10.0.0.1'] },
      nameservers: ['10.0.0.2'],
      discovery: 'disabled' as const,
      imageCache: true,
      pauseImage: 'p',
    };
    const { documents, base } = written('1.14.4', settings, { form: 'v1alpha1', mirrors: twoEndpoints });
    expect(documents).toHaveLength(1);
    expect(base('machine.registries.mirrors')).toHaveProperty(['registry.k8s.io', 'overridePath'], true);
    expect(() => emit('1.11.6', {}, { form: 'documents' })).toThrow(refusal('ERR_UNSUPPORTED', 'documents', 'v1.12.0'));
  });

  it('refuses when nothing is mirrored', () => {
    expect(() => emit('1.14.4', {}, { mirrors: [] })).toThrow(refusal('ERR_USAGE', 'nothing is mirrored'));
  });
});

describe('isolationNotes()', () => {
  it('names each piece that is missing, and none that is there', () => {
    expect(isolationNotes({}, v('1.6.8')).join('\n')).toMatch(
      /pool\.ntp\.org.*\n.*1\.1\.1\.1.*\n.*discovery\.talos\.dev/,
    );
    expect(isolationNotes({}, v('1.7.0'))[0]).toContain('time.cloudflare.com');
    expect(isolationNotes({ time: 'disabled', nameservers: ['10.0.0.2'], discovery: 'disabled' }, v('1.14.4'))).toEqual(
      [],
    );
  });
});
