import { describe, expect, it } from 'vitest';
import { blobUrlAt, manifestUrlAt, nodePull, pullersOf, referrersUrlAt } from '../../src/node/node-pull.ts';
import type { Puller } from '../../src/node/pull.ts';
import { readNodeConfig } from '../../src/node/read-config.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const config = (text: string) => readNodeConfig([{ name: 'machine.yaml', text }]);

interface Asking {
  readonly image?: string;
  readonly version?: string;
  readonly puller?: Puller;
}

function pull(text: string, asking: Asking = {}) {
  const { image = 'ghcr.io/siderolabs/kubelet:v1.33.0', version = 'v1.14.4', puller = 'talos' } = asking;
  return nodePull(config(text), parseReference(image), { version: parseTalosVersion(version), puller });
}

/** What is asked, or why nothing is; without what `asking` says twice. */
function asked(text: string, asking: Asking = {}): string[] {
  const answer = pull(text, asking);
  const { tag, digest, repository } = answer.image;
  return answer.steps.map((step) => step.problem ?? manifestUrlAt(step, repository, digest ?? tag ?? ''));
}

/** v1alpha1, so that every release reads it. */
function mirror(
  endpoints: readonly string[],
  keys: Readonly<Record<string, boolean>> = {},
  registry = 'ghcr.io',
): string {
  return JSON.stringify({ machine: { registries: { mirrors: { [registry]: { endpoints, ...keys } } } } });
}

const upstream = 'https://ghcr.io/v2/siderolabs/kubelet/manifests/v1.33.0';
const tail = 'siderolabs/kubelet/manifests/v1.33.0?ns=ghcr.io';

describe('path rules', () => {
  const table: readonly (readonly [endpoint: string, base: string, overridden: string])[] = [
    ['https://m:5000', 'https://m:5000/v2', 'https://m:5000'],
    ['https://m:5000/', 'https://m:5000/v2', 'https://m:5000'],
    ['https://m:5000//', 'https://m:5000/v2', 'https://m:5000'],
    ['https://m:5000/v2', 'https://m:5000/v2', 'https://m:5000/v2'],
    ['https://m:5000/v2/', 'https://m:5000/v2', 'https://m:5000/v2'],
    ['https://m/ghcr.io', 'https://m/ghcr.io/v2', 'https://m/ghcr.io'],
    ['https://m/v2/ghcr.io', 'https://m/v2/ghcr.io/v2', 'https://m/v2/ghcr.io'],
    ['https://m/v2/ghcr.io/', 'https://m/v2/ghcr.io/v2', 'https://m/v2/ghcr.io'],
    ['https://m/a/../b/./c', 'https://m/b/c/v2', 'https://m/b/c'],
    ['https://m/../..', 'https://m/v2', 'https://m'],
    ['https://m/v2/v2', 'https://m/v2/v2', 'https://m/v2/v2'],
    ['http://[fd00::1]:5000/x', 'http://[fd00::1]:5000/x/v2', 'http://[fd00::1]:5000/x'],
    ['http://m:80/', 'http://m:80/v2', 'http://m:80'],
    ['https://user:secret@m/?x=1#y', 'https://m/v2', 'https://m'],
    ['HTTPS://Mirror.Site', 'https://Mirror.Site/v2', 'https://Mirror.Site'],
  ];

  it.each(table)('%s', (endpoint, base, overridden) => {
    // containerd takes only lower-case schemes for schemes.
    const pullers: Puller[] = endpoint.startsWith('http') ? ['talos', 'cri'] : ['talos'];
    for (const puller of pullers) {
      for (const version of ['v1.4.8', 'v1.8.4', 'v1.9.6', 'v1.11.6', 'v1.12.11', 'v1.14.4']) {
        expect(asked(mirror([endpoint]), { version, puller })[0]).toBe(`${base}/${tail}`);
        const override = mirror([endpoint], { overridePath: true });
        expect(asked(override, { version, puller })[0]).toBe(`${overridden}/${tail}`);
      }
    }
  });

  it('before 1.4 Talos takes a path as written, and containerd puts /v2 after it', () => {
    const of = (endpoint: string, puller: Puller) => asked(mirror([endpoint]), { version: 'v1.3.7', puller })[0];
    for (const puller of ['talos', 'cri'] as const) {
      expect(of('http://m', puller)).toBe(`http://m/v2/${tail}`);
      expect(of('http://m/v2', puller)).toBe(`http://m/v2/${tail}`);
    }
    expect(of('http://m/', 'talos')).toBe(`http://m/${tail}`);
    expect(of('http://m/', 'cri')).toBe(`http://m/v2/${tail}`);
    expect(of('http://m/v2/ghcr.io', 'talos')).toBe(`http://m/v2/ghcr.io/${tail}`);
    expect(of('http://m/v2/ghcr.io', 'cri')).toBe(`http://m/v2/ghcr.io/v2/${tail}`);
  });

  it('reads the override of each endpoint of a document', () => {
    const text = `apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: ghcr.io
endpoints:
  - url: https://a
  - url: https://b/v2/ghcr.io
    overridePath: true
skipFallback: true
`;
    expect(asked(text)).toEqual([`https://a/v2/${tail}`, `https://b/v2/ghcr.io/${tail}`]);
  });
});

