import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAirgapError } from '../../src/errors.ts';
import { diagnose } from '../../src/node/diagnose.ts';
import { nodePull } from '../../src/node/node-pull.ts';
import { readNodeConfig } from '../../src/node/read-config.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const pem = '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n';

/** The first text is `base.yaml`, the others are `patch1.yaml` and so on. */
function read(...texts: readonly string[]) {
  return readNodeConfig(texts.map((text, index) => ({ name: index === 0 ? 'base.yaml' : `patch${index}.yaml`, text })));
}

/** Message, then hint. */
function refusal(...texts: readonly string[]): string {
  try {
    read(...texts);
  } catch (error) {
    if (isAirgapError(error) && error.code === 'ERR_INPUT_INVALID') return error.message;
    throw error;
  }
  throw new Error('not refused');
}

const machine = `# a comment
version: v1alpha1
machine:
  type: worker
  kubelet:
    image: ghcr.io/siderolabs/kubelet:v1.33.0
  install:
    image: ghcr.io/siderolabs/installer:v1.11.6
    extensions:
      - image: ghcr.io/siderolabs/gvisor:1
  time:
    servers: [10.0.0.1]
  network:
    nameservers: [10.0.0.2]
  features:
    imageCache:
      localEnabled: true
  files:
    - path: /etc/cri/conf.d/20-customization.part
      op: create
      content: |
        [plugins]
          [plugins."io.containerd.cri.v1.images".pinned_images]
            sandbox = "registry.site/pause:3.10"
  registries:
    mirrors:
      ghcr.io:
        endpoints:
          - https://a
          - https://b/v2/x
        overridePath: true
      docker.io:
        endpoints: [http://c]
        skipFallback: on
    config:
      a:
        tls:
          ca: ${base64(pem)}
          clientIdentity:
            crt: ${base64('crt')}
            key: ${base64('key')}
        auth:
          username: 12
          password: 0x10
cluster:
  etcd: {image: registry.k8s.io/etcd:v3.6.5}
  network:
    cni:
      name: custom
      urls: [https://example.com/cni.yaml]
  extraManifests: [https://example.com/more.yaml]
  discovery:
    enabled: true
    registries:
      service:
        endpoint: https://discovery.site/
---
apiVersion: v1alpha1
kind: TrustedRootsConfig
name: site
certificates: |
  ${pem.trimEnd().replaceAll('\n', '\n  ')}
`;

