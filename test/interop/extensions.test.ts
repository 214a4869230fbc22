/** Extensions, overlays and installers of schematics over two hops and across a gap, between real docker-registries; skopeo is the witness. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLock } from '../../src/lock/parse.ts';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { talosMirrorImages } from '../../src/talos/catalogue.ts';
import { schematicId } from '../../src/talos/schematic.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import { imageDigests, layerOf, pushCatalogue, pushExtensionCatalogue, textEntry } from '../catalogues/images.ts';
import { seedCosignTag } from '../support/seedAttached.ts';
import { seedImage } from '../support/seedImages.ts';
import { airgap } from './support/airgap.ts';
import { type DockerRegistry, startDockerRegistry } from './support/dockerRegistry.ts';
import { missing, titled } from './support/programs.ts';
import { manifestDigest } from './support/skopeo.ts';

const reason = missing('docker-registry', 'skopeo');
const schematic = 'customization:\n  systemExtensions:\n    officialExtensions:\n      - siderolabs/iscsi-tools\n';
const installer = `metal-installer/${schematicId(schematic)}:v1.14.4`;
const extensions = ['iscsi-tools:v0.2.0', 'qemu-guest-agent:10.2.0', 'zfs:2.4.1-v1.14.4'];
const board = 'sbc-raspberrypi:v0.2.0';

describe.skipIf(reason !== undefined)(titled('what catalogues list', reason), () => {
  const digests: Record<string, string> = {};
  let upstream: RunningServer;
  let first: DockerRegistry;
  let second: DockerRegistry;
  let folder: string;

  beforeAll(async () => {
    const store = openMemory();
    const platforms = ['linux/amd64', 'linux/arm64'];
    for (const { reference } of talosMirrorImages(parseTalosVersion('v1.14.4'))) await seedImage(store, reference);
    for (const name of [...extensions, board]) {
      const image = await seedImage(store, `ghcr.io/siderolabs/${name}`, { platforms, layers: [`${name} {platform}`] });
      await seedCosignTag(store, image);
      digests[name] = image.root.digest;
    }
    await pushExtensionCatalogue(store, 'v1.14.4', imageDigests(extensions, digests));
    const overlays = ['rpi_generic', 'rpi_5'].map(
      (name) => `  - name: ${name}\n    image: ghcr.io/siderolabs/${board}\n    digest: ${digests[board]}\n`,
    );
    await pushCatalogue(store, 'ghcr.io/siderolabs/overlays:v1.14.4', {
      layers: [layerOf([textEntry('overlays.yaml', `overlays:\n${overlays.join('')}`)])],
    });
    await seedImage(store, `factory.talos.dev/${installer}`);
    [upstream, first, second] = await Promise.all([serveStore(store), startDockerRegistry(), startDockerRegistry()]);
    folder = await mkdtemp(join(tmpdir(), 'airgap-extensions-'));
    await writeFile(join(folder, 'edge.yaml'), schematic);
  });
  afterAll(async () => {
    await Promise.all([upstream.close(), first.stop(), second.stop(), rm(folder, { recursive: true, force: true })]);
  });

  const run = (...argv: string[]) => airgap(argv, { cwd: folder });
  const everything = ['--talos', 'v1.14.4', '--extensions', 'all', '--overlays', 'all', '--schematic', 'edge.yaml'];
  const origins = async () =>
    new Map(
      parseLock(await readFile(join(folder, 'airgap.lock'), 'utf8'), 'airgap.lock').images.map((image) => [
        image.source.repository,
        image.origins,
      ]),
    );

  it('is mirrored bit for bit, tag and index digest as the catalogue says', async () => {
    const ran = await run('mirror', ...everything, '--source-endpoint', `*=${upstream.url}`, '--to', first.url);
    expect([ran.status, ran.stderr]).toEqual([
      0,
      expect.stringContaining('lists 3 extensions: all of them are wanted'),
    ]);
    for (const name of [...extensions, board])
      expect(await manifestDigest(`docker://${first.host}/siderolabs/${name}`)).toBe(digests[name]);
    expect(await manifestDigest(`docker://${first.host}/${installer}`)).toMatch(/^sha256:/);
    const by = await origins();
    expect([
      by.get('siderolabs/zfs'),
      by.get('siderolabs/sbc-raspberrypi'),
      by.get(installer.split(':')[0] ?? ''),
    ]).toEqual([['ghcr.io/siderolabs/extensions:v1.14.4'], ['ghcr.io/siderolabs/overlays:v1.14.4'], ['edge.yaml']]);
  });

  it('is read again from the mirror, for a second one that wants less', async () => {
    const wanted = ['--talos', 'v1.14.4', '--extensions', 'zfs', '--schematic', 'edge.yaml'];
    const ran = await run('mirror', ...wanted, '--from', first.url, '--to', second.url, '--lock', 'second.lock');
    expect([ran.status, ran.stdout]).toEqual([0, expect.not.stringContaining('iscsi-tools')]);
    expect(await manifestDigest(`docker://${second.host}/siderolabs/zfs:2.4.1-v1.14.4`)).toBe(
      digests['zfs:2.4.1-v1.14.4'],
    );
  });

  it('is read out of a bundle that was carried', async () => {
    const packed = await run(
      'mirror',
      ...everything,
      '--from',
      first.url,
      '--to',
      'bundle:talos.tar',
      '--lock',
      'out.lock',
    );
    expect(packed.status).toBe(0);
    const listed = await run(
      'images',
      '--talos',
      'v1.14.4',
      '--bundle',
      '--extensions',
      'all',
      '--from',
      'bundle:talos.tar',
    );
    expect([listed.status, listed.stdout]).toEqual([
      0,
      expect.stringContaining(`ghcr.io/siderolabs/zfs:2.4.1-v1.14.4@${digests['zfs:2.4.1-v1.14.4']}\n`),
    ]);
    const wanted = ['--talos', 'v1.14.4', '--extensions', 'qemu-guest-agent'];
    const ran = await run('mirror', ...wanted, '--from', 'bundle:talos.tar', '--to', second.url, '--lock', 'in.lock');
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const agent = 'qemu-guest-agent:10.2.0';
    expect(await manifestDigest(`docker://${second.host}/siderolabs/${agent}`)).toBe(digests[agent]);
  });

  it('names what it does not have, with what is near, and contacts no target for it', async () => {
    await first.forget();
    const argv = [
      '--talos',
      'v1.14.4',
      '--extensions',
      'iscsi',
      '--source-endpoint',
      `*=${upstream.url}`,
      '--to',
      first.url,
    ];
    const ran = await run('mirror', ...argv);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('"iscsi": nearest iscsi-tools')]);
    expect((await first.log()).filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  });
});
