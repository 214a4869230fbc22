import { readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Digest, hexOf } from '../../../src/oci/digest.ts';
import { seedImage } from '../../support/seedImages.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();
const large = 'ghcr.io/siderolabs/installer:v1.14.4';

async function mirror(...argv: readonly string[]): Promise<void> {
  const ran = await world.folder.airgap(['mirror', pause, kubelet, ...argv, ...world.from()]);
  expect([ran.status, ran.stderr]).toEqual([0, expect.any(String)]);
}

async function check(...argv: readonly string[]) {
  return world.folder.airgap(['check', ...argv]);
}

/** Changes the first byte of what has this digest, inside a tar. */
function damage(file: string, digest: Digest): void {
  const tar = readFileSync(file);
  const header = tar.indexOf(`blobs/sha256/${hexOf(digest)}`);
  expect(header % 512).toBe(0);
  tar.writeUInt8(tar.readUInt8(header + 512) ^ 0xff, header + 512);
  writeFileSync(file, tar);
}

async function layerIn(place: string): Promise<Digest> {
  const { content } = JSON.parse((await check(place, '--json')).stdout);
  const isLayer = ({ what, size }: { what: string; size: number }) => what === 'blob' && size > 1000;
  return content.find(isLayer).digest;
}

describe('airgap check of a directory', () => {
  it('says how much was read and that everything is right, by default of the directory mirror writes', async () => {
    await mirror();
    const ran = await check();
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(
      /^checked oci:airgap-mirror: 2 images, 7 manifests, 11 blobs, [\d.]+ kB read and hashed in [\d.]+ s.*: everything is right\n$/,
    );
    expect((await check('airgap-mirror')).stdout).toContain('checked oci:airgap-mirror: 2 images');
  });

  it('lists findings and images in a table with status 5', async () => {
    await mirror();
    const blobs = join(world.folder.file('airgap-mirror'), 'blobs/sha256');
    const largest =
      readdirSync(blobs).sort((a, b) => statSync(join(blobs, b)).size - statSync(join(blobs, a)).size)[0] ?? '';
    truncateSync(join(blobs, largest), 10);
    const ran = await check('oci:airgap-mirror');
    expect(ran.status).toBe(5);
    expect(ran.stdout).toMatch(/: 1 finding, 1 image not whole\n$/);
    const [head, row, sum, image] = ran.stderr.split('\n');
    expect(head).toMatch(/^VERDICT {2}WHAT +SIZE {2}NAME +STATE$/);
    expect(row).toMatch(
      new RegExp(`^short {4}blob +[\\d.]+ kB {2}sha256:${largest} {2}it has 10 bytes, and should have \\d+$`),
    );
    expect(sum).toBe('not whole: 1 image');
    expect(image).toMatch(/^ {2}\S+:v?[\d.]+$/);
    const json = JSON.parse((await check('oci:airgap-mirror', '--json')).stdout);
    expect(json).toMatchObject({
      exitCode: 5,
      place: 'oci:airgap-mirror',
      findings: [{ verdict: 'short', what: 'blob' }],
    });
    expect(json.content).toHaveLength(18);
  });

  it('takes the lock beside it for what should be there', async () => {
    await mirror('--platform', 'linux/amd64');
    expect((await check()).stdout).not.toContain('note:');
    renameSync(world.folder.file('airgap.lock'), world.folder.file('other.lock'));
    expect((await check()).stdout).toContain(
      'note: 2 manifests that indexes list are not here: left out with --platform, or lost',
    );
    expect((await check('--lock', 'other.lock')).stdout).not.toContain('note:');
  });

  it('says which lock it took when something of it is not here: it may be of another place', async () => {
    await mirror();
    await world.folder.airgap(['mirror', pause, ...world.from(), '--to', 'oci:part', '--lock', 'part.lock']);
    const note = 'note: what should be here is taken from airgap.lock: name another lock with --lock FILE';
    const wrong = await check('oci:part');
    expect(wrong).toMatchObject({ status: 5 });
    expect(wrong.stderr).toContain(note);
    expect(await check('oci:part', '--lock', 'part.lock')).toMatchObject({ status: 0, stderr: '' });
    expect((await check('oci:part', '--lock', 'airgap.lock')).stderr).not.toContain(note);
  });
});