describe('readNodeConfig()', () => {
  it('reads a machine configuration, with the line of each part', () => {
    const config = read(machine);
    expect(config.mirrors).toEqual([
      { registry: 'docker.io', endpoints: [{ url: 'http://c', overridePath: false }], skipFallback: true },
      {
        registry: 'ghcr.io',
        endpoints: [
          { url: 'https://a', overridePath: true },
          { url: 'https://b/v2/x', overridePath: true },
        ],
        skipFallback: false,
      },
    ]);
    const tls = { ca: pem, clientCertificate: 'crt', clientKey: 'key', insecureSkipVerify: undefined };
    expect([...config.tls]).toEqual([['a', tls]]);
    expect(config.auth.get('a')).toMatchObject({ username: '12', password: '0x10' });
    expect(config.images).toEqual([
      { path: 'cluster.etcd.image', image: 'registry.k8s.io/etcd:v3.6.5' },
      { path: 'machine.files[0].sandbox', image: 'registry.site/pause:3.10' },
      { path: 'machine.install.extensions[0].image', image: 'ghcr.io/siderolabs/gvisor:1' },
      { path: 'machine.install.image', image: 'ghcr.io/siderolabs/installer:v1.11.6' },
      { path: 'machine.kubelet.image', image: 'ghcr.io/siderolabs/kubelet:v1.33.0' },
    ]);
    expect(config.manifestUrls).toEqual(['https://example.com/cni.yaml', 'https://example.com/more.yaml']);
    expect(config.time).toEqual({ disabled: false, servers: ['10.0.0.1'] });
    expect(config.nameservers).toEqual([{ address: '10.0.0.2', protocol: 'Do53' }]);
    expect(config.discovery).toEqual({ disabled: false, endpoints: ['https://discovery.site/'] });
    expect([config.imageCache, config.trustedRoots]).toEqual([true, [pem]]);
    const lines = ['mirror ghcr.io', 'endpoint ghcr.io 1', 'tls a', 'auth a', 'image machine.kubelet.image'].map(
      (key) => config.origins.get(key)?.line,
    );
    expect(lines).toEqual([27, 30, 37, 42, 6]);
  });

  it('reads documents, which stand before the entries of the same name', () => {
    const config = read(`${machine}---
apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: ghcr.io
endpoints:
  - url: https://d
  - url: https://e/v2/y
    overridePath: true
skipFallback: true
---
apiVersion: v1alpha1
kind: RegistryTLSConfig
name: a
ca: |
  -----BEGIN CERTIFICATE-----
clientIdentity: {cert: c, key: k}
insecureSkipVerify: true
---
apiVersion: v1alpha1
kind: RegistryAuthConfig
name: a
identityToken: t
---
apiVersion: v1alpha1
kind: TimeSyncConfig
enabled: false
---
apiVersion: v1alpha1
kind: ResolverConfig
nameservers: [{address: 10.9.9.9}]
---
apiVersion: v1alpha1
kind: DiscoveryServiceConfig
name: own
endpoint: https://own.site/
---
apiVersion: v1alpha1
kind: UnattendedInstallConfig
installer: {image: factory.site/metal-installer/abc:v1.14.4}
---
apiVersion: v1alpha1
kind: CRICustomizationConfig
name: pause
content: |
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = 'registry.site/pause:3.10.2'
---
apiVersion: v1alpha1
kind: KubeExternalManifestConfig
name: cni
url: https://example.com/third.yaml
`);
    expect(config.mirrors.find(({ registry }) => registry === 'ghcr.io')).toEqual({
      registry: 'ghcr.io',
      endpoints: [
        { url: 'https://d', overridePath: false },
        { url: 'https://e/v2/y', overridePath: true },
      ],
      skipFallback: true,
    });
    expect(config.tls.get('a')).toEqual({
      ca: '-----BEGIN CERTIFICATE-----\n',
      clientCertificate: 'c',
      clientKey: 'k',
      insecureSkipVerify: true,
    });
    expect(config.auth.get('a')).toMatchObject({ username: undefined, identityToken: 't' });
    expect(config.time).toEqual({ disabled: true, servers: [] });
    expect(config.nameservers).toEqual([{ address: '10.9.9.9', protocol: 'Do53' }]);
    expect(config.discovery.endpoints).toEqual(['https://discovery.site/', 'https://own.site/']);
    expect(config.images.map(({ path }) => path)).toContain('UnattendedInstallConfig.installer.image');
    expect(config.images).toContainEqual({
      path: 'CRICustomizationConfig pause.sandbox',
      image: 'registry.site/pause:3.10.2',
    });
    expect(config.manifestUrls.at(-1)).toBe('https://example.com/third.yaml');
  });

  it('reads an ImageCacheConfig, and discovery that is turned off', () => {
    expect(read('apiVersion: v1alpha1\nkind: ImageCacheConfig\nlocal: {enabled: true}').imageCache).toBe(true);
    expect(read('cluster: {discovery: {enabled: false}}').discovery.disabled).toBe(true);
    expect(read('cluster: {discovery: {registries: {service: {disabled: true}}}}').discovery.disabled).toBe(true);
    expect(read('{}').discovery).toEqual({ disabled: false, endpoints: [] });
    const whole = 'machine: {type: worker, token: abc.def}\n';
    expect(read(whole).discovery.disabled).toBe(true);
    expect(read(`${whole}cluster: {discovery: {enabled: true}}`).discovery).toEqual({ disabled: false, endpoints: [] });
    const document =
      '---\napiVersion: v1alpha1\nkind: DiscoveryServiceConfig\nname: default\nendpoint: https://d.site/';
    expect(read(whole + document).discovery).toEqual({ disabled: false, endpoints: ['https://d.site/'] });
  });

  it('reads an empty text and nothing at all', () => {
    for (const config of [read(), read(''), read('---\n---\n# nothing\n')]) expect(config.mirrors).toEqual([]);
  });

  it('takes endpoints as they are', () => {
    const text = 'machine: {registries: {mirrors: {ghcr.io: {endpoints: [mirror.site, "", "10.5.0.1:6000"]}}}}';
    expect(read(text).mirrors[0]?.endpoints.map(({ url }) => url)).toEqual(['mirror.site', '', '10.5.0.1:6000']);
  });
});

