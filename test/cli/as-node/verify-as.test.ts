import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NodeVerification } from '../../../src/verify/as-node/verdict.ts';
import { documentYaml, mirrorYaml } from '../../verify/as-node/yaml.ts';
import { kubelet, mirrorWorld, pause } from '../commands/world.ts';

const world = mirrorWorld();
const as = ['--as', 'talos@v1.14.4'];

async function mirrored(...flags: string[]): Promise<void> {
  const ran = await world.folder.airgap(['mirror', pause, kubelet, ...world.from(), ...world.to(), ...flags]);
  expect(ran, ran.stderr).toMatchObject({ status: 0 });
}

const verify = (...flags: string[]) => world.folder.airgap(['verify', ...flags]);

describe('the images of a lock that was made from a lock', () => {
  it('are asked for by their tags, which have to stand for the same', async () => {
    await mirrored();
    const { from, to } = { from: world.from(), to: world.to() };
    const again = await world.folder.airgap(['mirror', 'airgap.lock', ...from, ...to, '--lock', 'second.lock']);
    expect(again, again.stderr).toMatchObject({ status: 0 });
    expect(world.folder.read('second.lock')).toMatch(/"source": "registry\.k8s\.io\/pause:3\.10@sha256:/);
    const ran = await verify(...as, '--lock', 'second.lock', '--explain', pause);
    expect(ran, ran.stderr).toMatchObject({ status: 0 });
    expect(ran.stdout).toMatch(/HEAD \S+\/v2\/pause\/manifests\/3\.10\?ns=registry\.k8s\.io/);
  });
});

describe('the configuration that counts', () => {
  it('is the one beside the lock, else the one that would be written', async () => {
    await mirrored();
    const beside = await verify(...as);
    expect(beside, beside.stderr).toMatchObject({ status: 0 });
    expect(beside.stdout).toContain(
      'as a node with Talos v1.14.4 and airgap-talos.yaml, the configuration beside the lock',
    );
    expect(beside.stdout).toMatch(/kubelet:v1\.37\.1 +Talos +\S+ \S+ +found, signed\n/);
    expect(beside.stdout).toMatch(/pause:3\.10 +containerd +\S+ \S+ +found\n/);
    expect(beside.stdout).toContain('2 images: 2 found (');
    const again = await verify(...as, ...world.to());
    expect(again.stdout).toContain('the configuration beside the lock');
    rmSync(world.folder.file('airgap-talos.yaml'));
    const emitted = await verify('--as', 'talos@1.8.0');
    expect(emitted, emitted.stderr).toMatchObject({ status: 0 });
    expect(emitted.stdout).toContain('Talos v1.8.0 and the configuration that airgap emit writes for it');
    const list = await verify(pause, ...as, ...world.to());
    expect(list, list.stderr).toMatchObject({ status: 0 });
  });

  it('is a given one, with patches laid over it in order', async () => {
    await mirrored();
    const { url } = world.registry;
    world.folder.write('base.yaml', mirrorYaml({ registry: 'ghcr.io', endpoints: [url] }));
    world.folder.write('patch.yaml', mirrorYaml({ registry: 'registry.k8s.io', endpoints: [`${url}/v2/wrong`] }));
    world.folder.write(
      'last.yaml',
      documentYaml('RegistryMirrorConfig', { name: 'registry.k8s.io', $patch: 'delete' }),
    );
    const alone = await verify(...as, '--config', 'base.yaml');
    expect(alone).toMatchObject({ status: 5 });
    expect(alone.stdout).toMatch(/pause:3\.10 .*would leave the site to registry\.k8s\.io\n/);
    const patched = await verify(...as, '--config', 'base.yaml', '--config', 'patch.yaml');
    expect(patched).toMatchObject({ status: 5 });
    expect(patched.stdout).toContain('and base.yaml, patched with patch.yaml');
    expect(patched.stdout).toMatch(/pause:3\.10 .*not found\n/);
    expect(patched.stderr).toContain(`asked ${url}/v2/wrong/v2/pause/manifests/3.10?ns=registry.k8s.io`);
    expect(patched.stderr).toMatch(/^error: patch\.yaml:\d+: /m);
    const deleted = await verify(...as, '--config', 'base.yaml', '--config', 'patch.yaml', '--config', 'last.yaml');
    expect(deleted.stdout).toMatch(/pause:3\.10 .*would leave the site to registry\.k8s\.io\n/);
  });

  it('with an error counts although every image is found', async () => {
    await mirrored();
    const { url } = world.registry;
    const mistaken =
      mirrorYaml({ endpoints: [url] }) + mirrorYaml({ registry: 'quay.io', endpoints: [`${url}/v2/v2`] });
    world.folder.write('mistaken.yaml', mistaken);
    const ran = await verify(...as, '--config', 'mistaken.yaml');
    expect(ran).toMatchObject({ status: 5 });
    expect(ran.stdout).toContain('2 images: 2 found');
    expect(ran.stderr).toMatch(/^error: mistaken\.yaml:\d+: .*v2\/v2/m);
  });

  it('is the one that airgap.yaml names', async () => {
    await mirrored('--patch', 'nodes/patch.yaml');
    world.folder.write('airgap.yaml', 'version: 1\nfiles:\n  patch: nodes/patch.yaml\n');
    const ran = await verify(...as);
    expect(ran, ran.stderr).toMatchObject({ status: 0 });
    expect(ran.stdout).toContain('and patch.yaml, the configuration beside the lock');
  });

  it('has the secrets that airgap.yaml names laid over it, where they were written', async () => {
    await mirrored();
    const auth = { name: '10.5.0.9:6000', username: 'node', password: 'very-secret' };
    world.folder.write('s.yaml', documentYaml('RegistryAuthConfig', auth));
    world.folder.write('airgap.yaml', 'version: 1\nnodes:\n  secrets: s.yaml\n');
    const ran = await verify(...as);
    expect(ran, ran.stderr).toMatchObject({ status: 0 });
    expect(ran.stdout).toContain('and airgap-talos.yaml, the configuration beside the lock, patched with s.yaml\n');
    expect(ran.stdout + ran.stderr).not.toContain('very-secret');
    rmSync(world.folder.file('s.yaml'));
    expect((await verify(...as)).stdout).toContain('the configuration beside the lock\n');
  });

  it('needs no password of the target, unless it is made here with its user in it', async () => {
    await mirrored();
    world.folder.write('airgap.yaml', 'version: 1\ntarget:\n  user: writer\n');
    expect(await verify(...as)).toMatchObject({ status: 0 });
    rmSync(world.folder.file('airgap-talos.yaml'));
    const ran = await verify(...as);
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain('Cannot use --to-user without a password\n  asked by: airgap.yaml:3\n');
  });

  it('is needed', async () => {
    const ran = await world.folder.airgap(['verify', pause, ...as]);
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain('nothing says where nodes look');
    expect(await verify(pause, ...as, '--config', 'absent.yaml')).toMatchObject({ status: 2 });
  });
});

describe('images', () => {
  it('are looked for where the lock has them, retagged ones by their new name', async () => {
    await mirrored(`${pause} => web/front:1`);
    const ran = await verify(...as, '--json');
    expect(ran, ran.stderr).toMatchObject({ status: 0 });
    const { images } = JSON.parse(ran.stdout) as NodeVerification;
    const retagged = images.find(({ image }) => image === `${pause} => web/front:1`);
    expect(retagged?.pulls[0]?.image).toBe(`${new URL(world.registry.url).host}/web/front:1`);
  });

  it('have to be what the lock says', async () => {
    await mirrored();
    const lock = JSON.parse(world.folder.read('airgap.lock')) as { images: { digest: string; source: string }[] };
    const other = lock.images.find(({ source }) => source === kubelet)?.digest;
    const text = world.folder.read('airgap.lock').replaceAll(`${lock.images[1]?.digest}`, `${other}`);
    world.folder.write('airgap.lock', text);
    const ran = await verify(...as);
    expect(ran).toMatchObject({ status: 5 });
    expect(ran.stdout).toMatch(/pause:3\.10 .*wrong digest\n/);
    expect(ran.stderr).toContain("do: airgap mirror 'registry.k8s.io/pause:3.10' --to ");
  });

  it('have to run on the platforms that are wanted', async () => {
    await mirrored();
    expect(await verify(...as, '--platform', 'linux/arm64')).toMatchObject({ status: 0 });
    const ran = await verify(...as, '--platform', 'linux/arm64', '--platform', 'linux/riscv64');
    expect(ran).toMatchObject({ status: 5 });
    expect(ran.stderr).toContain('nothing in it is for linux/riscv64, only for linux/amd64, linux/arm64');
  });
});

describe('what is told', () => {
  it('explains an image step by step, also one that is not in the lock', async () => {
    await mirrored();
    const known = await verify(...as, '--explain', pause);
    expect(known, known.stderr).toMatchObject({ status: 0 });
    expect(known.stdout).toContain(
      `${pause}\n  pulled by   containerd, for the kubelet, as ${pause}\n  mirror      the entry of *\n`,
    );
    expect(known.stdout).toContain(`asks        1.  ${world.registry.url}/v2  ?ns=registry.k8s.io`);
    expect(known.stdout).toMatch(
      /manifest +200 +\d+ B {2}HEAD http:\S+\/v2\/pause\/manifests\/3\.10\?ns=registry\.k8s\.io\n +is sha256:/,
    );
    expect(known.stdout).toContain('  verdict     found\n');
    const unknown = await verify(...as, '--explain', 'quay.io/app/absent:1');
    expect(unknown).toMatchObject({ status: 5 });
    expect(unknown.stdout).toMatch(/manifest +404 +- {2}HEAD \S+\n +\S+ answered 404/);
    expect(unknown.stdout).toContain('  verdict     not found\n');
  });

  it('keeps to the width of a terminal, with long names', async () => {
    await mirrored();
    const long = `quay.io/organisation/${'a-very-long-repository-name/'.repeat(4)}image:v1.2.3`;
    for (const columns of [60, 80]) {
      const ran = await world.folder.airgap(['verify', pause, long, ...as, '--config', 'airgap-talos.yaml'], {
        columns,
      });
      const table = ran.stdout.split('\n').filter((line) => /PULLED BY|containerd/.test(line));
      expect(table).toHaveLength(3);
      for (const line of table) expect(line.length).toBeLessThanOrEqual(columns);
    }
    world.folder.write('only.yaml', mirrorYaml({ registry: 'ghcr.io', endpoints: [world.registry.url] }));
    const ran = await world.folder.airgap(['verify', long, ...as, '--config', 'only.yaml'], { columns: 80 });
    expect(ran.stdout).toContain('leaves the site\n');
    expect(ran.stderr).toContain('would leave the site to quay.io');
    const config = ['--config', 'airgap-talos.yaml'];
    const way = await world.folder.airgap(['verify', pause, ...as, ...config, '--explain', pause], { columns: 60 });
    expect(way.stdout).toMatch(/\n {2}manifest +200 +\d+ B\n {4}HEAD http:\S+\n {4}is sha256:/);
  });

  it('has everything in JSON, and never a secret', async () => {
    await mirrored();
    const { host } = new URL(world.registry.url);
    const auth = documentYaml('RegistryAuthConfig', { name: host, username: 'node', password: 's3cret-word' });
    world.folder.write('node.yaml', mirrorYaml({ endpoints: [world.registry.url] }) + auth);
    const ran = await verify(...as, '--config', 'node.yaml', '--json');
    const told = JSON.parse(ran.stdout) as NodeVerification & { configuration: object; diagnoses: object[] };
    expect(told).toMatchObject({
      exitCode: 0,
      version: 'v1.14.4',
      configuration: { from: 'given', files: ['node.yaml'] },
    });
    expect(told.images[0]?.pulls[0]?.trails.length).toBeGreaterThan(3);
    const explained = await verify(...as, '--config', 'node.yaml', '--explain', pause);
    expect(explained.stdout).toContain('user name and password');
    for (const text of [ran.stdout, ran.stderr, explained.stdout, explained.stderr]) {
      expect(text).not.toContain('s3cret-word');
      expect(text).not.toContain(Buffer.from('node:s3cret-word').toString('base64'));
    }
  });

  it('does not use what the node does not know', async () => {
    await mirrored();
    const ran = await world.folder.airgap(['verify', ...as, '--to-user', 'me'], { env: { AIRGAP_TO_PASSWORD: 'x' } });
    expect(ran.stderr).toContain('--to-user: not used');
  });
});

describe('refusals', () => {
  it.each([
    ['k3s@v1', 'only Talos nodes are known'],
    ['v1.14.4', 'write talos@v1.14.4'],
    ['talos', 'write it like talos@v1.14.4'],
    ['talos@1.14', 'no MAJOR.MINOR.PATCH'],
    ['talos@v2.0.0', 'only Talos 1.x is known'],
  ])('--as %s', async (value, said) => {
    const ran = await verify('--as', value);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toContain(said);
  });

  it.each(['config', 'explain', 'platform'])('--%s without --as', async (name) => {
    const ran = await verify(`--${name}`, 'linux/amd64');
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain(`Cannot use --${name} without --as`);
  });

  it('a directory without the address of who serves it', async () => {
    const ran = await verify(pause, ...as, '--to', 'oci:somewhere');
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain('no node can reach it');
  });
});
