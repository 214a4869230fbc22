/** Each verdict, over real connections: what a node asks, what it is answered, and what that makes of the image. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../../src/certificates/certificate.ts';
import type { AirgapEvent } from '../../../src/events.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import type { Target } from '../../../src/store/store.ts';
import { freePort } from '../../interop/support/dockerRegistry.ts';
import type { SeededImage } from '../../support/pile.ts';
import { seedImage } from '../../support/seedImages.ts';
import { asNode, inFrontOf, served } from './world.ts';
import { documentYaml, mirrorYaml } from './yaml.ts';

const pause = 'registry.k8s.io/pause:3.10';
const kubelet = 'ghcr.io/siderolabs/kubelet:v1.37.1';
const both = ['linux/amd64', 'linux/arm64'];
const tlsFile = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/tls/${name}`, import.meta.url), 'utf8');

async function store(): Promise<{ readonly target: Target; readonly image: SeededImage }> {
  const target = openMemory();
  const image = await seedImage(target, pause, { platforms: both, layers: ['pause {platform}'], attestations: true });
  return { target, image };
}

describe('found', () => {
  it('asks as containerd does: by tag, then by digest, with the namespace, for every platform', async () => {
    const { target, image } = await store();
    const registry = await served(target);
    const verdict = await asNode(mirrorYaml({ endpoints: [registry.url] }), pause);
    expect(verdict).toMatchObject({ verdict: 'found', failures: [] });
    const [pull] = verdict.pulls;
    expect(pull).toMatchObject({ puller: 'cri', matched: '*', digest: image.root.digest, platforms: both, blobs: 4 });
    const asked = registry.asked.map(({ method, path }) => `${method} ${path}`);
    expect(asked[0]).toBe('HEAD /v2/pause/manifests/3.10?ns=registry.k8s.io');
    expect(asked[1]).toBe(`GET /v2/pause/manifests/${image.root.digest}?ns=registry.k8s.io`);
    expect(asked).toHaveLength(2 + 2 + 4);
    expect(asked.every((line) => line.endsWith('?ns=registry.k8s.io'))).toBe(true);
  });

  it('leaves out what is for other platforms', async () => {
    const { target } = await store();
    const registry = await served(target);
    const verdict = await asNode(mirrorYaml({ endpoints: [registry.url] }), pause, { platforms: ['linux/arm64'] });
    expect(verdict).toMatchObject({ verdict: 'found' });
    expect(verdict.pulls[0]).toMatchObject({ platforms: ['linux/arm64'], blobs: 2 });
  });

  it('goes on after an endpoint that is off, and after one that does not have it', async () => {
    const { target } = await store();
    const empty = await served(openMemory());
    const registry = await served(target);
    const dead = `http://127.0.0.1:${await freePort()}`;
    const verdict = await asNode(mirrorYaml({ endpoints: [dead, empty.url, registry.url] }), pause);
    expect(verdict).toMatchObject({ verdict: 'found' });
    const first = verdict.pulls[0]?.trails[0];
    expect(first?.asked.map(({ status }) => status)).toEqual([undefined, 404, 200]);
    expect(first?.asked[0]?.said).toContain('refused the connection');
  });

  it('asks by GET where HEAD is refused, and where its answer lacks the digest', async () => {
    const { target, image } = await store();
    const registry = await served(target);
    for (const [status, headers] of [
      [405, {}],
      [200, { 'content-type': image.root.mediaType, 'content-length': '9' }],
    ] as const) {
      const url = await inFrontOf(registry.url, (method, path) =>
        method === 'HEAD' && path.includes('/manifests/') ? { status, headers } : undefined,
      );
      const verdict = await asNode(mirrorYaml({ endpoints: [url] }), pause, { deep: true });
      expect(verdict).toMatchObject({ verdict: 'found', pulls: [{ digest: image.root.digest }] });
      expect(verdict.pulls[0]?.trails[0]?.asked.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
    }
  });

  it('takes the image cache of the node itself as empty', async () => {
    const { target } = await store();
    const registry = await served(target);
    const cache = JSON.stringify({ machine: { features: { imageCache: { localEnabled: true } } } });
    const yaml = `${mirrorYaml({ endpoints: [registry.url] })}${cache}\n`;
    const found = await asNode(yaml, pause);
    expect(found).toMatchObject({ verdict: 'found' });
    expect(found.pulls[0]?.trails[0]?.asked[0]).toMatchObject({ said: expect.stringContaining('cannot be asked') });
    expect(await asNode(yaml, 'registry.k8s.io/absent:1')).toMatchObject({ verdict: 'not-found' });
  });

  it('finds what was retagged by the name it has at the target, and by no other', async () => {
    const target = openMemory();
    const registry = await served(target);
    await seedImage(target, `${registry.host}/web/front:1.29`);
    const image = parseReference(`${registry.host}/web/front:1.29`);
    const source = parseReference('nginx:1.29');
    const known = { image, source, asked: 'docker.io/library/nginx:1.29 => web/front:1.29' };
    const verdict = await asNode(mirrorYaml({ endpoints: [registry.url] }), 'nginx:1.29', { known });
    expect(verdict).toMatchObject({ image: known.asked, verdict: 'found' });
    const bare = await asNode('', 'nginx:1.29', { known, siteHosts: [registry.host] });
    expect(bare).toMatchObject({ verdict: 'found' });
    expect(await asNode('', 'nginx:1.29', { known })).toMatchObject({ verdict: 'leaves-site', host: registry.host });
  });

  it('with TLS settings for plain HTTP, where containerd tries HTTPS first, then what is written', async () => {
    const { target } = await store();
    const secure = await served(target, { tls: { cert: tlsFile('server.pem'), key: tlsFile('server-key.pem') } });
    for (const { host } of [secure, await served(target)]) {
      const tls = documentYaml('RegistryTLSConfig', { name: host, insecureSkipVerify: true });
      expect(await asNode(mirrorYaml({ endpoints: [`http://${host}`] }) + tls, pause)).toMatchObject({
        verdict: 'found',
      });
    }
  });

  it('sends credentials to the host they are for', async () => {
    const { target } = await store();
    const expected = `Basic ${Buffer.from('node:s3cret').toString('base64')}`;
    const access = {
      allows: async ({ authorization }: { authorization?: string | undefined }) => authorization === expected,
    };
    const registry = await served(target, { access });
    const auth = documentYaml('RegistryAuthConfig', { name: registry.host, username: 'node', password: 's3cret' });
    const verdict = await asNode(mirrorYaml({ endpoints: [registry.url] }) + auth, pause);
    expect(verdict).toMatchObject({ verdict: 'found' });
    expect(JSON.stringify(verdict)).not.toContain('s3cret');
    expect(verdict.pulls[0]?.steps[0]).toMatchObject({ auth: 'user name and password' });
  });
});

describe('not found', () => {
  it('says what was asked, what was answered and what to do', async () => {
    const registry = await served(openMemory());
    const verdict = await asNode(mirrorYaml({ endpoints: [registry.url] }), pause);
    expect(verdict).toMatchObject({ verdict: 'not-found' });
    const [failure] = verdict.failures;
    expect(failure?.url).toBe(`${registry.url}/v2/pause/manifests/3.10?ns=registry.k8s.io`);
    expect(failure?.answered).toContain('404');
    expect(failure?.todo).toBe(
      "airgap mirror 'registry.k8s.io/pause:3.10' --to registry.site --recheck --lock repair.lock",
    );
  });

  it('names a child, a config and a layer that are missing', async () => {
    const { target, image } = await store();
    const registry = await served(target);
    const [arm] = image.manifests.map(({ descriptor }) => descriptor.digest).slice(1);
    for (const lost of [arm, ...image.blobs.slice(0, 2).map(({ digest }) => digest)]) {
      const url = await inFrontOf(registry.url, (_, path) => (path.includes(`${lost}`) ? { status: 404 } : undefined));
      const verdict = await asNode(mirrorYaml({ endpoints: [url] }), pause);
      expect(verdict).toMatchObject({ verdict: 'not-found' });
      expect(verdict.failures.map(({ what }) => what).join()).toContain(lost);
      expect(verdict.failures).toHaveLength(1);
    }
  });

  it('does not miss what was left out on purpose', async () => {
    const { target, image } = await store();
    const registry = await served(target);
    const [arm] = image.manifests.map(({ descriptor }) => descriptor.digest).slice(1);
    const url = await inFrontOf(registry.url, (_, path) => (path.includes(`${arm}`) ? { status: 404 } : undefined));
    const yaml = mirrorYaml({ endpoints: [url] });
    const known = { digest: image.root.digest, omitted: new Set(arm === undefined ? [] : [arm]) };
    expect(await asNode(yaml, pause, { known })).toMatchObject({ verdict: 'found' });
    expect(await asNode(yaml, pause, { known, platforms: ['linux/arm64'] })).toMatchObject({ verdict: 'not-found' });
  });

  it('looks under the path that the configuration leads to', async () => {
    const { target } = await store();
    const registry = await served(target);
    const wrong = await asNode(mirrorYaml({ endpoints: [`${registry.url}/v2/prefix`] }), pause);
    expect(wrong).toMatchObject({ verdict: 'not-found' });
    expect(wrong.failures[0]?.url).toContain('/v2/prefix/v2/pause/manifests/3.10');
    expect(wrong.failures[0]?.todo).toContain('airgap mirror');
    const known = { repository: 'pause' };
    const mirrored = await asNode(mirrorYaml({ endpoints: [`${registry.url}/v2/prefix`] }), pause, { known });
    expect(mirrored.failures[0]?.todo).toBe(
      'it was mirrored to "pause": correct the endpoint of the mirror of "*" (airgap emit writes it)',
    );
  });
});

describe('would leave the site', () => {
  it('where one endpoint that Talos cannot read takes all mirrors away, and says so', async () => {
    const yaml =
      mirrorYaml({ endpoints: ['http://10.5.0.1:6000'] }) +
      mirrorYaml({ registry: 'ghcr.io', endpoints: ['10.5.0.1:6000'] });
    const verdict = await asNode(yaml, pause);
    expect(verdict).toMatchObject({ verdict: 'leaves-site', host: 'registry.k8s.io' });
    expect(verdict.failures[0]).toMatchObject({
      answered: expect.stringContaining('Talos cannot write containerd\'s files: endpoint "10.5.0.1:6000" of ghcr.io'),
      todo: 'correct that in the configuration',
    });
  });

  it('to the registry that no mirror serves, without asking anybody', async () => {
    const { target } = await store();
    const registry = await served(target);
    const verdict = await asNode(mirrorYaml({ registry: 'ghcr.io', endpoints: [registry.url] }), pause);
    expect(verdict).toMatchObject({ verdict: 'leaves-site', host: 'registry.k8s.io' });
    expect(verdict.failures[0]?.answered).toBe('no mirror serves "registry.k8s.io"');
    expect(registry.asked).toEqual([]);
  });

  it('to the registry that is asked last when fallback is on: for the image, and for a blob of it', async () => {
    const empty = await served(openMemory());
    const gone = await asNode(mirrorYaml({ endpoints: [empty.url], fallback: true }), 'nginx:1');
    expect(gone).toMatchObject({ verdict: 'leaves-site', host: 'registry-1.docker.io' });
    const { target, image } = await store();
    const registry = await served(target);
    const [lost] = image.blobs;
    const url = await inFrontOf(registry.url, (_, path) =>
      path.includes(`${lost?.digest}`) ? { status: 404 } : undefined,
    );
    const verdict = await asNode(mirrorYaml({ endpoints: [url], fallback: true }), pause);
    expect(verdict).toMatchObject({ verdict: 'leaves-site', host: 'registry.k8s.io' });
    expect(verdict.failures[0]?.what).toContain(lost?.digest);
  });

  it('by release and puller: before 1.9 only containerd falls back', async () => {
    const empty = await served(openMemory());
    const yaml = JSON.stringify({ machine: { registries: { mirrors: { '*': { endpoints: [empty.url] } } } } });
    expect(await asNode(yaml, kubelet, { version: 'v1.8.4' })).toMatchObject({ verdict: 'not-found' });
    expect(await asNode(yaml, pause, { version: 'v1.8.4' })).toMatchObject({ verdict: 'leaves-site' });
    expect(await asNode(yaml, kubelet, { version: 'v1.9.0' })).toMatchObject({
      verdict: 'leaves-site',
      host: 'ghcr.io',
    });
  });
});

describe('wrong', () => {
  it('digest, where the tag stands for other content than was mirrored', async () => {
    const { target } = await store();
    const registry = await served(target);
    const digest = digestOf(Buffer.from('another'));
    const verdict = await asNode(mirrorYaml({ endpoints: [registry.url] }), pause, { known: { digest } });
    expect(verdict).toMatchObject({ verdict: 'wrong-digest' });
    expect(verdict.failures[0]?.answered).toContain(`should for ${digest}`);
  });

  it('digest, where bytes or sizes are others than their digest says', async () => {
    const { target, image } = await store();
    const registry = await served(target);
    const [layer] = image.blobs.filter(({ mediaType }) => mediaType.includes('layer'));
    const asBlob = (body: string) => (method: string, path: string) =>
      path.includes(`${layer?.digest}`)
        ? {
            status: 200,
            headers: { 'content-length': `${method === 'HEAD' ? (body === '' ? 3 : layer?.size) : body.length}` },
            body,
          }
        : undefined;
    const short = mirrorYaml({ endpoints: [await inFrontOf(registry.url, asBlob(''))] });
    expect(await asNode(short, pause)).toMatchObject({ verdict: 'wrong-digest' });
    const other = mirrorYaml({ endpoints: [await inFrontOf(registry.url, asBlob('x'.repeat(layer?.size ?? 0)))] });
    expect(await asNode(other, pause)).toMatchObject({ verdict: 'found' });
    expect(await asNode(other, pause, { deep: true })).toMatchObject({ verdict: 'wrong-digest' });
    const manifest = image.root.digest;
    const url = await inFrontOf(registry.url, (method, path) =>
      method === 'GET' && path.includes(manifest) ? { status: 200, body: '{}' } : undefined,
    );
    expect(await asNode(mirrorYaml({ endpoints: [url] }), pause)).toMatchObject({ verdict: 'wrong-digest' });
  });

  it('platform, of an index and of a single image', async () => {
    const { target } = await store();
    await seedImage(target, 'ghcr.io/app/single:1', { platforms: ['linux/amd64'] });
    const registry = await served(target);
    const yaml = mirrorYaml({ endpoints: [registry.url] });
    for (const [image, there] of [
      [pause, 'linux/amd64, linux/arm64'],
      ['ghcr.io/app/single:1', 'linux/amd64'],
    ] as const) {
      const verdict = await asNode(yaml, image, { platforms: ['linux/s390x'] });
      expect(verdict).toMatchObject({ verdict: 'wrong-platform' });
      expect(verdict.failures[0]?.answered).toBe(`nothing in it is for linux/s390x, only for ${there}`);
    }
    expect(await asNode(yaml, 'ghcr.io/app/single:1', { platforms: ['linux/amd64'] })).toMatchObject({
      verdict: 'found',
    });
  });
});

describe('cannot pull', () => {
  it('what is answered with something that is no manifest, or with a digest that is none', async () => {
    const { target } = await store();
    const registry = await served(target);
    const said = {
      status: 200,
      headers: { 'docker-content-digest': 'md5:1', 'content-length': '9' },
      body: '123456789',
    };
    const strange = await inFrontOf(registry.url, (method) => (method === 'HEAD' ? said : undefined));
    const bad = await asNode(mirrorYaml({ endpoints: [strange] }), pause);
    expect(bad).toMatchObject({ verdict: 'cannot-pull' });
    expect(bad.failures[0]?.answered).toContain('"md5:1"');
    const page = '<html></html>';
    const digest = digestOf(Buffer.from(page));
    const headers = {
      'content-type': 'text/html',
      'docker-content-digest': digest,
      'content-length': `${page.length}`,
    };
    const portal = await inFrontOf(registry.url, () => ({ status: 200, headers, body: page }));
    const web = await asNode(mirrorYaml({ endpoints: [portal] }), pause);
    expect(web).toMatchObject({ verdict: 'cannot-pull' });
    expect(web.failures[0]?.answered).toContain('web page');
  });

  it('from an endpoint that fails, whatever stands behind it', async () => {
    const { target } = await store();
    const registry = await served(target);
    const broken = await inFrontOf(registry.url, () => ({ status: 503, body: 'busy' }));
    const verdict = await asNode(mirrorYaml({ endpoints: [broken] }), pause);
    expect(verdict).toMatchObject({ verdict: 'cannot-pull' });
    expect(verdict.failures[0]?.answered).toContain('503');
    expect(await asNode(mirrorYaml({ endpoints: [broken, registry.url] }), pause)).toMatchObject({ verdict: 'found' });
  });

  it('without an answer, and without credentials', async () => {
    const { target } = await store();
    const dead = `http://127.0.0.1:${await freePort()}`;
    const silent = await asNode(mirrorYaml({ endpoints: [dead] }), pause);
    expect(silent).toMatchObject({ verdict: 'cannot-pull' });
    expect(silent.failures[0]?.todo).toContain('start 127.0.0.1:');
    const registry = await served(target, { access: { allows: async () => false } });
    const refused = await asNode(mirrorYaml({ endpoints: [registry.url] }), pause);
    expect(refused).toMatchObject({ verdict: 'cannot-pull' });
    expect(refused.failures[0]?.todo).toContain(`give the nodes credentials that "${registry.host}" accepts`);
  });

  it('with TLS whose time is over, of the certificate or of the authority that nodes have', async () => {
    const authority = makeAuthority({ now: new Date('2010-01-01') });
    const tls = makeServerCertificate(authority, { names: ['127.0.0.1'], now: new Date('2019-06-01') });
    const { target } = await store();
    const registry = await served(target, { tls: { cert: tls.certificate, key: tls.key } });
    const ca = documentYaml('RegistryTLSConfig', { name: registry.host, ca: authority.certificate });
    const verdict = await asNode(mirrorYaml({ endpoints: [registry.url] }) + ca, pause);
    expect(verdict).toMatchObject({ verdict: 'cannot-pull' });
    expect(verdict.failures[0]?.todo).toContain(`${registry.host}, or the authority the nodes have for it`);
  });

  it('with TLS: needs the authority, or no verification; another one does not help', async () => {
    const { target } = await store();
    const registry = await served(target, { tls: { cert: tlsFile('server.pem'), key: tlsFile('server-key.pem') } });
    const mirror = mirrorYaml({ endpoints: [registry.url] });
    const trust = (fields: object) => mirror + documentYaml('RegistryTLSConfig', { name: registry.host, ...fields });
    const unknown = await asNode(mirror, pause);
    expect(unknown).toMatchObject({ verdict: 'cannot-pull' });
    expect(unknown.failures[0]?.todo).toContain('give the nodes the authority');
    expect(await asNode(trust({ ca: tlsFile('ca.pem') }), pause)).toMatchObject({ verdict: 'found' });
    expect(await asNode(trust({ ca: tlsFile('client.pem') }), pause)).toMatchObject({ verdict: 'cannot-pull' });
    expect(await asNode(trust({ insecureSkipVerify: true }), pause)).toMatchObject({ verdict: 'found' });
    const roots = documentYaml('TrustedRootsConfig', { name: 'site', certificates: tlsFile('ca.pem') });
    expect(await asNode(mirror + roots, pause)).toMatchObject({ verdict: 'found' });
  });

  it('where a rule denies it, and where Talos cannot read the endpoint', async () => {
    const { target } = await store();
    const registry = await served(target);
    const rules = documentYaml('ImageVerificationConfig', { rules: [{ image: 'registry.k8s.io/*', deny: true }] });
    const denied = await asNode(mirrorYaml({ endpoints: [registry.url] }) + rules, pause);
    expect(denied).toMatchObject({ verdict: 'cannot-pull' });
    expect(denied.failures[0]?.answered).toContain('denies images of "registry.k8s.io/*"');
    const keyless = { issuer: 'https://accounts.example', subject: 'release@example.com' };
    const rooted = documentYaml('ImageVerificationConfig', { rules: [{ image: '*', keyless }] });
    expect(await asNode(mirrorYaml({ endpoints: [registry.url] }) + rooted, pause)).toMatchObject({
      verdict: 'leaves-site',
      host: 'tuf-repo-cdn.sigstore.dev',
    });
    const host = registry.host;
    const yaml = JSON.stringify({ machine: { registries: { mirrors: { '*': { endpoints: [host] } } } } });
    expect(await asNode(yaml, kubelet, { version: 'v1.11.0' })).toMatchObject({ verdict: 'cannot-pull' });
  });
});

it('warns of credentials on plain HTTP beyond this machine', async () => {
  const events: AirgapEvent[] = [];
  const auth = documentYaml('RegistryAuthConfig', { name: 'registry.invalid:1', username: 'node', password: 's3cret' });
  await asNode(mirrorYaml({ endpoints: ['http://registry.invalid:1'] }) + auth, pause, { events });
  expect(events).toContainEqual(expect.objectContaining({ type: 'notice', isWarning: true }));
  expect(JSON.stringify(events)).not.toContain('s3cret');
});