describe('fallback to the registry itself', () => {
  const on = mirror(['http://m']);
  const off = mirror(['http://m'], { skipFallback: true });
  const table: readonly (readonly [version: string, puller: Puller, on: boolean, off: boolean])[] = [
    ['v1.0.6', 'talos', false, false],
    ['v1.0.6', 'cri', true, true],
    ['v1.8.4', 'talos', false, false],
    ['v1.8.4', 'cri', true, true],
    ['v1.9.0', 'talos', true, false],
    ['v1.9.0', 'cri', true, false],
    ['v1.14.4', 'talos', true, false],
    ['v1.14.4', 'cri', true, false],
  ];

  it.each(table)('%s, %s: %s, with skipFallback %s', (version, puller, withoutSkip, withSkip) => {
    const mirrored = [`http://m/v2/${tail}`];
    expect(asked(on, { version, puller })).toEqual(withoutSkip ? [...mirrored, upstream] : mirrored);
    expect(asked(off, { version, puller })).toEqual(withSkip ? [...mirrored, upstream] : mirrored);
  });

  it('differs between Talos and containerd where there are no endpoints', () => {
    const empty = mirror([], { skipFallback: true });
    expect(asked(empty, { version: 'v1.14.4', puller: 'talos' })).toEqual([]);
    expect(asked(empty, { version: 'v1.14.4', puller: 'cri' })).toEqual([upstream]);
    expect(asked(mirror([]), { version: 'v1.14.4', puller: 'talos' })).toEqual([upstream]);
    expect(asked(mirror([]), { version: 'v1.8.4', puller: 'talos' })).toEqual([]);
    expect(asked(mirror([]), { version: 'v1.3.7', puller: 'talos' })).toEqual([upstream]);
  });

  it('asks Docker Hub at its own host, without ns', () => {
    const nginx = '/v2/library/nginx/manifests/latest';
    expect(asked('{}', { image: 'nginx' })).toEqual([`https://registry-1.docker.io${nginx}`]);
    const text = mirror(['https://registry-1.docker.io', 'https://docker.io', 'https://m'], {}, 'docker.io');
    expect(asked(text, { image: 'nginx' })).toEqual([
      `https://registry-1.docker.io${nginx}`,
      `https://docker.io${nginx}`,
      `https://m${nginx}?ns=docker.io`,
      `https://registry-1.docker.io${nginx}`,
    ]);
    expect(pull(text, { image: 'nginx' }).steps.map((step) => step.isUpstream)).toEqual([true, true, false, true]);
  });

  it('asks a registry of this machine with plain HTTP, as containerd does', () => {
    const image = 'localhost:5000/a:1';
    expect(asked('{}', { image, puller: 'cri' })).toEqual(['http://localhost:5000/v2/a/manifests/1']);
    expect(asked('{}', { image, puller: 'talos' })).toEqual(['https://localhost:5000/v2/a/manifests/1']);
    const secure = 'localhost:443/a:1';
    expect(asked('{}', { image: secure, puller: 'cri' })).toEqual(['https://localhost:443/v2/a/manifests/1']);
  });
});

