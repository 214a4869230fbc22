import { execFileSync, spawn } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { schematicId } from '../../../src/talos/schematic.ts';
import { imageDigests, pushExtensionCatalogue } from '../../catalogues/images.ts';
import { seedImage } from '../../support/seedImages.ts';
import { mirrorWorld } from '../commands/world.ts';

const world = mirrorWorld();
const edge =
  'customization:\n  systemExtensions:\n    officialExtensions:\n      - siderolabs/iscsi-tools\n      - siderolabs/moon\n';
const id = schematicId(edge);
const empty = '376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba';

beforeAll(async () => {
  const store = world.upstreamStore;
  await seedImage(store, `factory.talos.dev/metal-installer/${id}:v1.14.4`, {});
  await seedImage(store, 'ghcr.io/siderolabs/iscsi-tools:v0.2.0', {});
  await pushExtensionCatalogue(store, 'v1.14.4', imageDigests(['iscsi-tools:v0.2.0']));
});

async function listed(...argv: string[]): Promise<string[]> {
  const ran = await world.folder.airgap(['images', ...argv, ...world.from()]);
  expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
  return ran.stdout.split('\n').filter((line) => line.includes('installer'));
}

describe('--schematic', () => {
  it.each([
    [['--talos', 'v1.14.4'], ['metal-installer:v1.14.4']],
    [
      ['--talos', 'v1.14.4', '--installer-platform', 'aws,metal', '--secureboot'],
      ['aws-installer-secureboot:v1.14.4', 'metal-installer-secureboot:v1.14.4'],
    ],
    [['--talos', 'v1.9.6', '--installer-platform', 'aws'], ['installer:v1.9.6']],
    [
      ['--talos', 'v1.9.6..v1.10.9'],
      ['installer:v1.9.6', 'metal-installer:v1.10.9'],
    ],
  ])('%j names installers of every release', async (argv, names) => {
    world.folder.write('edge.yaml', edge);
    const installers = (await listed(...argv, '--schematic', 'edge.yaml')).filter((line) => line.includes(id));
    expect(installers).toEqual(names.map((name) => `factory.talos.dev/${name.replace(':', `/${id}:`)}`));
  });

  it('names for each step of an upgrade the installer that keeps what the schematic holds', async () => {
    world.folder.write('edge.yaml', edge);
    const { stderr } = await world.folder.airgap(['images', '--talos', 'v1.13.9..v1.14.4', '--schematic', 'edge.yaml']);
    const told = stderr.split('\n').filter((line) => line.includes('an installer of their own'));
    expect(told).toEqual([
      `note: machines of edge.yaml are upgraded to v1.14.4 with an installer of their own: factory.talos.dev/metal-installer/${id}:v1.14.4`,
    ]);
    const one = await world.folder.airgap(['images', '--talos', 'v1.14.4', '--schematic', 'edge.yaml']);
    expect(one.stderr).not.toContain('an installer of their own');
  });

  it('takes an id as it is, several of them, and another factory', async () => {
    world.folder.write('edge.yaml', edge);
    const argv = [
      '--talos',
      'v1.13.9',
      '--schematic',
      empty,
      '--schematic',
      'edge.yaml',
      '--factory',
      'https://Factory.site:8080/',
    ];
    expect((await listed(...argv)).filter((line) => line.startsWith('factory'))).toEqual(
      [empty, id].map((one) => `factory.site:8080/metal-installer/${one}:v1.13.9`).sort(),
    );
  });

  it('is mirrored with the file as its origin, and says its id', async () => {
    world.folder.write('edge.yaml', edge);
    const argv = ['mirror', '--talos', 'v1.14.4', '--schematic', 'edge.yaml', ...world.from(), ...world.to()];
    const ran = await world.folder.airgap(argv);
    expect(ran.stderr).toContain(`note: edge.yaml is schematic ${id} of factory.talos.dev`);
    const lock = parseLock(world.folder.read('airgap.lock'), 'airgap.lock');
    expect(lock.images.find(({ source }) => source.repository.endsWith(id))?.origins).toEqual(['edge.yaml']);
  });

  it('says what to do where the factory does not know it', async () => {
    const argv = ['plan', '--talos', 'v1.14.4', '--schematic', 'a'.repeat(64), ...world.from(), ...world.to()];
    const ran = await world.folder.airgap(argv);
    expect(ran.stderr).toContain(`metal-installer/${'a'.repeat(64)}:v1.14.4`);
    expect(ran.stderr).toContain('curl -X POST --data-binary @SCHEMATIC.yaml https://factory.talos.dev/schematics');
  });

  it('warns of extensions that the release does not have, where its catalogue was read', async () => {
    world.folder.write('edge.yaml', edge);
    const argv = ['plan', '--talos', 'v1.14.4', '--schematic', 'edge.yaml', '--extensions', 'iscsi-tools'];
    const ran = await world.folder.airgap([...argv, ...world.from(), ...world.to()]);
    expect(ran.stderr).toContain(
      'warning: edge.yaml names siderolabs/moon, which ghcr.io/siderolabs/extensions:v1.14.4 does not list',
    );
  });

  it('reads a schematic once, so that it may come out of a pipe, where a catalogue is read as well', async () => {
    const pipe = world.folder.file('pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    spawn('sh', ['-c', 'printf %s "$1" >"$0"', pipe, edge]);
    const argv = ['plan', '--talos', 'v1.14.4', '--schematic', 'pipe.yaml', '--extensions', 'iscsi-tools'];
    const ran = await world.folder.airgap([...argv, ...world.from(), ...world.to()]);
    expect(ran.stderr).toContain('warning: pipe.yaml names siderolabs/moon');
  });

  it.each([
    [['--schematic', 'edge.yaml'], 'Cannot use --schematic without --talos: each release has its own'],
    [['--talos', 'v1.14.4', '--secureboot'], 'Cannot use --secureboot without --schematic'],
    [['--talos', 'v1.14.4', '--installer-platform', 'aws'], 'Cannot use --installer-platform without --schematic'],
    [['--talos', 'v1.14.4', '--factory', 'f.site'], 'Cannot use --factory without --schematic'],
    [['--talos', 'v1.14.4', '--factory', 'no host', '--schematic', empty], 'Cannot read --factory: registry "no host"'],
    [['--talos', 'v1.14.4', '--schematic', 'gone.yaml'], 'Cannot read "gone.yaml": '],
    [['--talos', 'v1.14.4', '--schematic', 'wrong.yaml'], 'line 1: unknown key "customisation"'],
    [['--talos', 'v1.4.8', '--schematic', empty, '--secureboot'], 'there is none before 1.5'],
  ])('refuses %j', async (argv, message) => {
    world.folder.write('edge.yaml', edge);
    world.folder.write('wrong.yaml', 'customisation: {}\n');
    const ran = await world.folder.airgap(['mirror', ...argv, ...world.from(), ...world.to()]);
    expect([ran.status, ran.stderr, world.writes()]).toEqual([2, expect.stringContaining(message), []]);
  });
});
