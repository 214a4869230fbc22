import { describe, expect, it } from 'vitest';
import { type Diagnosis, diagnose } from '../../src/node/diagnose.ts';
import { readNodeConfig } from '../../src/node/read-config.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';

/** `SEVERITY CODE FILE:LINE`, message, hint: as a user sees them. */
function shown({ severity, code, origin, message, hint }: Diagnosis): string[] {
  return [`${severity} ${code} ${origin?.document}:${origin?.line}`, message, hint];
}

function found(text: string, version = 'v1.14.4'): string[][] {
  const config = readNodeConfig([{ name: 'machine.yaml', text }]);
  return diagnose(config, { version: parseTalosVersion(version) }).map(shown);
}

const v1alpha1 = (mirrors: string, config = '') => `machine:
  registries:
    mirrors:
${mirrors.replace(/^/gm, '      ')}
${config === '' ? '' : `    config:\n${config.replace(/^/gm, '      ')}\n`}`;

const good = `apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: ghcr.io
endpoints:
  - url: https://mirror.site:5000/v2/ghcr.io
    overridePath: true
skipFallback: true
---
apiVersion: v1alpha1
kind: RegistryTLSConfig
name: mirror.site:5000
ca: |-
  -----BEGIN CERTIFICATE-----
---
apiVersion: v1alpha1
kind: RegistryAuthConfig
name: mirror.site:5000
username: me
password: secret
`;

