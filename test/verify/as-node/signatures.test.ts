/** Where a node's signature look-ups lead, over real connections. */
import { describe, expect, it } from 'vitest';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import type { Target } from '../../../src/store/store.ts';
import { Pile, type SeededImage } from '../../support/pile.ts';
import { seedCosignTag, seedReferrer } from '../../support/seedAttached.ts';
import { seedImage } from '../../support/seedImages.ts';
import { asNode, inFrontOf, served } from './world.ts';
import { documentYaml, mirrorYaml } from './yaml.ts';

const kubelet = 'ghcr.io/siderolabs/kubelet:v1.37.1';
const both = ['linux/amd64', 'linux/arm64'];
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** Under `sha256-HEX`, with one layer of this type. */
async function seedBundleTag(target: Target, image: SeededImage, layerType: string): Promise<void> {
  const pile = new Pile(target.repository(image.reference));
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: await pile.blob(mediaTypes.ociEmpty, Buffer.from('{}')),
    layers: [await pile.blob(layerType, Buffer.from(`of ${layerType}`))],
  };
  const tag = parseTag(image.root.digest.replace(':', '-'));
  await pile.manifest(document, { mediaType: mediaTypes.ociManifest, tag });
}

describe('signatures', () => {
  const rule = (verifier: object) =>
    documentYaml('ImageVerificationConfig', { rules: [{ image: 'ghcr.io/*', ...verifier }] });
  const keyed = rule({ publicKey: { certificate: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n' } });

  it('are looked for in three places when a rule matches', async () => {
    const target = openMemory();
    const image = await seedImage(target, kubelet, { platforms: both });
    const registry = await served(target);
    const yaml = mirrorYaml({ endpoints: [registry.url] }) + keyed;
    const without = await asNode(yaml, kubelet);
    expect(without).toMatchObject({ verdict: 'not-found', signatures: { because: 'rule "ghcr.io/*"' } });
    const start = `/v2/siderolabs/kubelet/`;
    const hex = image.root.digest.replace(':', '-');
    expect(registry.asked.slice(-3).map(({ path }) => path)).toEqual([
      `${start}referrers/${image.root.digest}?artifactType=${encodeURIComponent(bundleType)}&ns=ghcr.io`,
      `${start}manifests/${hex}?ns=ghcr.io`,
      `${start}manifests/${hex}.sig?ns=ghcr.io`,
    ]);
    await seedCosignTag(target, image);
    expect(await asNode(yaml, kubelet)).toMatchObject({ verdict: 'found', signatures: { found: 'signature-tag' } });
    await seedReferrer(target, image, { artifactType: bundleType });
    expect(await asNode(yaml, kubelet)).toMatchObject({ verdict: 'found', signatures: { found: 'referrers' } });
    expect(await asNode(yaml, kubelet, { version: 'v1.12.0' })).not.toHaveProperty('signatures');
    expect(await asNode(mirrorYaml({ endpoints: [registry.url] }) + rule({ skip: true }), kubelet)).not.toHaveProperty(
      'signatures',
    );
  });

  it('are no referrers of another kind, where a registry lists all of them', async () => {
    const target = openMemory();
    const { root } = await seedImage(target, kubelet);
    const registry = await served(target);
    const sbom = { ...root, artifactType: 'application/spdx+json' };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [sbom] });
    const url = await inFrontOf(registry.url, (_, path) =>
      path.includes('/referrers/')
        ? { status: 200, headers: { 'content-type': mediaTypes.ociIndex }, body }
        : undefined,
    );
    expect(await asNode(mirrorYaml({ endpoints: [url] }) + keyed, kubelet)).toMatchObject({ verdict: 'not-found' });
  });

  it('that a lock knows are missed only where a node would find them', async () => {
    const target = openMemory();
    await seedImage(target, kubelet);
    const registry = await served(target);
    const yaml = mirrorYaml({ endpoints: [registry.url] });
    const tagged = await asNode(yaml, kubelet, { known: { signatures: 'tagged' } });
    expect(tagged).toMatchObject({ verdict: 'not-found' });
    const other = await asNode(yaml, kubelet, { known: { signatures: 'found' } });
    expect(other).toMatchObject({ verdict: 'found', signatures: { note: expect.stringContaining('no signature') } });
  });

  it('say which request leaves the site before one is found', async () => {
    const target = openMemory();
    await seedCosignTag(target, await seedImage(target, kubelet));
    const registry = await served(target);
    const url = await inFrontOf(registry.url, (_, path) =>
      path.includes('/referrers/') ? { status: 404 } : undefined,
    );
    const verdict = await asNode(mirrorYaml({ endpoints: [url], fallback: true }) + keyed, kubelet);
    expect(verdict).toMatchObject({ verdict: 'found', signatures: { found: 'signature-tag' } });
    expect(verdict.signatures?.note).toContain('ghcr.io is asked before');
  });

  it('by the bundle tag are bundles and nothing else', async () => {
    const target = openMemory();
    const image = await seedImage(target, kubelet);
    const registry = await served(target);
    const yaml = mirrorYaml({ endpoints: [registry.url] }) + keyed;
    await seedBundleTag(target, image, 'application/vnd.example.other');
    expect(await asNode(yaml, kubelet)).toMatchObject({ verdict: 'not-found' });
    await seedBundleTag(target, image, bundleType);
    expect(await asNode(yaml, kubelet)).toMatchObject({ verdict: 'found', signatures: { found: 'bundle-tag' } });
  });

  it('are not looked for elsewhere where a bundle that is listed is not whole', async () => {
    const target = openMemory();
    const image = await seedImage(target, kubelet);
    await seedCosignTag(target, image);
    const { root } = await seedReferrer(target, image, { artifactType: bundleType });
    const registry = await served(target);
    const url = await inFrontOf(registry.url, (_, path) => (path.includes(root.digest) ? { status: 404 } : undefined));
    expect(await asNode(mirrorYaml({ endpoints: [registry.url] }) + keyed, kubelet)).toMatchObject({
      verdict: 'found',
    });
    expect(await asNode(mirrorYaml({ endpoints: [url] }) + keyed, kubelet)).toMatchObject({ verdict: 'not-found' });
  });

  it('are not asked of the next endpoint where the first refuses to list referrers', async () => {
    const target = openMemory();
    const image = await seedImage(target, kubelet);
    await seedReferrer(target, image, { artifactType: bundleType });
    const registry = await served(target);
    const answering = async (status: number): Promise<string> =>
      mirrorYaml({
        endpoints: [
          await inFrontOf(registry.url, (_, path) => (path.includes('/referrers/') ? { status } : undefined)),
          registry.url,
        ],
      }) + keyed;
    expect(await asNode(await answering(404), kubelet)).toMatchObject({ verdict: 'found' });
    expect(await asNode(await answering(403), kubelet)).toMatchObject({ verdict: 'cannot-pull' });
  });
});