describe('airgap check of a bundle', () => {
  it('reads it in place and finds a changed byte', async () => {
    await mirror('--to', 'bundle:x.tar');
    const good = await check('bundle:x.tar');
    expect([good.status, good.stderr]).toEqual([0, '']);
    expect(good.stdout).toMatch(/^checked bundle:x\.tar: 2 images, 7 manifests, 11 blobs, .*: everything is right\n$/);
    const digest = await layerIn('bundle:x.tar');
    damage(world.folder.file('x.tar'), digest);
    const bad = await check('x.tar');
    expect(bad.status).toBe(5);
    expect(bad.stderr).toMatch(new RegExp(`corrupt +blob .*${digest} +its bytes have digest`));
  });

  it('tells of a copy that broke off what is short, what is missing, and what is right', async () => {
    await mirror('--to', 'bundle:x.tar');
    const file = world.folder.file('x.tar');
    const whole = readFileSync(file);
    for (const [index, left] of [0.95, 0.7, 0.6].map((part) => Math.floor(whole.length * part)).entries()) {
      writeFileSync(file, whole.subarray(0, left));
      const json = JSON.parse((await check('x.tar', '--json')).stdout);
      const verdicts = json.content.map(({ verdict }: { verdict: string }) => verdict);
      expect(json.exitCode).toBe(5);
      expect(json.findings[0]).toMatchObject({ what: 'file', verdict: 'short', name: file });
      expect(verdicts.filter((verdict: string) => verdict === 'short').length).toBeLessThanOrEqual(1);
      if (index > 0) expect(verdicts).toContain('missing');
      expect(verdicts).toContain('ok');
      const named = json.findings.map(({ name }: { name: string }) => name);
      expect(named).toEqual([...new Set(named)]);
      expect(json.bytesRead).toBeLessThanOrEqual(left);
      for (const { what, images } of json.findings) if (what !== 'file') expect(images).not.toEqual([]);
    }
    writeFileSync(file, whole.subarray(0, whole.length - 512));
    const end = await check('x.tar');
    expect([end.status, end.stderr]).toEqual([
      5,
      expect.stringMatching(/^VERDICT.*\nshort +file +- .*x\.tar +it ends before it should: copy it again\n$/),
    ]);
    // Loading still refuses it.
    expect((await world.folder.airgap(['mirror', '--from', 'bundle:x.tar', ...world.to()])).status).toBe(2);
  });

  it('names volumes that are not here, as findings where the whole set was named', async () => {
    await seedImage(world.upstreamStore, large, {
      layers: ['one', 'two', 'three', 'four'],
      layerBytes: 60_000,
      compression: 'none',
    });
    await mirror(large, '--to', 'bundle:set/', '--volume-size', '100000');
    const names = readdirSync(world.folder.file('set')).sort();
    expect(names.length).toBeGreaterThan(2);
    expect((await check('bundle:set/')).status).toBe(0);
    const one = await check(`bundle:set/${names[1]}`);
    expect([one.status, one.stderr]).toEqual([0, '']);
    expect(one.stdout).toMatch(
      /not here: volumes 1, 3.* of \d, with parts of \d+ blobs? .* of \d images and 1 signature, which were not read/,
    );
    rmSync(join(world.folder.file('set'), names[1] ?? ''));
    const lost = await check('set');
    expect(lost.status).toBe(5);
    expect(lost.stderr).toMatch(
      new RegExp(
        `missing +volume +- +volume 2 of ${names.length} +it is not here\nnot whole: .*\n[\\s\\S]*installer:v1.14.4`,
      ),
    );
  });

  it('lists what a delta expects at the receiver', async () => {
    await mirror('--to', 'bundle:first.tar');
    await seedImage(world.upstreamStore, 'ghcr.io/siderolabs/kubelet:v1.37.2', {
      platforms: ['linux/amd64', 'linux/arm64'],
      layers: ['base', 'new {platform}'],
    });
    await mirror(...world.to());
    const receipt = await world.folder.airgap(['receipt', ...world.to(), '--output', 'site.receipt']);
    expect(receipt.status).toBe(0);
    await mirror('ghcr.io/siderolabs/kubelet:v1.37.2', '--to', 'bundle:delta.tar', '--have', 'site.receipt');
    const ran = await check('delta.tar');
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/checked bundle:delta\.tar: 1 image, 3 manifests, 4 blobs/);
    expect(ran.stdout).toMatch(/expected at the receiver: 1 blob \([\d.]+ kB\), and 2 images whole/);
  });
});

describe('airgap check', () => {
  it.each([
    [['nowhere'], 2, '"nowhere": it does not exist'],
    [['.'], 2, 'it is no layout directory, no bundle, no directory of volumes and no image cache'],
    [['harbor.site:443'], 2, 'airgap verify --deep'],
    [['oci:nowhere'], 2, 'it does not exist'],
    [['bundle:nowhere.tar'], 2, 'it does not exist'],
    [['.', '--verify-key', 'no.pem'], 2, 'it is no layout directory'],
  ])('refuses %j with status %i', async (argv, status, message) => {
    const ran = await check(...argv);
    expect([ran.status, ran.stdout]).toEqual([status, '']);
    expect(ran.stderr).toContain(message);
  });

  it('refuses a bundle that is not signed by the key, and a key for a directory', async () => {
    await mirror('--to', 'bundle:x.tar');
    await mirror();
    world.folder.write('key.pem', 'no key');
    for (const place of ['x.tar', 'oci:airgap-mirror']) {
      const ran = await check(place, '--verify-key', 'key.pem');
      expect([ran.status, ran.stdout]).toEqual([2, '']);
    }
  });
});