describe('which mirror matches', () => {
  const both = JSON.stringify({
    machine: {
      registries: { mirrors: { '*': { endpoints: ['http://any'] }, 'ghcr.io': { endpoints: ['http://own'] } } },
    },
  });

  it('is the exact one before *, never both', () => {
    for (const puller of ['talos', 'cri'] as const) {
      expect(pull(both, { puller }).matched).toBe('ghcr.io');
      expect(asked(both, { puller })).toEqual([`http://own/v2/${tail}`, upstream]);
      expect(pull(both, { puller, image: 'quay.io/a/b:1' }).matched).toBe('*');
      expect(asked(both, { puller, image: 'quay.io/a/b:1' })[0]).toBe('http://any/v2/a/b/manifests/1?ns=quay.io');
    }
  });

  it('containerd sees * from 1.4 on', () => {
    const any = mirror(['http://any'], {}, '*');
    expect(asked(any, { version: 'v1.3.7', puller: 'cri' })).toEqual([upstream]);
    expect(asked(any, { version: 'v1.3.7', puller: 'talos' })).toEqual([`http://any/v2/${tail}`]);
    expect(asked(any, { version: 'v1.4.0', puller: 'cri' })).toEqual([`http://any/v2/${tail}`, upstream]);
  });

  it('names the port in ns and escapes it', () => {
    const text = mirror(['http://m'], {}, 'registry.site:5000');
    const answer = pull(text, { image: 'registry.site:5000/app:1' });
    const step = answer.steps[0];
    if (step === undefined) throw new Error('no step');
    expect(manifestUrlAt(step, 'app', '1')).toBe('http://m/v2/app/manifests/1?ns=registry.site%3A5000');
    expect(blobUrlAt(step, 'app', digest)).toBe(`http://m/v2/app/blobs/${digest}?ns=registry.site%3A5000`);
    expect(referrersUrlAt(step, 'app', digest)).toBe(`http://m/v2/app/referrers/${digest}?ns=registry.site%3A5000`);
  });

  it('lets TLS settings of the registry hide * from containerd, not from Talos', () => {
    const text = `machine:
  registries:
    mirrors:
      '*':
        endpoints: [https://any]
    config:
      ghcr.io:
        tls:
          insecureSkipVerify: true
`;
    expect(asked(text, { puller: 'cri' })).toEqual([upstream]);
    expect(pull(text, { puller: 'cri' }).matched).toBeUndefined();
    expect(asked(text, { puller: 'talos' })).toEqual([`https://any/v2/${tail}`, upstream]);
  });

  it('is the one of the document where both forms name a registry', () => {
    const text = `${mirror(['http://old'])}
---
apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: ghcr.io
endpoints: [{url: http://new}]
`;
    expect(asked(text)).toEqual([`http://new/v2/${tail}`, upstream]);
  });
});

describe('the image', () => {
  it('loses its tag where it has a digest, for both', () => {
    for (const puller of ['talos', 'cri'] as const) {
      const answer = pull('{}', { image: `nginx:1.27@${digest}`, puller });
      expect(answer.image).toEqual({ registry: 'docker.io', repository: 'library/nginx', digest });
      expect(answer.reasons[0]).toBe('tag and digest: the tag 1.27 is dropped');
    }
  });
});

describe('the image cache of a node', () => {
  const cached = (rest: object) =>
    JSON.stringify({ machine: { features: { imageCache: { localEnabled: true } }, ...rest } });
  const cache = `http://127.0.0.1:3172/v2/${tail}`;

  it('is asked before every mirror, and before registries without one', () => {
    const text = cached({
      registries: { mirrors: { 'ghcr.io': { endpoints: ['https://m/v2/x'], overridePath: true } } },
    });
    for (const puller of ['talos', 'cri'] as const) {
      expect(asked(text, { puller })).toEqual([cache, `https://m/v2/x/${tail}`, upstream]);
      expect(asked(cached({}), { puller })).toEqual([cache, upstream]);
    }
    expect(pull(cached({})).matched).toBeUndefined();
  });

  it('is one endpoint for a mirror that has none', () => {
    const text = cached({ registries: { mirrors: { 'ghcr.io': { endpoints: [], skipFallback: true } } } });
    for (const puller of ['talos', 'cri'] as const) expect(asked(text, { puller })).toEqual([cache]);
  });

  it('is none before 1.9', () => {
    expect(asked(cached({}), { version: 'v1.8.4' })).toEqual([upstream]);
  });
});

