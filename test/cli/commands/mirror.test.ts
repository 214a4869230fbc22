import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { seedImage } from '../../support/seedImages.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();

describe('airgap mirror', () => {
  it('mirrors lists and references, writes lock and patch, and says what to do next', async () => {
    world.folder.write('images.txt', `# for the nodes\n${kubelet}\n`);
    const ran = await world.folder.airgap(['mirror', 'images.txt', pause, ...world.from(), ...world.to()]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(ran.stdout).toMatch(/^IMAGE +TARGET +SIZE +PLATFORMS +STATE$/m);
    expect(ran.stdout).toMatch(/^complete {2}ghcr\.io\/siderolabs\/kubelet:v1\.37\.1/m);
    expect(ran.stdout).toMatch(/^images +2 complete$/m);
    expect(ran.stdout).toContain('talosctl patch machineconfig --nodes NODE --patch @airgap-talos.yaml');
    const lock = parseLock(world.folder.read('airgap.lock'), 'airgap.lock');
    expect(lock.images.map(({ origins }) => origins)).toEqual([['images.txt:2'], ['argument']]);
    expect(lock.mirrors).toEqual([{ registry: '*', endpoint: world.registry.url, pathPrefix: '' }]);
    expect(world.folder.read('airgap-talos.yaml')).toContain(`- url: ${world.registry.url}`);
    expect(world.folder.read('airgap-talos.yaml')).toContain('--patch @airgap-talos.yaml');
    const answer = await fetch(`${world.registry.url}/v2/siderolabs/kubelet/manifests/v1.37.1`, { method: 'HEAD' });
    expect(answer.headers.get('docker-content-digest')).toBe(lock.images[0]?.digest);
    expect(readdirSync(world.folder.path).sort()).toEqual(['airgap-talos.yaml', 'airgap.lock', 'images.txt']);
  });

  it('copies nothing the second time, and writes the same lock but for whom it asked', async () => {
    await world.folder.airgap(['mirror', kubelet, pause, ...world.from(), ...world.to()]);
    const lock = world.folder.read('airgap.lock');
    world.asked.length = 0;
    world.written.length = 0;
    const ran = await world.folder.airgap(['mirror', kubelet, pause, ...world.from(), ...world.to()]);
    expect([ran.status, world.writes()]).toEqual([0, []]);
    expect(world.asked.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    expect(ran.stdout).toMatch(/^registry\.k8s\.io\/pause:3\.10 .* unchanged$/m);
    expect(ran.stdout.match(/k8s\.io\/pause:3\.10 /g)).toHaveLength(1);
    expect(ran.stdout).toMatch(/^images +2, all unchanged$/m);
    const contactsAt = lock.indexOf('  "contacts"');
    expect(contactsAt).toBeGreaterThan(0);
    expect(world.folder.read('airgap.lock').slice(0, contactsAt)).toBe(lock.slice(0, contactsAt));
  });

  it('takes a list from standard input, by name or when nothing is named', async () => {
    for (const inputs of [['-'], []]) {
      const ran = await world.folder.airgap(['mirror', ...inputs, ...world.from(), ...world.to(), '--dry-run'], {
        stdin: `\ufeff${pause}\r\n`,
      });
      expect([ran.status, ran.stdout]).toEqual([0, expect.stringContaining(pause)]);
    }
  });

  it('writes nothing anywhere with --dry-run', async () => {
    const ran = await world.folder.airgap(['mirror', kubelet, ...world.from(), ...world.to(), '--dry-run']);
    expect([ran.status, world.writes(), readdirSync(world.folder.path)]).toEqual([0, [], []]);
    expect(ran.stdout).toContain('Dry run: nothing was written.');
    const layout = await world.folder.airgap(['mirror', kubelet, ...world.from(), '--dry-run']);
    expect([layout.status, readdirSync(world.folder.path)]).toEqual([0, []]);
  });

  it('goes into a layout directory without --to, says so, and names the way from there', async () => {
    const ran = await world.folder.airgap(['mirror', pause, ...world.from()]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('no --to was given')]);
    expect(existsSync(world.folder.file('airgap-mirror/oci-layout'))).toBe(true);
    expect(existsSync(world.folder.file('airgap-talos.yaml'))).toBe(false);
    expect(ran.stdout).toContain('airgap serve airgap-mirror');
    expect(ran.stdout).toContain('airgap emit --endpoint http://ADDRESS:6000');
  });

  it('carries a layout into a registry, by its lock or whole', async () => {
    await world.folder.airgap(['mirror', kubelet, pause, ...world.from(), '--lock', 'carried.lock']);
    const byLock = await world.folder.airgap(['mirror', 'carried.lock', '--from', 'oci:airgap-mirror', ...world.to()]);
    expect([byLock.status, byLock.stdout]).toEqual([0, expect.stringMatching(/^images +2 complete$/m)]);
    const whole = await world.folder.airgap([
      'mirror',
      '--from',
      'oci:airgap-mirror',
      '--to',
      `${world.registry.url}/again`,
      '--lock',
      'again.lock',
    ]);
    expect([whole.status, whole.stdout]).toEqual([0, expect.stringMatching(/^images +2 complete$/m)]);
    expect((await fetch(`${world.registry.url}/v2/again/siderolabs/kubelet/manifests/v1.37.1`)).status).toBe(200);
  });

  it('finds plain HTTP on a loopback target by itself, and says so', async () => {
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), '--to', world.registry.host]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('plain HTTP')]);
    expect(world.folder.read('airgap-talos.yaml')).toContain(`http://${world.registry.host}`);
  });

  it('keeps registries apart with --prefix-by-registry', async () => {
    const ran = await world.folder.airgap([
      'mirror',
      pause,
      ...world.from(),
      '--to',
      `${world.registry.url}/mirror`,
      '--prefix-by-registry',
      '--talos-version',
      'v1.11.6',
    ]);
    expect(ran.status).toBe(0);
    expect((await fetch(`${world.registry.url}/v2/mirror/registry.k8s.io/pause/manifests/3.10`)).status).toBe(200);
    expect(world.folder.read('airgap-talos.yaml')).toContain(`${world.registry.url}/v2/mirror/registry.k8s.io`);
    expect((await world.folder.airgap(['verify'])).status).toBe(0);
  });

  it('names the configuration after its lock, so that two mirrors keep two', async () => {
    await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to(), '--lock', 'other.lock']);
    expect(readdirSync(world.folder.path).sort()).toEqual(['other-talos.yaml', 'other.lock']);
    expect(world.folder.read('other-talos.yaml')).toContain('--patch @other-talos.yaml');
  });

  it('warns of an address that nodes cannot reach, in the file too, until another is given', async () => {
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to()]);
    const { port } = new URL(world.registry.url);
    expect(ran.stderr).toMatch(/^warning: the Talos configuration names http:\/\/127\.0\.0\.1:\d+, .*--endpoint/m);
    expect(ran.stdout).toContain(`airgap emit --endpoint http://ADDRESS:${port} --output airgap-talos.yaml`);
    expect(world.folder.read('airgap-talos.yaml')).toMatch(/^# WARNING: on a node http:\/\/127/);
    const emitted = await world.folder.airgap(['emit']);
    expect([emitted.stderr, emitted.stdout]).toEqual([
      expect.stringMatching(/^warning: /),
      expect.stringMatching(/^# WARNING: /),
    ]);
    const reachable = await world.folder.airgap(['emit', '--endpoint', 'http://10.5.0.1:6000']);
    expect([reachable.stderr, reachable.stdout]).toEqual([
      expect.not.stringContaining('warning'),
      expect.not.stringContaining('WARNING'),
    ]);
    const named = [pause, ...world.from(), ...world.to(), '--endpoint', 'http://10.5.0.1:6000'];
    expect((await world.folder.airgap(['mirror', ...named])).stderr).not.toContain('warning');
  });

  it('says which images of the earlier lock the new one leaves out', async () => {
    await world.folder.airgap(['mirror', kubelet, pause, ...world.from(), ...world.to()]);
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to()]);
    expect(ran.stderr).toMatch(/^note: 1 image of airgap\.lock is not asked for now: .*both lists/m);
    const whole = await world.folder.airgap(['mirror', 'airgap.lock', ...world.from(), ...world.to()]);
    expect([whole.status, whole.stderr]).toEqual([0, expect.not.stringContaining('not asked for')]);
  });

  it('speaks of replacing a lock of another target only when it will', async () => {
    await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to()]);
    const elsewhere = ['mirror', pause, ...world.from(), '--to', `${world.registry.url}/elsewhere`];
    const dry = await world.folder.airgap([...elsewhere, '--dry-run']);
    expect(dry.stderr).toMatch(/^note: airgap\.lock was written for another target or naming: it is not used$/m);
    expect((await world.folder.airgap(elsewhere)).stderr).toContain('is not used, and is replaced at the end');
  });

  it('keeps the plan and the receipt within the width of a terminal', async () => {
    for (const columns of [120, 80, 64]) {
      const argv = ['mirror', kubelet, pause, ...world.from(), ...world.to(), '--lock', `${columns}.lock`];
      const { stdout } = await world.folder.airgap(argv, { columns });
      const [table = ''] = stdout.split('\n\n');
      expect(table.includes('TARGET')).toBe(columns === 120);
      expect(table.split('\n').filter((line) => line.length > columns)).toEqual([]);
      const receipt = stdout.split('\n').filter((line) => /^(?:complete|present) /.test(line));
      expect(receipt.filter((line) => line.length > columns)).toEqual([]);
      expect(receipt).toHaveLength(2);
    }
  });

  it('reads one path of two registries through what airgap serve serves', async () => {
    const store = openMemory();
    const names = ['ghcr.io/a/app:1', 'quay.io/a/app:1'];
    for (const [index, name] of names.entries()) await seedImage(store, name, { layers: [`layer ${index}`] });
    const served = await serveStore(store);
    try {
      const through = ['--source-endpoint', `*=${served.url}`];
      const ran = await world.folder.airgap(['mirror', ...names, ...through, ...world.to(), '--prefix-by-registry']);
      expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
      const { images } = parseLock(world.folder.read('airgap.lock'), 'airgap.lock');
      expect(new Set(images.map(({ digest }) => digest)).size).toBe(2);
    } finally {
      await served.close();
    }
  });
});
