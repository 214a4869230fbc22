import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { beforeEach, describe, expect, it } from 'vitest';
import { ownArchitecture } from '../../../src/cli/releases/run-talosctl.ts';
import { serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { talosImages } from '../../../src/talos/catalogue.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';
import { layerOf, pushCatalogue } from '../../catalogues/images.ts';
import { seedImage } from '../../support/seedImages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

const list = talosImages(parseTalosVersion('v1.14.4')).images.map((image) => image.replace(/:v1\.37\.1$/, ':v1.37.2'));

/** Builtins of the shell alone: there is no PATH. */
function script(version: string, images: readonly string[], extra = ''): string {
  const lines = images.map((image) => `echo ${image}`).join('\n');
  return `#!/bin/sh\n${extra}\ncase "$1 $2" in\n"version --client") echo "Tag: ${version}";;\n"image k8s-bundle")\n${lines}\n;;\n*) echo "unknown $*" >&2; exit 1;;\nesac\n`;
}

let folder: WorkFolder;
beforeEach(() => {
  folder = workFolder();
  return () => folder.remove();
});

/** `catalogue update` where the registry has these talosctl, by release. */
async function update(programs: Readonly<Record<string, string>>, ...argv: string[]) {
  const store = openMemory();
  for (const [version, text] of Object.entries(programs)) {
    await seedImage(store, `ghcr.io/siderolabs/imager:${version}`, {});
    await seedImage(store, `ghcr.io/siderolabs/imager:v1.14.4`, {});
    const layers = [layerOf([{ name: 'talosctl', bytes: Buffer.from(text) }])];
    await pushCatalogue(store, `ghcr.io/siderolabs/talosctl:${version}`, { layers, platforms: ['amd64', 'arm64'] });
  }
  const asked: string[] = [];
  const server = await serveStore(store, { onRequest: ({ path }) => void asked.push(path) });
  const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('airgap-talosctl-'));
  const before = left();
  try {
    const env = { SECRET: 'geheim' };
    const ran = await folder.airgap(
      ['catalogue', 'update', '--from-registry', '--source-endpoint', `*=${server.url}`, ...argv],
      { env },
    );
    return { ...ran, asked, left: left().filter((name) => !before.includes(name)) };
  } finally {
    await server.close();
  }
}

describe('catalogue update --run-talosctl', () => {
  it('adds the list that the release itself prints, and leaves nothing behind', async () => {
    const ran = await update({ 'v1.14.5': script('v1.14.5', list) }, '--run-talosctl');
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('wrote the lists of 1 release')]);
    expect(ran.stdout).toMatch(/v1\.14\.5 +10 images +Kubernetes v1\.37\.2/);
    expect(ran.left).toEqual([]);
    const printed = await folder.airgap(['images', '--talos', 'v1.14.5']);
    expect(printed.stdout.trim().split('\n')).toEqual(list);
    expect(folder.read('airgap-catalogue.json')).toContain(
      'talosctl image k8s-bundle of ghcr.io/siderolabs/talosctl:v1.14.5',
    );
  });

  it('runs nothing without the option', async () => {
    const ran = await update({ 'v1.14.5': script('v1.14.5', list) });
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringContaining('no list')]);
    expect(ran.asked.filter((path) => path.includes('/talosctl/'))).toEqual([]);
  });

  it('gives the program neither the environment nor the folder of who asked', async () => {
    const refusing = '[ -z "$SECRET" ] && [ "$HOME" = "$PWD" ] || { echo "too much" >&2; exit 9; }';
    const ran = await update({ 'v1.14.5': script('v1.14.5', list, refusing) }, '--run-talosctl');
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('too much')]);
  });

  it.each([
    ['is of another release', script('v1.14.6', list), 'it is of v1.14.6'],
    ['fails', '#!/bin/sh\necho broken >&2\nexit 3\n', 'Cannot run "talosctl version --client": broken'],
    ['prints another list', script('v1.14.5', ['quay.io/evil/x:v1']), 'it has no flannel images'],
    ['cannot run here', 'MZ\0\0', 'Cannot ask talosctl of'],
  ])('takes nothing of a program that %s, and says so', async (_, text, state) => {
    const ran = await update({ 'v1.14.5': text }, '--run-talosctl');
    expect([ran.status, ran.left]).toEqual([3, []]);
    expect(ran.stderr).toContain('Cannot ask talosctl of "ghcr.io/siderolabs/talosctl:v1.14.5": ');
    expect(ran.stderr).toContain(state);
    expect(ran.stdout).toContain('no list');
    expect(ran.stderr).not.toContain('defect');
  });

  it('takes the others where one fails, with status 6', async () => {
    const programs = { 'v1.14.5': '#!/bin/sh\nexit 3\n', 'v1.14.6': script('v1.14.6', list) };
    const ran = await update(programs, '--run-talosctl', '--json');
    expect([ran.status, JSON.parse(ran.stdout)]).toMatchObject([
      6,
      { withList: [{ talos: 'v1.14.6', kubernetes: 'v1.37.2' }], withoutList: ['v1.14.5'], failures: { length: 1 } },
    ]);
  });
});

describe('ownArchitecture()', () => {
  it('is that of the image, and refuses machines it holds nothing for', () => {
    expect(ownArchitecture({ platform: 'linux', arch: 'x64' })).toBe('amd64');
    expect(() => ownArchitecture({ platform: 'darwin', arch: 'arm64' })).toThrow('Cannot use --run-talosctl');
    expect(() => ownArchitecture({ platform: 'linux', arch: 'riscv64' })).toThrow('linux/riscv64');
  });
});