describe('trust and credentials', () => {
  const documents = (rest: string) => `apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: docker.io
endpoints:
  - url: https://m:5000
---
${rest}`;
  const hub = { image: 'nginx' };

  it('come from the host and port of the endpoint', () => {
    const text = documents(`apiVersion: v1alpha1
kind: RegistryTLSConfig
name: m:5000
ca: |-
  -----BEGIN CERTIFICATE-----
---
apiVersion: v1alpha1
kind: RegistryAuthConfig
name: m:5000
username: me
password: secret
identityToken: unused
`);
    const [own, registry] = pull(text, hub).steps;
    expect(own?.tls?.ca).toBe('-----BEGIN CERTIFICATE-----');
    expect(own?.auth).toEqual({ username: 'me', password: 'secret' });
    expect([registry?.tls, registry?.auth]).toEqual([undefined, undefined]);
  });

  it('of docker.io are used by containerd and not by Talos, which looks under registry-1.docker.io', () => {
    const named = (name: string) =>
      documents(`apiVersion: v1alpha1
kind: RegistryAuthConfig
name: ${name}
auth: ${Buffer.from('me:se:cret\0').toString('base64')}
`);
    const auth = (name: string, puller: Puller) => pull(named(name), { ...hub, puller }).steps.map((step) => step.auth);
    const sent = { username: 'me', password: 'se:cret' };
    expect(auth('docker.io', 'cri')).toEqual([undefined, sent]);
    expect(auth('docker.io', 'talos')).toEqual([undefined, undefined]);
    expect(auth('registry-1.docker.io', 'cri')).toEqual([undefined, sent]);
    expect(auth('registry-1.docker.io', 'talos')).toEqual([undefined, sent]);
  });

  it('an identity token goes before auth, and nothing usable is said', () => {
    const of = (keys: string) =>
      pull(documents(`apiVersion: v1alpha1\nkind: RegistryAuthConfig\nname: m:5000\n${keys}`), hub);
    expect(of('identityToken: t\nauth: bm90aGluZw==').steps[0]?.auth).toEqual({ identityToken: 't' });
    const none = of('auth: bm90aGluZw==');
    expect(none.steps[0]?.auth).toBeUndefined();
    expect(none.reasons).toContain('endpoint https://m:5000: invalid auth config for m:5000: nothing can be sent');
  });

  it('TLS settings for plain HTTP stop Talos, and make containerd try HTTPS first', () => {
    const text = `machine:
  registries:
    mirrors: {ghcr.io: {endpoints: [https://first, 'http://m:5000']}}
    config: {'m:5000': {tls: {insecureSkipVerify: true}}}
`;
    expect(asked(text)).toEqual(['TLS config specified for non-HTTPS registry: "m:5000"']);
    expect(asked(text, { puller: 'cri' })).toEqual([`https://first/v2/${tail}`, `http://m:5000/v2/${tail}`, upstream]);
    expect(pull(text, { puller: 'cri' }).reasons).toContain(
      'endpoint http://m:5000: TLS settings for plain HTTP: containerd tries HTTPS first',
    );
  });
});

describe('endpoints that are no URL', () => {
  it('are passed over by Talos and mended by containerd where they can be read', () => {
    expect(asked(mirror(['mirror.site']))).toEqual(['missing protocol scheme', upstream]);
    expect(asked(mirror(['mirror.site:5000']))).toEqual(['unsupported protocol scheme "mirror.site"', upstream]);
    expect(asked(mirror(['mirror.site:5000']), { puller: 'cri' })).toEqual([
      `https://mirror.site:5000/v2/${tail}`,
      upstream,
    ]);
    expect(asked(mirror(['http:///x']))).toEqual(['no host in request URL', upstream]);
    // containerd takes it for the registry itself, fallback or not.
    const hostless = asked(mirror(['http://m', 'http:/x'], { skipFallback: true }), { puller: 'cri' });
    expect(hostless.at(-1)).toBe(upstream);
  });

  it('end the pull where Go cannot read them, and leave containerd without any mirror', () => {
    const text = mirror(['http://good', '10.5.0.1:6000']);
    const [problem, ...more] = asked(text);
    expect(problem).toBe('Talos cannot read the endpoint: first path segment in URL cannot contain colon');
    expect(more).toEqual([]);
    expect(asked(text, { puller: 'cri' })).toEqual([upstream]);
    expect(asked(text, { image: 'quay.io/a:1', puller: 'talos' })).toEqual(['https://quay.io/v2/a/manifests/1']);
  });

  it('and wildcard TLS settings without a * mirror leave containerd without any mirror too', () => {
    const text = `machine:
  registries:
    mirrors: {ghcr.io: {endpoints: [https://m]}}
    config: {'*': {tls: {insecureSkipVerify: true}}}
`;
    expect(asked(text, { puller: 'cri' })).toEqual([upstream]);
    expect(asked(text, { puller: 'talos' })).toEqual([`https://m/v2/${tail}`, upstream]);
  });
});