describe('strategic merge patches', () => {
  const mirrors = (text: string) => `machine:\n  registries:\n    mirrors:\n${text.replace(/^/gm, '      ')}\n`;

  it('merge mappings and put lists together', () => {
    const config = read(
      mirrors('ghcr.io:\n  endpoints: [http://a]\n  skipFallback: true\nquay.io: {endpoints: [http://q]}'),
      mirrors(
        'ghcr.io:\n  endpoints: [http://b]\n  skipFallback: false\n  overridePath: true\ngcr.io: {endpoints: [http://g]}',
      ),
      mirrors('quay.io:\nghcr.io: {endpoints: null}'),
    );
    expect(config.mirrors.map(({ registry, endpoints }) => [registry, endpoints.map(({ url }) => url)])).toEqual([
      ['gcr.io', ['http://g']],
      ['ghcr.io', ['http://a', 'http://b']],
      ['quay.io', ['http://q']],
    ]);
    expect(config.mirrors[1]).toMatchObject({ skipFallback: false, endpoints: [{ overridePath: true }, {}] });
    expect(config.origins.get('endpoint ghcr.io 0')).toEqual({ document: 'base.yaml', line: 5 });
    expect(config.origins.get('endpoint ghcr.io 1')).toEqual({ document: 'patch1.yaml', line: 5 });
  });

  it('leave what they have only empty texts for', () => {
    const config = read('machine: {kubelet: {image: a/b:1}}', 'machine: {kubelet: {image: ""}}');
    expect(config.images).toEqual([{ path: 'machine.kubelet.image', image: 'a/b:1' }]);
  });

  it('merge documents of the same kind and name, and add others', () => {
    const document = (name: string, url: string) =>
      `apiVersion: v1alpha1\nkind: RegistryMirrorConfig\nname: ${name}\nendpoints:\n  - url: ${url}\n`;
    const config = read(
      `machine: {}\n---\n${document('ghcr.io', 'http://a')}`,
      `${document('ghcr.io', 'http://b')}---\n${document('quay.io', 'http://q')}`,
    );
    expect(config.mirrors.map(({ registry, endpoints }) => [registry, endpoints.length])).toEqual([
      ['ghcr.io', 2],
      ['quay.io', 1],
    ]);
  });

  it('replace verification rules of the same pattern', () => {
    const rules = (text: string) => `apiVersion: v1alpha1\nkind: ImageVerificationConfig\nrules:\n${text}`;
    const config = read(
      rules('- {image: a/*, skip: true}\n- {image: b/*, deny: true}\n'),
      rules('- {image: c/*, deny: true}\n- {image: a/*, deny: true}\n'),
    );
    expect(config.verification.map(({ image, verifier }) => [image, verifier.kind])).toEqual([
      ['a/*', 'deny'],
      ['b/*', 'deny'],
      ['c/*', 'deny'],
    ]);
    expect(config.origins.get('rule 0')).toEqual({ document: 'patch1.yaml', line: 5 });
  });

  it('delete keys, list items and documents', () => {
    const config = read(
      `${mirrors('ghcr.io: {endpoints: [http://a]}\nquay.io: {endpoints: [http://q]}')}---
apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: docker.io
endpoints: [{url: http://a}, {url: http://b}]
---
apiVersion: v1alpha1
kind: RegistryAuthConfig
name: m
username: u
`,
      `${mirrors('ghcr.io: {$patch: delete}\ngcr.io: {endpoints: [http://g]}')}---
apiVersion: v1alpha1
kind: RegistryAuthConfig
name: m
$patch: delete
---
apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: docker.io
endpoints:
  - $patch: delete
    url: http://a
`,
    );
    expect(config.mirrors.map(({ registry, endpoints }) => [registry, endpoints.map(({ url }) => url)])).toEqual([
      ['docker.io', ['http://b']],
      ['gcr.io', ['http://g']],
      ['quay.io', ['http://q']],
    ]);
    expect(config.auth.size).toBe(0);
  });

  it('delete a document and write it anew', () => {
    const document = 'apiVersion: v1alpha1\nkind: RegistryMirrorConfig\nname: ghcr.io\n';
    const patch = `${document}$patch: delete\n---\n${document}endpoints: [{url: HTTP://B}]\n`;
    const config = read(`${document}endpoints: [{url: http://a}]\nskipFallback: true\n`, patch);
    expect(config.mirrors).toEqual([
      { registry: 'ghcr.io', endpoints: [{ url: 'http://B', overridePath: false }], skipFallback: false },
    ]);
  });

  it('are refused for what Talos refuses', () => {
    const base = mirrors('ghcr.io: {endpoints: [http://a]}');
    expect(refusal(base, mirrors('quay.io: {$patch: delete}'))).toBe(
      'Cannot read configuration "patch1.yaml:4": there is no "machine.registries.mirrors.quay.io" to delete: lookup failed',
    );
    expect(refusal(base, mirrors('ghcr.io: [http://b]'))).toBe(
      'Cannot read configuration "patch1.yaml:4": merge type mismatch at "machine.registries.mirrors.ghcr.io"',
    );
    expect(refusal(base, 'apiVersion: v1alpha1\nkind: RegistryTLSConfig\nname: m\n$patch: delete\n')).toBe(
      'Cannot read configuration "patch1.yaml:1": there is no document "RegistryTLSConfig m" to delete from',
    );
    const texts = [base, mirrors('ghcr.io: {$patch: delete}')].map((text, index) => ({ name: `${index}`, text }));
    expect(() => readNodeConfig(texts, { version: parseTalosVersion('v1.7.7') })).toThrow(/knows no "\$patch"/);
    expect(readNodeConfig(texts, { version: parseTalosVersion('v1.8.0') }).mirrors).toEqual([]);
  });
});

