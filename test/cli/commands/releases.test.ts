/** Upgrades, differences and the catalogue file, against real local registries. */
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseReference } from '../../../src/oci/reference.ts';
import { type RunningServer, serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { talosImages, talosMirrorImages } from '../../../src/talos/catalogue.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';
import { seedImage } from '../../support/seedImages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

const v = parseTalosVersion;
const later = talosImages(v('v1.14.4'))
  .images.map((image) => image.replace(/:v1\.37\.1$/, ':v1.37.2'))
  .join('\n');

let upstream: RunningServer;
let registry: RunningServer;
let folder: WorkFolder;
const target = { store: openMemory() };
const from = (): string[] => ['--source-endpoint', `*=${upstream.url}`];

beforeAll(async () => {
  const store = openMemory();
  const references = [
    ...['v1.13.9', 'v1.14.4'].flatMap((name) => talosMirrorImages(v(name)).map(({ reference }) => reference)),
    ...talosImages(v('v1.14.4'), { kubernetes: '1.36.3' }).images,
    ...['v1.14.4', 'v1.14.5', 'v1.14.6', 'v1.15.0-beta.0', 'latest'].map((tag) => `ghcr.io/siderolabs/imager:${tag}`),
    'ghcr.io/siderolabs/kubelet:v1.36.9',
    'ghcr.io/siderolabs/kubelet:v1.38.0-rc.0',
  ];
  for (const reference of new Set(references)) {
    const { repository } = parseReference(reference);
    // Every image of a repository shares its first layer, as patches of a release do.
    await seedImage(store, reference, {
      platforms: ['linux/amd64', 'linux/arm64'],
      layers: [`${repository} {platform}`, `${reference} {platform}`],
      layerBytes: 512,
    });
  }
  upstream = await serveStore(store);
});
afterAll(() => upstream.close());
beforeEach(async () => {
  folder = workFolder();
  target.store = openMemory();
  registry = await serveStore(target.store, { writable: true });
});
afterEach(async () => {
  folder.remove();
  await registry.close();
});

async function tagsAtTarget(): Promise<string[]> {
  const found: string[] = [];
  for await (const name of target.store.catalog?.() ?? []) {
    for await (const tag of target.store.repository(name).tags?.() ?? []) found.push(`${name.repository}:${tag}`);
  }
  return found.sort();
}

describe('options of catalogue that another action has', () => {
  it.each([
    [['--from-registry'], 'Cannot use --from-registry with "catalogue list": it is for "catalogue update"'],
    [['add', '--run-talosctl'], 'Cannot use --run-talosctl with "catalogue add"'],
    [['update', '--list', 'x'], 'Cannot use --list with "catalogue update": it is for "catalogue add"'],
  ])('catalogue %j is refused, and nothing is asked', async (argv, message) => {
    const ran = await folder.airgap(['catalogue', ...argv]);
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([2, '', expect.stringContaining(message)]);
  });
});

describe('options of images that say nothing beside each other', () => {
  it.each([
    [['--diff', 'v1.13.9', 'v1.14.4', '--extensions', 'all'], '--diff with --extensions'],
    [['--diff', 'v1.13.9', 'v1.14.4', '--bundle'], '--diff with --bundle'],
    [['--diff', 'v1.13.9', 'v1.14.4', '--talos', 'v1.14.4'], '--diff with --talos'],
    [['--talos', 'v1.13.9..v1.14.4', '--path', '--bundle'], '--path with --bundle'],
    [['--talos', 'v1.13.9..v1.14.4', '--path', '--schematic', 'x.yaml'], '--path with --schematic'],
  ])('images %j is refused, and passes nothing over', async (argv, named) => {
    const ran = await folder.airgap(['images', ...argv]);
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([2, '', expect.stringContaining(`Cannot use ${named}`)]);
  });
});

describe('an upgrade', () => {
  it('prints its way, aligned, and as JSON', async () => {
    const ran = await folder.airgap(['images', '--talos', 'v1.11.6..v1.13.9', '--path']);
    expect([ran.status, ran.stdout]).toEqual([
      0,
      [
        '1.  Talos       v1.11.6 -> v1.12.11  installer ghcr.io/siderolabs/installer:v1.12.11',
        '2.  Kubernetes  v1.34.1 -> v1.35.4   on Talos v1.12.11',
        '3.  Talos       v1.12.11 -> v1.13.9  installer ghcr.io/siderolabs/installer:v1.13.9',
        '4.  Kubernetes  v1.35.4 -> v1.36.3   on Talos v1.13.9',
        '',
      ].join('\n'),
    ]);
    expect(ran.stderr).toContain('note: v1.12.12 is newer than v1.12.11, but its list is not known');
    const json = await folder.airgap(['images', '--talos', 'v1.13.9..v1.14.4', '--kubernetes', 'v1.35.4', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      talos: 'v1.14.4',
      kubernetes: '1.37.1',
      images: expect.arrayContaining(['ghcr.io/siderolabs/kubelet:v1.35.4', 'ghcr.io/siderolabs/kubelet:v1.36.3']),
      upgrade: {
        kubernetes: { from: 'v1.35.4', to: 'v1.37.1' },
        steps: [
          { upgrade: 'talos', to: 'v1.14.4', kubernetes: 'v1.35.4' },
          { upgrade: 'kubernetes', to: 'v1.36.3', talos: 'v1.14.4' },
          { upgrade: 'kubernetes', to: 'v1.37.1' },
        ],
      },
    });
    const utf8 = await folder.airgap(['images', '--talos', 'v1.13.9..v1.14.4', '--path'], { env: { LANG: 'C.UTF-8' } });
    expect(utf8.stdout).toContain('1.  Talos       v1.13.9 → v1.14.4  installer factory.talos.dev/');
  });

  it('mirrors every image of every step, and writes the configuration that nodes read now', async () => {
    const ran = await folder.airgap(['mirror', '--talos', 'v1.13.9..v1.14.4', ...from(), '--to', registry.url]);
    expect(ran.stderr).toContain('1.  Talos       v1.13.9 -> v1.14.4');
    expect(ran.status).toBe(0);
    const tags = await tagsAtTarget();
    for (const reference of [
      ...talosMirrorImages(v('v1.13.9')),
      ...talosMirrorImages(v('v1.14.4')),
      ...talosMirrorImages(v('v1.14.4'), { kubernetes: '1.36.3' }),
    ].map((image) => image.reference))
      expect(tags).toContain(reference.replace(/^[^/]+\//, ''));
    expect(tags).toHaveLength(22);
    const plan = await folder.airgap([
      'plan',
      '--talos',
      'v1.13.9..v1.14.4',
      ...from(),
      '--to',
      registry.url,
      '--json',
    ]);
    expect(JSON.parse(plan.stdout)).toMatchObject({ upgrade: { from: 'v1.13.9', steps: [{}, { to: 'v1.37.1' }] } });
    expect(folder.read('airgap-talos.yaml')).toContain('Talos v1.13.9');
    expect(folder.read('airgap.lock')).toContain('"talos v1.13.9..v1.14.4"');

    const again = ['airgap.lock', '--from', registry.url, '--to', 'bundle:way.tar', '--lock', 'way.lock'];
    const packed = await folder.airgap(['mirror', ...again, '--endpoint', 'http://10.5.0.1:6000']);
    expect([packed.status, packed.stdout], packed.stderr).toEqual([0, expect.stringContaining('for Talos v1.13.9')]);
  });

  it.each([
    [['v1.14.4..v1.13.9'], 'it is older, and a downgrade is no upgrade'],
    [['v1.14.4..v2.0.0'], 'Cannot list the images of Talos "v2.0.0": the catalogue does not know this release'],
    [['v1.13.9..v1.14.9'], 'nearest releases with a list: v1.14.4'],
    [['v1.13.9..'], 'an upgrade has two releases'],
    [['v1.13.9..v1.13.10..v1.14.4'], 'an upgrade has two releases'],
    [['v1.13.9-v1.14.4'], 'an upgrade has two releases'],
    [['v1.13.9...v1.14.4'], 'an upgrade has two releases'],
    [['v1.13.9..v1.14.4', '--kubernetes', 'v1.30.1'], 'with Talos "v1.13.9": it supports 1.31-1.36'],
    [['v1.14.4', '--path'], 'Cannot print a path: --talos names one release'],
    [['v1.14.4', '--arch', 'riscv64'], 'Talos nodes are amd64 or arm64'],
    [['v1.14.4', '--sizes'], 'Cannot use --sizes without --diff'],
    [['v1.14.4', '--diff', 'v1.13.9', 'v1.14.4'], 'Cannot use --diff with --talos'],
  ])('refuses --talos %j: %s', async (argv, state) => {
    const ran = await folder.airgap(['images', '--talos', ...argv]);
    expect([ran.status, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toContain(state);
  });
});

describe('--kubernetes and --arch', () => {
  it('takes several Kubernetes for one release', async () => {
    const ran = await folder.airgap([
      'images',
      '--talos',
      'v1.14.4',
      '--kubernetes',
      '1.36.3',
      '--kubernetes',
      'v1.37.1',
    ]);
    const lines = ran.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(15);
    expect(lines.filter((line) => line.includes('kubelet'))).toEqual([
      'ghcr.io/siderolabs/kubelet:v1.36.3',
      'ghcr.io/siderolabs/kubelet:v1.37.1',
    ]);
    const plan = await folder.airgap([
      'plan',
      '--talos',
      'v1.14.4',
      '--kubernetes',
      '1.36.3',
      '--kubernetes',
      'v1.37.1',
      ...from(),
      '--json',
    ]);
    expect((JSON.parse(plan.stdout) as { images: unknown[] }).images).toHaveLength(16);
  });

  it('copies only what nodes of an architecture need', async () => {
    const plan = async (...argv: string[]) => {
      const ran = await folder.airgap(['plan', '--talos', 'v1.14.4', ...from(), '--json', ...argv]);
      return [
        ran.status,
        ran.stderr,
        (JSON.parse(ran.stdout || '{"images":[]}') as { images: { platforms: string[] }[] }).images,
      ];
    };
    const [status, , images] = await plan('--arch', 'arm64');
    expect(status).toBe(0);
    expect(images).toHaveLength(11);
    for (const image of images as { platforms: string[] }[]) expect(image.platforms).toEqual(['linux/arm64']);
    expect((await plan('--arch', 'arm64', '--platform', 'linux/arm64/v8'))[0]).toBe(0);
    const [refused, message] = await plan('--arch', 'arm64', '--platform', 'linux/amd64');
    expect([refused, message]).toEqual([
      2,
      expect.stringContaining('Cannot use --platform linux/amd64 with --arch arm64: they say different things'),
    ]);
  });

  it('names etcd as nodes of that architecture do, up to 1.7', async () => {
    const etcd = async (...argv: string[]) =>
      (await folder.airgap(['images', '--talos', 'v1.7.7', ...argv])).stdout
        .split('\n')
        .filter((line) => /\/etcd:/.test(line));
    expect(await etcd()).toEqual(['gcr.io/etcd-development/etcd:v3.5.13']);
    expect(await etcd('--arch', 'arm64')).toEqual(['gcr.io/etcd-development/etcd:v3.5.13-arm64']);
    expect(await etcd('--arch', 'arm64', '--arch', 'amd64')).toHaveLength(2);
  });
});

describe('airgap images --diff', () => {
  it('works without a registry', async () => {
    const ran = await folder.airgap(['images', '--diff', 'v1.13.8', 'v1.13.9']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^STATE {4}IMAGE +v1\.13\.8 +v1\.13\.9\n/);
    expect(ran.stdout).toMatch(/\n\d+ added, \d+ removed, \d+ changed, \d+ same\n$/);
    expect((await folder.airgap(['images', '--diff', 'v1.13.8..v1.13.9'])).stdout).toBe(ran.stdout);
    expect((await folder.airgap(['images', '--diff', 'v1.13.8'])).stderr).toContain(
      'Cannot compare 1 release: --diff takes two',
    );
  });

  it('counts bytes as the registry has them, and those that are new', async () => {
    const ran = await folder.airgap(['images', '--diff', 'v1.13.9', 'v1.14.4', '--sizes', '--json', ...from()]);
    expect(ran.status).toBe(0);
    const shown = JSON.parse(ran.stdout) as {
      images: { repository: string; state: string; bytes?: number; newBytes?: number }[];
      total: { bytes: number; newBytes: number };
    };
    const of = (part: string) => shown.images.find(({ repository }) => repository.endsWith(part));
    const kubelet = of('/kubelet');
    const [sum, fresh] = await bytesAt('siderolabs/kubelet', 'v1.37.1', 'v1.36.3');
    expect([kubelet?.bytes, kubelet?.newBytes]).toEqual([sum, fresh]);
    expect(fresh).toBeLessThan(sum);
    expect(of('siderolabs/installer')).toMatchObject({ state: 'removed' });
    expect(of('siderolabs/installer')?.bytes).toBeUndefined();
    const added = shown.images.filter(({ state }) => state === 'added');
    for (const image of added) expect(image.newBytes).toBe(image.bytes);
    expect(shown.total.newBytes).toBeLessThan(shown.total.bytes);
    const text = await folder.airgap(['images', '--diff', 'v1.13.9', 'v1.14.4', '--sizes', ...from()]);
    expect(text.stdout).toMatch(
      /changed {2}ghcr\.io\/siderolabs\/kubelet +v1\.36\.3 +v1\.37\.1 +\d\.\d kB +\d+(\.\d)? k?B\n/,
    );
    expect(text.stdout).toMatch(/\ntotal +/);
  });

  it('says what could not be asked', async () => {
    const ran = await folder.airgap(['images', '--diff', 'v1.13.8', 'v1.14.4', '--sizes', ...from()]);
    expect(ran.status).toBe(6);
    expect(ran.stderr).toContain('installer:v1.13.8');
  });
});

/** Sizes by hand: every manifest and blob of an image, and those that another tag does not have. */
async function bytesAt(repository: string, tag: string, other: string): Promise<[sum: number, fresh: number]> {
  const contents = async (name: string): Promise<Map<string, number>> => {
    const found = new Map<string, number>();
    const read = async (reference: string): Promise<void> => {
      const answer = await fetch(`${upstream.url}/v2/${repository}/manifests/${reference}`);
      const text = await answer.text();
      found.set(answer.headers.get('docker-content-digest') ?? '', text.length);
      const {
        manifests = [],
        config,
        layers = [],
      } = JSON.parse(text) as {
        manifests?: { digest: string }[];
        config?: { digest: string; size: number };
        layers?: { digest: string; size: number }[];
      };
      for (const child of manifests) await read(child.digest);
      for (const blob of config === undefined ? [] : [config, ...layers]) found.set(blob.digest, blob.size);
    };
    await read(name);
    return found;
  };
  const [one, before] = [await contents(tag), await contents(other)];
  const sum = (entries: readonly (readonly [string, number])[]) => entries.reduce((total, [, size]) => total + size, 0);
  return [sum([...one]), sum([...one].filter(([digest]) => !before.has(digest)))];
}

describe('airgap catalogue', () => {
  it('lists what is known, with where it is from', async () => {
    const ran = await folder.airgap(['catalogue']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(
      /^RELEASE +KUBERNETES +RUNS +IMAGES +FROM\nv1\.0\.0 +v1\.23\.5 +1\.21-1\.23 +11 +built in\n/,
    );
    expect(ran.stdout).toMatch(/\nv1\.14\.3 +- +1\.32-1\.37 +no list +built in: published, list not known\n/);
    expect((await folder.airgap(['catalogue', 'list', '--talos', '1.13.9'])).stdout.split('\n')).toHaveLength(3);
    const json = await folder.airgap(['catalogue', '--talos', 'v1.13.9', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      releases: [{ talos: 'v1.13.9', kubernetes: '1.36.3', kubernetesRange: '1.31-1.36', source: expect.any(String) }],
    });
    expect((await folder.airgap(['catalogue', '--talos', 'v1.99.0'])).stderr).toContain(
      'hint: airgap catalogue update --from-registry --talos v1.99.0',
    );
    expect((await folder.airgap(['catalogue', 'remove'])).status).toBe(2);
  });

  it('finds releases in a registry; without a list they are refused with what is to be done', async () => {
    const ran = await folder.airgap(['catalogue', 'update', '--from-registry', ...from()]);
    expect([ran.status, ran.stdout]).toEqual([
      0,
      [
        'RELEASE  STATE    TO COMPLETE IT, WITH TALOSCTL OF THAT RELEASE',
        'v1.14.5  no list  talosctl image k8s-bundle | airgap catalogue add --talos v1.14.5 --list -',
        'v1.14.6  no list  talosctl image k8s-bundle | airgap catalogue add --talos v1.14.6 --list -',
        '',
      ].join('\n'),
    ]);
    expect(ran.stderr).toContain('note: newer Kubernetes: v1.36.9');
    expect(JSON.parse(folder.read('airgap-catalogue.json'))).toMatchObject({
      airgapCatalogue: 1,
      kubernetes: ['v1.36.9'],
      releases: { 'v1.14.5': { source: 'ghcr.io/siderolabs/imager:v1.14.5' }, 'v1.14.6': {} },
    });
    const refused = await folder.airgap(['plan', '--talos', 'v1.14.5', ...from()]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('it was published, but its list is not in the catalogue');
    expect(refused.stderr).toContain('airgap catalogue add --talos v1.14.5 --list FILE');
    // The newest Kubernetes of a minor is taken on the way of an upgrade.
    const way = await folder.airgap(['images', '--talos', 'v1.13.9..v1.14.4', '--kubernetes', '1.35.4', '--path']);
    expect(way.stdout).toContain('v1.35.4 -> v1.36.9');
    const again = await folder.airgap(['catalogue', 'update', ...from(), '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ withoutList: ['v1.14.5', 'v1.14.6'], kubernetes: [] });
  });

  it('does without a kubelet, and takes nothing from a registry that names releases without end', async () => {
    const store = openMemory();
    const { digest } = (await seedImage(store, 'ghcr.io/siderolabs/imager:v1.14.5')).root;
    const repository = store.repository(parseReference('ghcr.io/siderolabs/imager:v1.14.5'));
    const server = await serveStore(store);
    try {
      const update = () => folder.airgap(['catalogue', 'update', '--source-endpoint', `*=${server.url}`, '--json']);
      expect(JSON.parse((await update()).stdout)).toMatchObject({ withoutList: ['v1.14.5'], kubernetes: [] });
      const { descriptor, bytes } = await repository.manifest(digest);
      for (let patch = 100; patch < 1200; patch += 1)
        await repository.pushManifest(descriptor, bytes, { tag: parseReference(`x/y:v1.9.${patch}`).tag });
      const ran = await update();
      expect([ran.status, ran.stderr]).toEqual([3, expect.stringContaining('more than 1000 tags that are not known')]);
    } finally {
      await server.close();
    }
  });

  it('looks for one release, pre-releases as well, and says when there is none', async () => {
    const one = await folder.airgap(['catalogue', 'update', '--talos', 'v1.15.0-beta.0', ...from(), '--json']);
    expect(JSON.parse(one.stdout)).toMatchObject({ withoutList: ['v1.15.0-beta.0'] });
    const none = await folder.airgap(['catalogue', 'update', '--talos', 'v1.16.0', ...from()]);
    expect([none.status, none.stderr]).toEqual([
      3,
      expect.stringContaining('ghcr.io/siderolabs/imager has no such tag'),
    ]);
  });

  it('adds a list, after which every command knows the release', async () => {
    const added = await folder.airgap(['catalogue', 'add', '--talos', 'v1.14.5', '--list', '-'], { stdin: later });
    expect([added.status, added.stderr]).toEqual([
      0,
      'wrote airgap-catalogue.json: Talos v1.14.5 with Kubernetes v1.37.2, 10 images\n',
    ]);
    const images = await folder.airgap(['images', '--talos', 'v1.14.5']);
    expect(images.stdout).toBe(`${later}\n`);
    expect(images.stderr).toContain('note: the list of v1.14.5 is taken from airgap-catalogue.json');
    expect((await folder.airgap(['catalogue'])).stdout).toMatch(
      /\nv1\.14\.5 +v1\.37\.2 +1\.32-1\.37 +10 +airgap-catalogue\.json\n/,
    );
    const way = await folder.airgap(['images', '--talos', 'v1.14.4..v1.14.5', '--path']);
    expect(way.stdout).toContain('v1.37.1 -> v1.37.2');
    const emitted = await folder.airgap(['emit', 'nginx', '--to', 'https://registry.site', '--json']);
    expect(JSON.parse(emitted.stdout)).toMatchObject({ talos: 'v1.14.5' });
  });

  it('takes the list of the talosctl on PATH, if it is of the release', async () => {
    mkdirSync(folder.file('bin'));
    folder.write(
      'bin/talosctl',
      `#!/bin/sh\nif [ "$1" = version ]; then echo "Talos v1.14.5"; else cat <<'END'\n${later}\nEND\nfi\n`,
    );
    chmodSync(folder.file('bin/talosctl'), 0o755);
    const env = { PATH: `${folder.file('bin')}:/usr/bin:/bin` };
    const other = await folder.airgap(['catalogue', 'add', '--talos', 'v1.14.6'], { env });
    expect(other.stderr).toContain('talosctl on PATH is of v1.14.5');
    const ran = await folder.airgap(['catalogue', 'add', '--catalogue', 'site/known.json'], { env });
    expect([ran.status, existsSync(folder.file('site/known.json'))]).toEqual([0, true]);
    expect(existsSync(folder.file('airgap-catalogue.json'))).toBe(false);
    const named = await folder.airgap(['images', '--talos', 'v1.14.5'], {
      env: { AIRGAP_CATALOGUE: 'site/known.json' },
    });
    expect(named.stdout).toBe(`${later}\n`);
  });

  it('takes the rules of a minor that is new', async () => {
    folder.write('list.txt', later.replaceAll(':v1.37.2', ':v1.38.0'));
    const add = (...argv: string[]) =>
      folder.airgap(['catalogue', 'add', '--talos', 'v1.15.0', '--list', 'list.txt', ...argv]);
    expect((await add()).stderr).toContain('of Talos 1.15 is not known which Kubernetes it runs');
    const refused = await folder.airgap(['images', '--talos', 'v1.14.4..v1.15.0']);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('may be upgraded to is not known')]);
    const known = await add('--kubernetes-range', '1.33-1.38', '--upgrade-from', 'v1.13.0');
    expect(known.status).toBe(0);
    const way = await folder.airgap(['images', '--talos', 'v1.14.4..v1.15.0', '--path']);
    expect(way.stdout).toContain('2.  Kubernetes  v1.37.1 -> v1.38.0');
  });

  it.each([
    ['nothing to read', ['add', '--talos', 'v1.14.5'], '', 'there is no talosctl on PATH'],
    ['no release', ['add', '--list', '-'], later, 'nothing says which release it is of'],
    ['two releases', ['add', '--talos', 'v1.14.5', '--talos', 'v1.14.6', '--list', '-'], later, 'a list is of one'],
    [
      'half a list',
      ['add', '--talos', 'v1.14.5', '--list', '-'],
      later.split('\n').slice(3).join('\n'),
      'it has no flannel images',
    ],
    [
      'the list of another',
      ['add', '--talos', 'v1.12.9', '--list', '-'],
      later,
      'Kubernetes v1.37.2 is in it, and the release runs 1.30-1.35',
    ],
    ['a table', ['add', '--talos', 'v1.14.5', '--list', '-'], 'NODE   IMAGE   DIGEST\n1 2 3\n', 'Cannot read list'],
    ['a bad range', ['add', '--talos', 'v1.14.5', '--list', '-', '--kubernetes-range', '1.9'], later, 'not MIN-MAX'],
    [
      'rules of another major',
      ['add', '--talos', 'v2.0.0', '--list', '-', '--upgrade-from', 'v1.14.0'],
      later,
      'those of minors of Talos 1',
    ],
  ])('refuses %s', async (_what, argv, stdin, state) => {
    const ran = await folder.airgap(['catalogue', ...argv], { stdin });
    expect([ran.status, existsSync(folder.file('airgap-catalogue.json'))]).toEqual([2, false]);
    expect(ran.stderr).toContain(state);
  });

  it('refuses a file that is not there or not right, and does not write over YAML', async () => {
    expect((await folder.airgap(['plan', 'nginx', '--catalogue', 'none.json'])).stderr).toContain(
      'Cannot read "none.json": no such file',
    );
    folder.write('airgap-catalogue.json', '{"airgapCatalogue":1,"releases":{"v1.14.5":{"image":[]}}}');
    const bad = await folder.airgap(['images', '--talos', 'v1.14.4']);
    expect([bad.status, bad.stderr]).toEqual([2, expect.stringContaining('"releases.v1.14.5.image" is not known')]);
    folder.write('site.yaml', '# ours\nairgapCatalogue: 1\n');
    const yaml = await folder.airgap(
      ['catalogue', 'add', '--talos', 'v1.14.5', '--list', '-', '--catalogue', 'site.yaml'],
      { stdin: later },
    );
    expect([yaml.status, yaml.stderr]).toEqual([2, expect.stringContaining('it is YAML, and is written by hand')]);
    expect(folder.read('site.yaml')).toContain('# ours');
  });
});

describe('docs/releases.md', () => {
  const page = readFileSync(new URL('../../../docs/releases.md', import.meta.url), 'utf8');

  it('shows the steps and refusals as they are printed', async () => {
    const utf8 = { env: { LANG: 'C.UTF-8' } };
    const runs = await Promise.all(
      [
        ['images', '--talos', 'v1.11.6..v1.14.4', '--path'],
        ['images', '--talos', 'v1.13.9..v1.14.4', '--kubernetes', 'v1.31.4', '--path'],
        ['images', '--talos', 'v1.14.4..v1.13.9'],
        ['images', '--talos', 'v1.13.9..v1.14.4', '--kubernetes', 'v1.30.2'],
      ].map((argv) => folder.airgap(argv, utf8)),
    );
    for (const { status, stdout, stderr } of runs) expect(page).toContain(status === 0 ? stdout : stderr);
  });

  it('shows a catalogue file that can be read', async () => {
    folder.write('site.yaml', /^```yaml\n(.*?)^```/ms.exec(page)?.[1] ?? '');
    const ran = await folder.airgap(['images', '--talos', 'v1.14.5', '--catalogue', 'site.yaml']);
    expect([ran.status, ran.stdout]).toEqual([0, `${later}\n`]);
    const way = await folder.airgap(['images', '--talos', 'v1.14.4..v1.14.5', '--path', '--catalogue', 'site.yaml']);
    expect(way.stdout).toContain('installer registry.site/installer:v1.14.5');
  });
});
