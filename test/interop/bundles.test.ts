/** What other programs make of our bundles, and we of their archives. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printReference } from '../../src/oci/reference.ts';
import { openBundle } from '../../src/store/bundle/reader.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import { writeBundle } from '../support/bundleWriting.ts';
import { type PackedSet, packSet } from '../support/packedSet.ts';
import { expectWhole } from '../support/readBundles.ts';
import { type Containerd, startContainerd } from './support/containerd.ts';
import { missing, output, run, titled } from './support/programs.ts';
import { manifestDigest } from './support/skopeo.ts';

const reason = missing('skopeo', 'containerd', 'ctr');

describe.skipIf(reason !== undefined)(titled('bundles and other programs', reason), () => {
  let folder: string;
  let packed: PackedSet;
  let bundle: string;
  let containerd: Containerd;
  const all = () => packed.images.map((image) => ({ ...image, name: printReference(image.reference) }));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-bundles-'));
    packed = await packSet({ layerBytes: 300_000 });
    bundle = join(folder, 'talos.tar');
    await writeBundle({ kind: 'file', file: bundle }, packed);
    containerd = await startContainerd();
  });
  afterAll(async () => {
    await containerd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('skopeo reads every image of a bundle, and we read what skopeo packs', async () => {
    for (const { name, root, manifests, blobs } of all()) {
      expect(await manifestDigest(`oci-archive:${bundle}:${name}`)).toBe(root.digest);
      const copy = join(folder, `skopeo-${root.digest.slice(7, 15)}.tar`);
      await output([
        'skopeo',
        'copy',
        '--all',
        '--quiet',
        `oci-archive:${bundle}:${name}`,
        `oci-archive:${copy}:${name}`,
      ]);
      const archive = await openBundle(copy);
      expect(archive.set).toBeUndefined();
      const promised = [...manifests.map((one) => one.descriptor), ...blobs].map((one) => archive.promises(one.digest));
      expect(promised.every((one) => one)).toBe(true);
      await expectWhole(archive, { ...packed, images: all().filter((image) => image.name === name) });
    }
  });

  it('containerd imports a bundle, and we read what it exports', async () => {
    await containerd.ctr('images', 'import', '--all-platforms', '--snapshotter', 'native', bundle);
    const images = await containerd.images();
    const content = await containerd.content();
    for (const { name, root } of all()) expect(images.get(name)).toBe(root.digest);
    for (const digest of packed.content.keys()) expect(content).toContain(digest);
    const exported = join(folder, 'exported.tar');
    await containerd.ctr('images', 'export', '--all-platforms', exported, ...all().map(({ name }) => name));
    await expectWhole(await openBundle(exported), packed);
  });

  it('GNU tar unpacks a bundle into a layout, and what it packs again is read, as a bundle and as a layout', async () => {
    const directory = join(folder, 'unpacked');
    await mkdir(directory);
    expect(await run(['tar', '-xf', bundle, '-C', directory])).toMatchObject({ status: 0, stderr: '' });
    const layout = await openLayout(directory, { readOnly: true });
    for (const { reference, root } of packed.images) {
      if (reference.tag !== undefined) expect(await layout.repository(reference).resolve(reference.tag)).toEqual(root);
    }
    await layout.close();
    for (const format of ['gnu', 'posix', 'ustar']) {
      const again = join(folder, `again-${format}.tar`);
      await output(['tar', `--format=${format}`, '-cf', again, '-C', directory, '.']);
      const opened = await openBundle(again);
      expect(opened.set?.id).toBe(packed.set.id);
      await expectWhole(opened, packed);
      await output(['tar', `--format=${format}`, '-cf', again, '--exclude=./airgap*', '-C', directory, '.']);
      await expectWhole(await openBundle(again), packed);
    }
  });

  it('an archive of docker save is refused with what to do', async () => {
    const [image] = all().slice(1);
    const docker = join(folder, 'docker.tar');
    await output(['skopeo', 'copy', '--quiet', `oci-archive:${bundle}:${image?.name}`, `docker-archive:${docker}`]);
    await expect(openBundle(docker)).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      hint: expect.stringContaining('skopeo copy'),
    });
  });
});