describe('RFC 6902 patches', () => {
  const base = 'machine:\n  registries:\n    mirrors:\n      ghcr.io:\n        endpoints: [http://a, http://b]\n';
  const at = '/machine/registries/mirrors/ghcr.io';
  const urls = (patch: string) =>
    read(base, patch).mirrors.map(({ registry, endpoints }) => [registry, ...endpoints.map(({ url }) => url)]);

  it.each([
    [`[{op: add, path: ${at}/endpoints/-, value: http://c}]`, [['ghcr.io', 'http://a', 'http://b', 'http://c']]],
    [`[{op: add, path: ${at}/endpoints/0, value: http://c}]`, [['ghcr.io', 'http://c', 'http://a', 'http://b']]],
    [`[{op: replace, path: ${at}/endpoints/1, value: http://c}]`, [['ghcr.io', 'http://a', 'http://c']]],
    [`[{op: remove, path: ${at}/endpoints/0}]`, [['ghcr.io', 'http://b']]],
    [`[{op: remove, path: ${at}}]`, []],
    [`[{op: replace, path: ${at}/endpoints, value: [http://c]}]`, [['ghcr.io', 'http://c']]],
    [`[{op: move, from: ${at}, path: /machine/registries/mirrors/quay.io}]`, [['quay.io', 'http://a', 'http://b']]],
    [
      `[{op: copy, from: ${at}, path: /machine/registries/mirrors/a~1b}]`,
      [
        ['a/b', 'http://a', 'http://b'],
        ['ghcr.io', 'http://a', 'http://b'],
      ],
    ],
    [
      `[{op: test, path: ${at}/endpoints, value: [http://a, http://b]}, {op: remove, path: ${at}/endpoints}]`,
      [['ghcr.io']],
    ],
    [`[{"op": "replace", "path": "", "value": {"machine": {}}}]`, []],
    // Against the RFC, as Talos does it.
    [
      '[{op: replace, path: /machine/registries, value: {}}, {op: replace, path: /machine/registries/mirrors, value: {}}]',
      [],
    ],
  ])('%s', (patch, expected) => {
    expect(urls(patch)).toEqual(expected);
  });

  it('keep the origin of what they bring', () => {
    const config = read(base, `- op: add\n  path: ${at}/endpoints/-\n  value: http://c\n`);
    expect(config.origins.get('endpoint ghcr.io 2')).toEqual({ document: 'patch1.yaml', line: 3 });
  });

  it.each([
    [`[{op: remove, path: ${at}/nothing}]`, `there is no "/nothing"`],
    [`[{op: replace, path: ${at}/endpoints/2, value: x}]`, 'there is no "/2"'],
    [`[{op: add, path: ${at}/endpoints/01, value: x}]`, 'there is no "/01"'],
    [`[{op: add, path: ${at}/endpoints}]`, 'the operation "add" has no value'],
    [`[{op: test, path: ${at}/endpoints, value: []}]`, `the test of "${at}/endpoints" failed`],
    ['[{op: frob, path: /x}]', '"frob" is no operation of RFC 6902'],
    ['[{op: remove}]', 'an operation has no path'],
    ['[{op: remove, path: x}]', 'the path "x" does not begin with "/"'],
  ])('%s is refused', (patch, state) => {
    expect(refusal(base, patch)).toBe(`Cannot read configuration "patch1.yaml:1": ${state}`);
  });

  it('are refused for several documents, as Talos refuses them', () => {
    const several = `${base}---\napiVersion: v1alpha1\nkind: TrustedRootsConfig\nname: x\n`;
    expect(refusal(several, `[{op: remove, path: ${at}}]`)).toBe(
      'Cannot read configuration "patch1.yaml:1": JSON6902 patches are not supported for multi-document machine configuration',
    );
  });

  it('cannot be made to compare what copies of copies stand for', () => {
    const copies = Array.from({ length: 40 }, (_, index) => `{op: copy, from: /machine, path: /machine/x${index}}`);
    const patch = `[${copies.join(', ')}, {op: test, path: /machine, value: {}}]`;
    expect(refusal(base, patch)).toMatch(/a test compares more than 100000 parts$/);
  });
});

