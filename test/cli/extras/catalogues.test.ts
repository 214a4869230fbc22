import { beforeAll, describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import type { Target } from '../../../src/store/store.ts';
import {
  digestFor,
  imageDigests,
  layerOf,
  pushCatalogue,
  pushExtensionCatalogue,
  textEntry,
} from '../../catalogues/images.ts';
import { seedImage } from '../../support/seedImages.ts';
import { mirrorWorld, pause } from '../commands/world.ts';

const world = mirrorWorld();
const board = 'ghcr.io/siderolabs/sbc-raspberrypi:v0.2.0';
const digests: Record<string, string> & { board?: string } = {};

/** An extension as releases have it: a tag, and a digest of this very build. */
async function seedExtension(store: Target, name: string, seed: string): Promise<string> {
  const { root } = await seedImage(store, `ghcr.io/siderolabs/${name}`, { layers: [seed] });
  return root.digest;
}

beforeAll(async () => {
  const store = world.upstreamStore;
  for (const name of ['iscsi-tools:v0.2.0', 'qemu-guest-agent:10.2.0', 'zfs:2.4.1-v1.14.4'])
    digests[name] = await seedExtension(store, name, name);
  digests.board = (await seedImage(store, board, {})).root.digest;
  await pushExtensionCatalogue(store, 'v1.14.4', imageDigests(Object.keys(digests).slice(0, 3), digests));
  const yaml = `overlays:\n  - name: rpi_generic\n    image: ${board}\n    digest: ${digests.board}\n`;
  await pushCatalogue(store, 'ghcr.io/siderolabs/overlays:v1.14.4', {
    layers: [layerOf([textEntry('overlays.yaml', yaml)])],
  });
});

/** `plan --json` and what it names, without the release's own images, which this upstream does not have. */
async function planned(...argv: string[]): Promise<{ references: string[]; stderr: string; status: number }> {
  const ran = await world.folder.airgap(['plan', ...argv, ...world.from(), ...world.to(), '--json']);
  const plan = ran.stdout === '' ? { images: [], failures: [] } : JSON.parse(ran.stdout);
  const references = (plan.images as { source: string }[]).map(({ source }) => source);
  return { references, stderr: ran.stderr, status: ran.status };
}

describe('--extensions and --overlays', () => {
  it('plan the images of these names by tag and digest, and the catalogues themselves', async () => {
    const { references, stderr } = await planned(
      '--talos',
      'v1.14.4',
      '--extensions',
      'siderolabs/zfs,iscsi-tools',
      '--overlays',
      'all',
    );
    expect(references).toEqual(
      expect.arrayContaining([
        `ghcr.io/siderolabs/iscsi-tools:v0.2.0@${digests['iscsi-tools:v0.2.0']}`,
        `ghcr.io/siderolabs/zfs:2.4.1-v1.14.4@${digests['zfs:2.4.1-v1.14.4']}`,
        `${board}@${digests.board}`,
        'ghcr.io/siderolabs/extensions:v1.14.4',
        'ghcr.io/siderolabs/overlays:v1.14.4',
      ]),
    );
    expect(references.join()).not.toContain('qemu-guest-agent');
    expect(stderr).toContain('note: ghcr.io/siderolabs/extensions:v1.14.4 lists 3 extensions: 2 of them wanted');
  });

  it('name all unknown names at once, before anything is written', async () => {
    const argv = [
      'mirror',
      '--talos',
      'v1.14.4',
      '--extensions',
      'iscsi,zfs',
      '--extensions',
      'moon',
      ...world.from(),
      ...world.to(),
    ];
    const ran = await world.folder.airgap(argv);
    expect([ran.status, world.writes()]).toEqual([2, []]);
    expect(ran.stderr).toContain(
      [
        'error: Cannot choose extensions: 2 extensions are not in the catalogue "ghcr.io/siderolabs/extensions:v1.14.4"',
        '  "iscsi": nearest iscsi-tools',
        '  "moon"',
        '  hint: names are matched exactly; --extensions all takes all 3',
      ].join('\n'),
    );
  });

  it('are mirrored with origins that name the catalogue, and can be read again from the mirror', async () => {
    const names = ['--talos', 'v1.14.4', '--extensions', 'all'];
    const ran = await world.folder.airgap(['mirror', ...names, pause, ...world.from(), ...world.to()]);
    const lock = parseLock(world.folder.read('airgap.lock'), 'airgap.lock');
    const zfs = lock.images.find(({ source }) => source.repository === 'siderolabs/zfs');
    expect([ran.status, zfs?.origins, zfs?.digest]).toEqual([
      6,
      ['ghcr.io/siderolabs/extensions:v1.14.4'],
      digests['zfs:2.4.1-v1.14.4'],
    ]);
    const again = await world.folder.airgap([
      'plan',
      ...names,
      '--from',
      world.registry.url,
      '--to',
      'oci:second',
      '--json',
    ]);
    const plan = JSON.parse(again.stdout) as { images: { source: string }[] };
    expect(plan.images.map(({ source }) => source)).toContain(
      `ghcr.io/siderolabs/zfs:2.4.1-v1.14.4@${digests['zfs:2.4.1-v1.14.4']}`,
    );
  });

  it('are taken of the releases of an upgrade that have them, with a warning for those that do not', async () => {
    const store = world.upstreamStore;
    await pushExtensionCatalogue(store, 'v1.13.9', imageDigests(['iscsi-tools:v0.2.0'], digests));
    const upgrade = ['--talos', 'v1.13.9..v1.14.4', '--extensions', 'zfs,iscsi-tools'];
    const { references, stderr } = await planned(...upgrade);
    expect(references).toContain(`ghcr.io/siderolabs/zfs:2.4.1-v1.14.4@${digests['zfs:2.4.1-v1.14.4']}`);
    expect(stderr).toContain(
      'warning: ghcr.io/siderolabs/extensions:v1.13.9 does not list zfs: on their way nodes have to do without it on Talos v1.13.9',
    );
  });

  it('pass over the releases of an upgrade that are older than overlays, and say so', async () => {
    const yaml = `overlays:\n  - name: rpi_generic\n    image: ${board}\n    digest: ${digests.board}\n`;
    const layers = [layerOf([textEntry('overlays.yaml', yaml)])];
    await pushCatalogue(world.upstreamStore, 'ghcr.io/siderolabs/overlays:v1.7.7', { layers });
    const { references, stderr } = await planned('--talos', 'v1.6.8..v1.7.7', '--overlays', 'rpi_generic');
    expect(references).toContain(`${board}@${digests.board}`);
    expect(stderr).toContain('note: Talos v1.6.8 has no overlays: there are none before 1.7');
  });

  it('say what to look for where the very build that a catalogue lists is not there', async () => {
    await pushExtensionCatalogue(world.upstreamStore, 'v1.12.10', imageDigests(['zfs:2.4.1-v1.12.10']));
    const { stderr } = await planned('--talos', 'v1.12.10', '--extensions', 'zfs');
    expect(stderr).toContain(
      'hint: the catalogue lists this very build: it has to be read from where it is kept by its digest, whatever its tag names now',
    );
  });

  it('give a tag to the newest release, where releases have different builds under one tag', async () => {
    const store = world.upstreamStore;
    const older = await seedExtension(store, 'iscsi-tools:older', 'an older build');
    await pushExtensionCatalogue(store, 'v1.13.9', `ghcr.io/siderolabs/iscsi-tools:v0.2.0@${older}\n`);
    const { references, stderr } = await planned('--talos', 'v1.13.9..v1.14.4', '--extensions', 'iscsi-tools');
    expect(references.filter((reference) => reference.includes('iscsi-tools'))).toEqual([
      `ghcr.io/siderolabs/iscsi-tools:v0.2.0@${digests['iscsi-tools:v0.2.0']}`,
      `ghcr.io/siderolabs/iscsi-tools@${older}`,
    ]);
    expect(stderr).toContain('1 image of an older release has the tag of another one of a newer release');
  });

  it.each([
    [['--extensions', 'zfs'], /without --talos: each release has its own/],
    [['--talos', 'v1.14.4', '--extensions', 'zfs,,x'], /--extensions: a name is empty/],
    [['--talos', 'v1.6.8', '--overlays', 'all'], /there are none before 1\.7/],
  ])('refuse %j', async (argv, message) => {
    const ran = await world.folder.airgap(['plan', ...argv, ...world.from(), ...world.to()]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('say what to do where the catalogue is not', async () => {
    const ran = await world.folder.airgap([
      'plan',
      '--talos',
      'v1.12.11',
      '--extensions',
      'all',
      ...world.from(),
      ...world.to(),
    ]);
    expect(ran.status).toBe(3);
    expect(ran.stderr).toMatch(/ghcr\.io\/siderolabs\/extensions:v1\.12\.11/);
    expect(ran.stderr).toContain('the catalogue of Talos v1.12.11 is read from where images are read');
    expect(digestFor('a')).toMatch(/^sha256:/);
  });
});

describe('airgap images', () => {
  it('prints what the catalogues list beside the images of the release', async () => {
    const ran = await world.folder.airgap([
      'images',
      '--talos',
      'v1.14.4',
      '--bundle',
      '--extensions',
      'all',
      '--overlays',
      'all',
      ...world.from(),
    ]);
    expect(ran.status).toBe(0);
    expect(ran.stdout.trim().split('\n').slice(-4)).toEqual([
      `ghcr.io/siderolabs/iscsi-tools:v0.2.0@${digests['iscsi-tools:v0.2.0']}`,
      `ghcr.io/siderolabs/qemu-guest-agent:10.2.0@${digests['qemu-guest-agent:10.2.0']}`,
      `${board}@${digests.board}`,
      `ghcr.io/siderolabs/zfs:2.4.1-v1.14.4@${digests['zfs:2.4.1-v1.14.4']}`,
    ]);
    expect(ran.stdout.match(/siderolabs\/extensions:v1\.14\.4/g)).toHaveLength(1);
  });
});