describe('diagnose()', () => {
  it('has nothing to say about a good configuration', () => {
    expect(found(good)).toEqual([]);
    expect(found(v1alpha1("'*': {endpoints: ['http://10.5.0.1:6000'], skipFallback: true}"), 'v1.9.6')).toEqual([]);
    expect(found(v1alpha1('ghcr.io: {endpoints: [http://10.5.0.1:6000]}'), 'v1.0.6')).toEqual([]);
    expect(found('{}')).toEqual([]);
  });

  it('tells TLS settings under the registry beside an endpoint without a scheme', () => {
    const text = v1alpha1(
      'ghcr.io: {endpoints: [10.5.0.1:6000], skipFallback: true}',
      'ghcr.io: {tls: {insecureSkipVerify: true}}',
    );
    expect(found(text).map(([code, , hint]) => [code, hint])).toEqual([
      ['error missing-scheme machine.yaml:4', 'write "http://10.5.0.1:6000", or "https://10.5.0.1:6000"'],
      ['error tls-by-upstream machine.yaml:6', 'write them under the endpoint\'s host and port, "10.5.0.1:6000"'],
    ]);
  });

  it('tells a mirror that is written for itself', () => {
    expect(
      found(v1alpha1("'192.168.122.1:5005': {endpoints: ['http://192.168.122.1:5005'], skipFallback: true}")),
    ).toEqual([
      [
        'error mirror-of-itself machine.yaml:4',
        'the mirror of "192.168.122.1:5005" leads to "192.168.122.1:5005" itself: only images named "192.168.122.1:5005/…" are asked for there',
        'write the mirror under the registry that the images name, for example "ghcr.io", or under "*"',
      ],
    ]);
  });

  it('tells a registry that no image names', () => {
    expect(found(v1alpha1('index.docker.io: {endpoints: [http://m], skipFallback: true}'))).toEqual([
      [
        'error mirror-name machine.yaml:4',
        'no image is of the registry "index.docker.io", so its mirror is never taken',
        'write "docker.io"',
      ],
    ]);
    expect(found(v1alpha1('https://GHCR.io/x: {endpoints: [http://m], skipFallback: true}'))[0]?.[2]).toBe(
      'write "ghcr.io"',
    );
    expect(found(v1alpha1("'*.io': {endpoints: [http://m], skipFallback: true}"))[0]?.[2]).toBe(
      'write the registry as images name it: HOST, HOST:PORT or "*"',
    );
  });

  it('tells a prefix without override', () => {
    expect(found(v1alpha1('ghcr.io:\n  endpoints:\n    - https://m/ghcr.io\n  skipFallback: true'))).toEqual([
      [
        'warning prefix-without-override machine.yaml:6',
        'endpoint "https://m/ghcr.io" has a path and no overridePath: nodes ask "https://m/ghcr.io/v2/REPOSITORY/manifests/TAG"',
        'write "https://m/v2/ghcr.io" with "overridePath: true"',
      ],
    ]);
  });

  it('tells a double /v2', () => {
    expect(found(v1alpha1('ghcr.io: {endpoints: [https://m/v2/ghcr.io], skipFallback: true}'))).toEqual([
      [
        'error double-v2 machine.yaml:4',
        'endpoint "https://m/v2/ghcr.io" has a path and no overridePath: nodes ask "https://m/v2/ghcr.io/v2/REPOSITORY/manifests/TAG"',
        'write "https://m/v2/ghcr.io" with "overridePath: true"',
      ],
    ]);
    expect(found(v1alpha1('ghcr.io: {endpoints: [https://m/v2/v2], skipFallback: true}'))[0]?.[0]).toMatch(
      /^error double-v2 /,
    );
  });

  it('tells an override without /v2', () => {
    const text = v1alpha1("ghcr.io: {endpoints: ['https://m', 'https://m/x'], overridePath: true, skipFallback: true}");
    expect(found(text)).toEqual([
      [
        'error override-without-v2 machine.yaml:4',
        'endpoint "https://m" has overridePath and no "/v2" in its path: nodes ask "https://m/REPOSITORY/manifests/TAG"',
        'write "https://m" without overridePath',
      ],
      [
        'error override-without-v2 machine.yaml:4',
        'endpoint "https://m/x" has overridePath and no "/v2" in its path: nodes ask "https://m/x/REPOSITORY/manifests/TAG"',
        'write "https://m/v2/x" with "overridePath: true"',
      ],
    ]);
  });

  it('tells paths before 1.4, where Talos and containerd differ', () => {
    expect(found(v1alpha1('ghcr.io: {endpoints: [http://m/]}'), 'v1.3.7')).toEqual([
      [
        'error path-before-1.4 machine.yaml:4',
        'endpoint "http://m/" has a path: Talos v1.3.7 takes it as written for its own pulls, and containerd puts "/v2" after it',
        'write "http://m": paths work from v1.4.0 on',
      ],
    ]);
    expect(found(v1alpha1('ghcr.io: {endpoints: [http://m/v2]}'), 'v1.3.7')).toEqual([]);
  });

  it('tells an endpoint without a scheme', () => {
    expect(found(v1alpha1('ghcr.io: {endpoints: [mirror.site], skipFallback: true}'))).toEqual([
      [
        'error missing-scheme machine.yaml:4',
        'endpoint "mirror.site" has no scheme: Talos cannot ask it (missing protocol scheme)',
        'write "http://mirror.site", or "https://mirror.site"',
      ],
    ]);
    expect(found(v1alpha1("ghcr.io: {endpoints: ['10.5.0.1:6000'], skipFallback: true}"))[0]?.[1]).toBe(
      'endpoint "10.5.0.1:6000" has no scheme: no image of any registry comes from a mirror (first path segment in URL cannot contain colon)',
    );
    expect(found(v1alpha1("ghcr.io: {endpoints: ['mirror.site:5000'], skipFallback: true}"))[0]?.[1]).toMatch(
      /unsupported protocol scheme "mirror.site"/,
    );
  });

  it('tells an endpoint that cannot be asked', () => {
    expect(found(v1alpha1('ghcr.io: {endpoints: [ftp://m], skipFallback: true}'))).toEqual([
      [
        'error bad-endpoint machine.yaml:4',
        'endpoint "ftp://m" cannot be asked: unsupported protocol scheme "ftp"',
        'write http://HOST[:PORT] or https://HOST[:PORT]',
      ],
    ]);
    expect(found(v1alpha1("ghcr.io: {endpoints: ['http://m:port'], skipFallback: true}"))[0]?.[1]).toBe(
      'endpoint "http://m:port" cannot be asked: invalid port ":port" after host',
    );
  });

  it('tells /v2 twice under overridePath, and a user name in a URL, which is not shown', () => {
    const text = v1alpha1(
      "ghcr.io: {endpoints: ['https://me:hunter2@m/v2/v2/ghcr'], overridePath: true, skipFallback: true}",
    );
    expect(found(text)).toEqual([
      [
        'error credentials-in-url machine.yaml:4',
        'endpoint "https://m/v2/v2/ghcr" is written with a user name in its URL, which nodes do not send',
        'write user name and password under "m", in a RegistryAuthConfig or below machine.registries.config',
      ],
      [
        'warning double-v2 machine.yaml:4',
        'endpoint "https://m/v2/v2/ghcr" has "/v2" twice in its path: nodes ask "https://m/v2/v2/ghcr/REPOSITORY/manifests/TAG"',
        'write "https://m/v2/ghcr" with "overridePath: true"',
      ],
    ]);
  });

  it('tells what a slip of the pen was meant for', () => {
    const text = v1alpha1("ghcr.io: {endpoints: ['http://m'], skipFallback: true, overridepath: true}");
    expect(found(text)[0]?.[2]).toBe('write "overridePath"');
    const meant = (clientIdentity: string) =>
      found(`apiVersion: v1alpha1\nkind: RegistryTLSConfig\nname: m\nclientIdentity: {${clientIdentity}: x}`)[0]?.[2];
    expect(meant('crt')).toBe('write "cert"');
    expect(meant('ca')).toBe('take it out, or write it as the reference of this release has it');
  });

  it('tells * that an exact entry hides', () => {
    const text = v1alpha1(
      "'*': {endpoints: [http://any/], skipFallback: true}\nghcr.io: {endpoints: [http://own], skipFallback: true}",
    );
    expect(found(text)).toEqual([
      [
        'warning wildcard-shadowed machine.yaml:5',
        'the mirror of "ghcr.io" stands in place of the one of "*": "http://any/" is not asked for its images',
        'add "http://any/" to the endpoints of "ghcr.io", or take its entry out',
      ],
    ]);
    expect(found(text.replace('http://own', 'http://any'))).toEqual([]);
  });

  it('tells * that containerd does not see before 1.4', () => {
    expect(found(v1alpha1("'*': {endpoints: [http://any]}"), 'v1.3.7')).toEqual([
      [
        'error wildcard-unseen machine.yaml:4',
        'containerd on Talos v1.3.7 does not see the mirror of "*": it asks the registries themselves',
        'write an entry for each registry beside it',
      ],
    ]);
    const other = "'*': {endpoints: [http://any]}\nghcr.io: {endpoints: [http://other]}";
    expect(found(v1alpha1(other), 'v1.3.7')[0]?.slice(0, 2)).toEqual([
      'warning wildcard-unseen machine.yaml:4',
      'containerd on Talos v1.3.7 does not see the mirror of "*": it asks registries without an entry of their own themselves',
    ]);
    // As airgap emits it: `*` for Talos, an entry of each registry for containerd.
    expect(found(v1alpha1(other.replace('//other', '//any')), 'v1.3.7')).toEqual([]);
  });

  it('tells TLS settings and credentials written under the registry', () => {
    const text = v1alpha1(
      'ghcr.io: {endpoints: [https://m:5000], skipFallback: true}',
      'ghcr.io:\n  tls: {insecureSkipVerify: true}\n  auth: {username: me, password: secret}',
    );
    expect(found(text)).toEqual([
      [
        'error tls-by-upstream machine.yaml:7',
        'TLS settings of "ghcr.io" are those of the registry itself, not those of its mirror "m:5000"',
        `write them under the endpoint's host and port, "m:5000"`,
      ],
      [
        'error auth-by-upstream machine.yaml:8',
        'credentials of "ghcr.io" are those of the registry itself, not those of its mirror "m:5000"',
        `write them under the endpoint's host and port, "m:5000"`,
      ],
    ]);
  });

  it('tells TLS settings that hide * from containerd', () => {
    const text = v1alpha1(
      "'*': {endpoints: [https://m], skipFallback: true}",
      'quay.io: {tls: {insecureSkipVerify: true}}',
    );
    expect(found(text)).toEqual([
      [
        'error tls-by-upstream machine.yaml:6',
        'TLS settings of "quay.io" are those of the registry itself, and make containerd ask "quay.io" itself instead of the mirror of "*"',
        `write them under the endpoint's host and port, "m"`,
      ],
    ]);
  });

  it('tells a host without its port', () => {
    const text = v1alpha1(
      "'*': {endpoints: ['https://m:5000'], skipFallback: true}",
      'm: {tls: {insecureSkipVerify: true}}',
    );
    expect(found(text)).toEqual([
      [
        'error tls-host machine.yaml:6',
        'TLS settings of "m" are not those of the endpoint "m:5000": the port counts',
        'write them under "m:5000"',
      ],
    ]);
  });

  it('tells plain http with credentials, without the password', () => {
    const text = v1alpha1(
      "'*': {endpoints: ['http://m'], skipFallback: true}",
      'm: {auth: {username: me, password: secret}}',
    );
    expect(found(text)).toEqual([
      [
        'warning credentials-over-http machine.yaml:6',
        'credentials of "m" are sent unencrypted: its endpoint is "http://m"',
        'serve it with TLS and write "https://m"',
      ],
    ]);
  });

  it('tells TLS settings for plain http', () => {
    const text = v1alpha1("'*': {endpoints: ['http://m'], skipFallback: true}", 'm: {tls: {insecureSkipVerify: true}}');
    expect(found(text)).toEqual([
      [
        'error tls-on-http machine.yaml:6',
        'TLS config specified for non-HTTPS registry: Talos pulls nothing from "http://m"',
        'write "https://m", or take the TLS settings of "m" out',
      ],
    ]);
  });

  it('tells wildcard TLS settings and credentials', () => {
    const text = v1alpha1(
      'ghcr.io: {endpoints: [https://m], skipFallback: true}',
      "'*': {tls: {insecureSkipVerify: true}, auth: {identityToken: t}}",
    );
    expect(found(text)).toEqual([
      [
        'error wildcard-tls machine.yaml:6',
        'wildcard host TLS configuration is not supported: without a mirror of "*" containerd gets no mirrors at all, with one they are passed over',
        'write them under the host and port of each endpoint, for example "m"',
      ],
      [
        'error wildcard-auth machine.yaml:6',
        'credentials of "*" are never sent: they are looked up by the host of each endpoint',
        'write them under the host and port of each endpoint, for example "m"',
      ],
    ]);
  });

  it('tells credentials that say nothing, or twice', () => {
    const of = (auth: string) =>
      found(v1alpha1('ghcr.io: {endpoints: [https://m], skipFallback: true}', `m: {auth: ${auth}}`));
    expect(of('{username: ""}')).toEqual([
      [
        'error bad-credentials machine.yaml:6',
        'credentials of "m" say nothing',
        'write username and password, or identityToken, or auth, and only one of them',
      ],
    ]);
    expect(of('{username: a, identityToken: b}')[0]?.[1]).toBe('credentials of "m" are given in more than one form');
    expect(of('{auth: bm90aGluZw==}')[0]?.[1]).toBe('credentials of "m" are no base64 of "USER:PASSWORD"');
  });

  it('tells what is no PEM', () => {
    const text = good.replace('-----BEGIN CERTIFICATE-----', 'LS0tLS1CRUdJTg==');
    expect(found(text)).toEqual([
      [
        'error not-pem machine.yaml:9',
        'the certificate authority of "mirror.site:5000" is no PEM',
        'RegistryTLSConfig takes PEM as it is, machine.registries takes the same text in base64',
      ],
    ]);
  });

  it('tells a mirror without endpoints', () => {
    expect(found(v1alpha1('ghcr.io: {skipFallback: true}'))).toEqual([
      [
        'error no-endpoints machine.yaml:4',
        'the mirror of "ghcr.io" has no endpoints: Talos asks nobody and cannot pull, and containerd asks the registry itself',
        'write at least one endpoint, or take the entry out',
      ],
    ]);
    expect(found(v1alpha1('ghcr.io: {endpoints: []}'))[0]?.[0]).toBe('warning no-endpoints machine.yaml:4');
    expect(found(v1alpha1('ghcr.io: {endpoints: []}'), 'v1.8.4')[0]?.[0]).toBe('error no-endpoints machine.yaml:4');
  });

  it('tells an endpoint that stands there twice, and more than one before 1.3', () => {
    const text = v1alpha1('ghcr.io: {endpoints: [http://m, http://n, http://m]}');
    expect(found(text, 'v1.8.4')).toEqual([
      [
        'error endpoint-twice machine.yaml:4',
        'the mirror of "ghcr.io" is not followed by containerd: an endpoint stands there twice',
        'write each endpoint once: a patch adds its endpoints to those that are there',
      ],
    ]);
    expect(found(text, 'v1.2.9')).toEqual([
      [
        'error several-endpoints machine.yaml:4',
        'the mirror of "ghcr.io" is not followed by containerd: it has more than one endpoint',
        'write one endpoint: more than one work from v1.3.0 on',
      ],
    ]);
  });

  it('tells the fallback that was left on', () => {
    expect(found(v1alpha1('docker.io: {endpoints: [http://m]}'))).toEqual([
      [
        'warning fallback-on machine.yaml:4',
        '"registry-1.docker.io" is asked where the mirror of "docker.io" has nothing or does not answer',
        'write "skipFallback: true" beside its endpoints',
      ],
    ]);
    expect(found(v1alpha1('docker.io: {endpoints: [http://m]}'), 'v1.8.4')).toEqual([]);
    expect(found(v1alpha1("'*': {endpoints: [http://m]}"))[0]?.[1]).toMatch(/^the registries themselves are asked /);
    expect(found(v1alpha1('ghcr.io: {endpoints: [http://m, https://ghcr.io], skipFallback: true}'))).toEqual([
      [
        'warning fallback-on machine.yaml:4',
        'an endpoint of "ghcr.io" is the registry itself: "ghcr.io" is asked where the mirror has nothing',
        'take the endpoint out',
      ],
    ]);
  });

  it('tells keys and documents a release does not know', () => {
    const old = v1alpha1('ghcr.io:\n  endpoints: [http://m]\n  skipFallback: true\n  overidePath: true');
    expect(found(old, 'v1.8.4')).toEqual([
      [
        'error unknown-key machine.yaml:6',
        'Talos v1.8.4 refuses this configuration: it does not know "machine.registries.mirrors.ghcr.io.skipFallback"',
        'take it out: Talos knows it from v1.9.0 on',
      ],
      [
        'error unknown-key machine.yaml:7',
        'Talos v1.8.4 refuses this configuration: it does not know "machine.registries.mirrors.ghcr.io.overidePath"',
        'write "overridePath"',
      ],
    ]);
    const override = v1alpha1('ghcr.io: {endpoints: [http://m/v2], overridePath: true}');
    expect(found(override, 'v1.3.7').map(([first]) => first)).toEqual(['error unknown-key machine.yaml:4']);
    const cache = 'machine: {features: {imageCache: {localEnabled: true}}}';
    expect(found(cache, 'v1.8.4')[0]?.[2]).toBe('take it out: Talos knows it from v1.9.0 on');
    expect(found(good, 'v1.11.6')).toEqual([
      [
        'error unknown-document machine.yaml:1',
        'Talos v1.11.6 refuses this configuration: it does not know "RegistryMirrorConfig ghcr.io"',
        'write it below machine.registries: documents for it are known from v1.12.0 on',
      ],
      ...['RegistryTLSConfig', 'RegistryAuthConfig'].map((kind, index) => [
        `error unknown-document machine.yaml:${[9, 15][index]}`,
        `Talos v1.11.6 refuses this configuration: it does not know "${kind} mirror.site:5000"`,
        'write it below machine.registries: documents for it are known from v1.12.0 on',
      ]),
    ]);
    const identity = 'apiVersion: v1alpha1\nkind: RegistryTLSConfig\nname: m\nclientIdentity:\n  crt: x\n';
    expect(found(identity)[0]?.slice(0, 2)).toEqual([
      'error unknown-key machine.yaml:5',
      'Talos v1.14.4 refuses this configuration: it does not know "RegistryTLSConfig m.clientIdentity.crt"',
    ]);
    const kind = (name: string) => `apiVersion: v1alpha1\nkind: ${name}\n`;
    expect(found(kind('Nonsense'))[0]?.[0]).toBe('error unknown-document machine.yaml:1');
    expect(found(`${kind('RegistryMirrorsConfig')}name: x`)[0]?.[2]).toBe('write "RegistryMirrorConfig"');
    expect(found(kind('UserVolumeConfig'), 'v1.9.6')[0]?.[2]).toMatch(/^take the document out/);
    expect(found(kind('Nonsense'), 'v1.15.0')).toEqual([]);
    expect(found(kind('LinkConfig'), 'v1.11.6')[0]?.[0]).toBe('error unknown-document machine.yaml:1');
    expect(found(kind('LinkConfig'), 'v1.12.0')).toEqual([]);
    expect(found(kind('KubeAPIServerConfig'), 'v1.13.9')[0]?.[0]).toBe('error unknown-document machine.yaml:1');
  });

  it('tells a matter that is written in both forms', () => {
    const time =
      'apiVersion: v1alpha1\nkind: TimeSyncConfig\nntp: {servers: [10.0.0.1]}\n---\nmachine:\n  time:\n    servers: ';
    expect(found(`${time}[10.0.0.2]`)).toEqual([
      [
        'error both-forms machine.yaml:7',
        'Talos v1.14.4 refuses this configuration: it has both "machine.time.servers" and TimeSyncConfig',
        'take one of them out',
      ],
    ]);
    expect(found(`${time}[]`)).toEqual([]);
    expect(found('machine: {time: {servers: [10.0.0.2]}}')).toEqual([]);
  });

  const rules = (text: string) => `apiVersion: v1alpha1\nkind: ImageVerificationConfig\nrules:\n${text}`;
  const key = "publicKey: {certificate: '-----BEGIN PUBLIC KEY-----'}";

  it('tells keyless rules, which need the internet', () => {
    const text = rules(`- image: ghcr.io/*
  keyless: {issuer: https://accounts.google.com, subject: me@example.com}
`);
    expect(found(text)).toEqual([
      [
        'error keyless-needs-internet machine.yaml:4',
        'the keyless rule for "ghcr.io/*" needs "tuf-repo-cdn.sigstore.dev": without it no image that it matches is pulled',
        'sign the images with a key of your own and write a publicKey rule, or take the rule out',
      ],
    ]);
  });

  it('tells releases in which public keys do not work', () => {
    const text = rules(`- image: ghcr.io/*\n  ${key}\n`);
    expect(found(text, 'v1.13.7')).toEqual([
      [
        'error public-key-broken machine.yaml:4',
        'the publicKey rule for "ghcr.io/*" lets no image through: Talos v1.13.7 cannot check with a key',
        'take the rule out until the nodes run v1.13.8 or v1.14.0',
      ],
    ]);
    const broken = ['v1.13.0', 'v1.13.7', 'v1.14.0-rc.1', 'v1.13.8', 'v1.13.9', 'v1.14.0', 'v1.14.4'].map(
      (version) => found(text, version).length,
    );
    expect(broken).toEqual([1, 1, 1, 0, 0, 0, 0]);
  });

  it('tells a rule for Docker Hub that is spelled one way only', () => {
    expect(found(rules(`- image: docker.io/*\n  ${key}\n`))).toEqual([
      [
        'warning one-spelling machine.yaml:4',
        `the rule for "docker.io/*" may match nothing: Docker Hub's images are compared as "docker.io/…" in some releases, as "index.docker.io/…" in others`,
        'write the same rule for "index.docker.io/*" too',
      ],
    ]);
    expect(found(rules(`- image: docker.io/*\n  ${key}\n- image: index.docker.io/*\n  ${key}\n`))).toEqual([]);
  });

  it('tells patterns with a tag or without a registry', () => {
    expect(
      found(
        rules('- {image: "ghcr.io/a/b:v1", skip: true}\n- {image: "nginx", skip: true}\n- {image: "*", deny: true}\n'),
      ),
    ).toEqual([
      [
        'warning rule-pattern machine.yaml:4',
        'the rule for "ghcr.io/a/b:v1" matches nothing: patterns are compared with registry and repository, without tag and digest',
        'write "ghcr.io/a/b"',
      ],
      [
        'warning rule-pattern machine.yaml:5',
        'the rule for "nginx" has no "/": patterns are compared with registry and repository',
        'write REGISTRY/REPOSITORY, for example "registry.k8s.io/*"',
      ],
    ]);
  });
});

describe('texts that nobody would write', () => {
  const slashes = '/'.repeat(400_000);

  it('are looked at in time that grows with their length', () => {
    const endpoint = `https://m.site${slashes}x`;
    const mirrors = `"*":\n  endpoints: ["${endpoint}"]\nghcr.io:\n  endpoints: ["${endpoint}"]`;
    expect(found(v1alpha1(mirrors), 'v1.11.0')).not.toEqual([]);
    const rule = `- {image: "a${slashes}@b", skip: true}`;
    expect(found(`apiVersion: v1alpha1\nkind: ImageVerificationConfig\nrules:\n${rule}\n`)).not.toEqual([]);
  });
});