describe('hostile configurations', () => {
  it.each([
    ['a: 1\na: 2\n', 'Cannot read configuration "base.yaml:2": the key "a" stands there twice'],
    ['a: [\n', /^Cannot read configuration "base.yaml:[12]": /],
    ['a: "x\0"\n', 'Cannot read configuration "base.yaml:1": it has a NUL character'],
    ['- op: remove\n', 'Cannot read configuration "base.yaml:1": it is a patch, not a configuration'],
    ['just text\n', 'Cannot read configuration "base.yaml:1": a document is no mapping'],
    ['? [a]\n: 1\n', 'Cannot read configuration "base.yaml:1": a key is no plain text'],
    ['a: *nothing\n', /alias/i],
    ['machine: 1\n', 'Cannot read configuration "base.yaml:1": "machine" is no mapping'],
    [
      'machine: {registries: {mirrors: {a: null}}}\n',
      'Cannot read configuration "base.yaml:1": registries.mirrors["a"] is null',
    ],
    [
      'machine: {registries: {mirrors: {a: {endpoints: x}}}}\n',
      'Cannot read configuration "base.yaml:1": "endpoints" is no list',
    ],
    [
      'machine: {registries: {mirrors: {a: {endpoints: [{url: x}]}}}}\n',
      'Cannot read configuration "base.yaml:1": an endpoint below machine.registries is no text',
    ],
    [
      'kind: RegistryMirrorConfig\nname: a\nendpoints: [http://m]\n',
      'Cannot read configuration "base.yaml:3": an endpoint of a RegistryMirrorConfig is no mapping',
    ],
    [
      'machine: {registries: {mirrors: {a: {skipFallback: maybe}}}}\n',
      'Cannot read configuration "base.yaml:1": "skipFallback" is neither true nor false',
    ],
    [
      'machine: {registries: {config: {a: {tls: {ca: "%%"}}}}}\n',
      'Cannot read configuration "base.yaml:1": illegal base64 data',
    ],
    [
      'kind: RegistryMirrorConfig\n',
      'Cannot read configuration "base.yaml:1": RegistryMirrorConfig: name must be specified',
    ],
    [
      'kind: RegistryMirrorConfig\nname: a\nendpoints: [{}]\n',
      'Cannot read configuration "base.yaml:3": endpoints[].url must be specified',
    ],
    ['kind: X\n---\nkind: X\n', 'Cannot read configuration "base.yaml:3": there are two documents "X"'],
    [
      'kind: ImageVerificationConfig\nrules: [{image: a}]\n',
      'Cannot read configuration "base.yaml:2": rule 0: at least one verifier must be configured',
    ],
  ])('%j', (text, message) => {
    const said = refusal(text);
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });

  it('bombs of aliases, deep ones, long ones and ones that hold themselves', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 10; level += 1) {
      const below = Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ');
      bomb.push(`a${level}: &a${level} [${below}]`);
    }
    expect(refusal(bomb.join('\n'))).toMatch(/it has more than 200000 parts$/);
    expect(refusal('a: &a [*a]')).toMatch(/levels deep$/);
    expect(refusal(`a: ${'['.repeat(150)}${']'.repeat(150)}`)).toMatch(/levels deep$/);
    expect(refusal(`a: ${'['.repeat(300_000)}`)).toMatch(/nested too deeply$|^Cannot read configuration "base.yaml/);
    expect(refusal('x'.repeat(4 * 1024 * 1024 + 1))).toMatch(/is longer than 4194304 characters$/);
    expect(refusal('---\nkind: X\n'.repeat(1001))).toMatch(/more than 1000 documents$/);
  });

  it('many keys take time linear in their number', () => {
    const text = Array.from({ length: 40_000 }, (_, index) => `k${index}: 1`).join('\n');
    const before = performance.now();
    read(text);
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('merge keys of YAML are written out', () => {
    const config = read(`x: &base {endpoints: [http://a], skipFallback: true}
machine:
  registries:
    mirrors:
      ghcr.io: {<<: *base, skipFallback: false}
      quay.io: *base
`);
    expect(config.mirrors).toEqual([
      { registry: 'ghcr.io', endpoints: [{ url: 'http://a', overridePath: false }], skipFallback: false },
      { registry: 'quay.io', endpoints: [{ url: 'http://a', overridePath: false }], skipFallback: true },
    ]);
  });

  it('throw nothing but ERR_INPUT_INVALID, and what is read can be followed and diagnosed in every release', () => {
    const word = fc.constantFrom(
      'machine',
      'registries',
      'mirrors',
      'ghcr.io',
      '*',
      'endpoints',
      'http://a',
      'overridePath',
      'skipFallback',
      'config',
      'tls',
      'ca',
      'auth',
      'kind',
      'RegistryMirrorConfig',
      'ImageVerificationConfig',
      'rules',
      'image',
      'keyless',
      'name',
      'url',
      '$patch',
      'delete',
      'op',
      'add',
      'path',
      '/machine',
      'value',
      '10.5.0.1:6000',
      'true',
      '',
      '<<',
    );
    const tree = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        word,
        fc.constantFrom(null, true, 0),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(word, tie('node'), { maxKeys: 4 }),
      ),
    })).node;
    const text = fc.oneof(
      tree.map((value) => JSON.stringify(value)),
      fc.string(),
      fc.array(tree, { maxLength: 3 }).map((values) => values.map((value) => JSON.stringify(value)).join('\n---\n')),
    );
    const image = parseReference('ghcr.io/a/b:1');
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 3 }),
        fc.constantFrom('v1.0.6', 'v1.8.4', 'v1.11.6', 'v1.14.4'),
        (texts, release) => {
          const version = parseTalosVersion(release);
          try {
            const config = readNodeConfig(
              texts.map((one, index) => ({ name: `${index}.yaml`, text: one })),
              { version },
            );
            for (const puller of ['talos', 'cri'] as const) nodePull(config, image, { version, puller });
            diagnose(config, { version });
          } catch (error) {
            if (!isAirgapError(error) || error.code !== 'ERR_INPUT_INVALID') throw error;
            expect(error.message).toMatch(/^Cannot read configuration "[0-2]\.yaml(?::[0-9]+)?": [^\n]+$/);
          }
        },
      ),
      { numRuns: 600 },
    );
  });
});