describe('files that containerd cannot read', () => {
  it('are those with an endpoint twice: the registry itself is asked', () => {
    const twice = ['http://m', 'http://n', 'http://m'];
    expect(asked(mirror(twice), { puller: 'cri' })).toEqual([upstream]);
    expect(asked(mirror(twice)).length).toBe(4);
    // Without fallback the last one is no table but the server.
    const skipping = asked(mirror(twice, { skipFallback: true }), { puller: 'cri' });
    expect(skipping).toEqual([`http://m/v2/${tail}`, `http://n/v2/${tail}`, `http://m/v2/${tail}`]);
  });

  it('are those with more than one endpoint before 1.3', () => {
    const two = mirror(['http://m', 'http://n']);
    expect(asked(two, { version: 'v1.2.9', puller: 'cri' })).toEqual([upstream]);
    expect(asked(two, { version: 'v1.2.9', puller: 'talos' })).toEqual([`http://m/v2/${tail}`, `http://n/v2/${tail}`]);
    expect(asked(two, { version: 'v1.3.0', puller: 'cri' }).length).toBe(3);
  });
});

describe('reasons', () => {
  it('tell the whole way in order', () => {
    const text = mirror(['https://m/v2/ghcr.io', 'https://n/'], { overridePath: true, skipFallback: true });
    expect(pull(text).reasons).toEqual([
      'the mirror of ghcr.io is taken',
      'endpoint https://m/v2/ghcr.io: overridePath: the path /v2/ghcr.io is taken as written',
      'endpoint https://m/v2/ghcr.io: asks https://m/v2/ghcr.io with ?ns=ghcr.io',
      'endpoint https://n/: overridePath: the path / is taken as written',
      'endpoint https://n/: asks https://n with ?ns=ghcr.io',
      'skipFallback: ghcr.io is not asked',
    ]);
    expect(pull('{}', { version: 'v1.8.4' }).reasons).toEqual([
      'no mirror for ghcr.io',
      'no mirror: https://ghcr.io/v2 is asked',
    ]);
  });
});

it('names why a mirror that stands there does not count, and nothing where none does', () => {
  const any = mirror(['http://any'], {}, '*');
  const over = (text: string, asking: Asking = {}) => pull(text, { puller: 'cri', ...asking }).passedOver;
  expect(over(any, { version: 'v1.3.7' })).toMatch(/sees the one of \* from Talos 1\.4 on only$/);
  expect(over(mirror(['http://m', '10.5.0.1:6000']))).toMatch(/^Talos cannot write containerd's files: endpoint /);
  expect(over(mirror(['http://m', 'http://n', 'http://m']))).toBe(
    'containerd cannot read its file: endpoint http://m stands there twice',
  );
  expect(over(any)).toBeUndefined();
  expect(over(mirror(['http://m'], {}, 'quay.io'))).toBeUndefined();
});

describe('pullersOf()', () => {
  const empty = config('{}');
  it.each([
    ['ghcr.io/siderolabs/installer:v1.13.9', 'talos'],
    [
      'factory.talos.dev/metal-installer/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba:v1.14.4',
      'talos',
    ],
    [
      'factory.talos.dev/aws-installer-secureboot/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba:v1',
      'talos',
    ],
    ['ghcr.io/siderolabs/kubelet:v1.36.3', 'talos'],
    ['registry.k8s.io/etcd:v3.6.12', 'talos'],
    ['gcr.io/etcd-development/etcd:v3.5.3', 'talos'],
    ['ghcr.io/siderolabs/installer-base:v1.13.9', 'cri'],
    ['registry.k8s.io/pause:3.10', 'cri'],
    ['registry.k8s.io/kube-apiserver:v1.36.3', 'cri'],
  ])('%s: %s', (image, puller) => {
    expect(pullersOf(parseReference(image), empty)).toEqual([puller]);
  });

  it('are Talos for what the configuration names in their place', () => {
    const named = config(
      JSON.stringify({
        machine: { kubelet: { image: 'quay.io/own/kube:v1' } },
        cluster: { proxy: { image: 'quay.io/own/proxy' } },
      }),
    );
    expect(pullersOf(parseReference('quay.io/own/kube:v2'), named)).toEqual(['talos']);
    expect(pullersOf(parseReference('quay.io/own/proxy:v2'), named)).toEqual(['cri']);
  });
});

describe('an encoded password', () => {
  it('loses the NUL characters around it, in time that grows with their number', () => {
    const nul = '\0'.repeat(400_000);
    const auth = Buffer.from(`node:${nul}a${nul}b${nul}`).toString('base64');
    const registries = {
      mirrors: { 'ghcr.io': { endpoints: ['https://m.site'] } },
      config: { 'm.site': { auth: { auth } } },
    };
    const { steps } = pull(JSON.stringify({ machine: { registries } }));
    expect(steps[0]?.auth).toEqual({ username: 'node', password: `a${nul}b` });
  });
});
