/** What other programs make of our image caches: skopeo of the OCI form, containerd of one that is served. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { serveStore } from '../../src/serve/open.ts';
import { readForm } from '../../src/store/image-cache/oci-form.ts';
import { openImageCache } from '../../src/store/image-cache/open.ts';
import type { SeededImage } from '../support/pile.ts';
import { seedCosignTag } from '../support/seedAttached.ts';
import { seedImage } from '../support/seedImages.ts';
import { type Containerd, startContainerd } from './support/containerd.ts';
import { missing, output, titled } from './support/programs.ts';
import { manifestDigest } from './support/skopeo.ts';

const reason = missing('skopeo', 'containerd', 'ctr');
const kubelet = 'ghcr.io/siderolabs/kubelet:v1.37.1';
const pause = 'registry.k8s.io/pause:3.10.2';

describe.skipIf(reason !== undefined)(titled('image caches and other programs', reason), () => {
  let folder: string;
  let containerd: Containerd;
  let images: SeededImage[];
  const cache = () => join(folder, 'oci');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-cache-'));
    containerd = await startContainerd();
    const target = await openImageCache(cache(), { write: true, form: 'oci', architectures: ['amd64'] });
    const platforms = ['linux/amd64', 'linux/arm64'];
    images = [
      await seedImage(target, kubelet, { platforms, layers: ['base', 'kubelet {platform}'], layerBytes: 200_000 }),
      await seedImage(target, pause, { platforms }),
    ];
    for (const image of [...images]) images.push(await seedCosignTag(target, image));
    await target.seal();
    await target.close();
  });
  afterAll(async () => {
    await containerd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('skopeo reads and copies the OCI form, checking every digest and the size unpacked', async () => {
    const { layer } = await readForm(cache());
    await output(['skopeo', 'copy', '--quiet', `oci:${cache()}`, `dir:${join(folder, 'copy')}`]);
    const copied = await readFile(join(folder, 'copy', layer.digest.slice('sha256:'.length)));
    expect([copied.length, digestOf(copied)]).toEqual([layer.size, layer.digest]);
    const listed = await output(['tar', '-tzf', join(folder, 'copy', layer.digest.slice('sha256:'.length))]);
    expect(listed.split('\n')).toContain('manifests/ghcr.io/siderolabs/kubelet/reference/v1.37.1');
    expect(await manifestDigest(`oci:${cache()}`)).toBe(`sha256:${(await manifestName()).slice(0, 64)}`);
  });

  it('containerd pulls by upstream name from one that is served, in either form', async () => {
    await mkdir(join(folder, 'flat'));
    await output(['tar', '-xzf', (await readForm(cache())).layerPath, '-C', join(folder, 'flat')]);
    for (const place of [cache(), join(folder, 'flat')]) {
      const store = await openImageCache(place, { write: false });
      const server = await serveStore(store);
      const hosts = await mkdtemp(join(folder, 'hosts-'));
      await mkdir(join(hosts, '_default'));
      await writeFile(
        join(hosts, '_default/hosts.toml'),
        `[host.'${server.url}']\n  capabilities = ['pull', 'resolve']\n`,
      );
      for (const [image, reference] of [
        [images[0], kubelet],
        [images[1], pause],
      ] as const) {
        const pulled = await containerd.pull(reference, hosts);
        expect(pulled, pulled.stderr).toMatchObject({ status: 0 });
        expect((await containerd.images()).get(reference)).toBe(image?.root.digest);
      }
      await containerd.forget();
      await server.close();
      await store.close();
    }
  });

  /** The blob that is neither the layer nor a config: the manifest. */
  async function manifestName(): Promise<string> {
    const blobs = join(cache(), 'blobs/sha256');
    for (const name of await readdir(blobs)) {
      const text = (await readFile(join(blobs, name))).subarray(0, 20).toString('latin1');
      if (text.startsWith('{"schemaVersion"')) return name;
    }
    throw new Error('the cache has no manifest');
  }
});
