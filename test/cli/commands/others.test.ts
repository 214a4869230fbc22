import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { seedImage } from '../../support/seedImages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

const pause = 'registry.k8s.io/pause:3.10';
let upstream: RunningServer;
let folder: WorkFolder;

beforeAll(async () => {
  const store = openMemory();
  await seedImage(store, pause, { platforms: ['linux/amd64', 'linux/arm64'] });
  await seedImage(store, 'ghcr.io/siderolabs/flannel:1');
  upstream = await serveStore(store);
});

afterAll(() => upstream.close());

beforeEach(() => {
  folder = workFolder();
});

afterEach(() => folder.remove());

const mirror = (...more: readonly string[]) =>
  folder.airgap(['mirror', pause, '--source-endpoint', `*=${upstream.url}`, ...more]);

describe('airgap --version and --help', () => {
  it('print to standard output with status 0', async () => {
    expect(await folder.airgap(['--version'])).toEqual({ status: 0, stdout: '1.2.3\n', stderr: '' });
    for (const argv of [
      ['--help'],
      ['help', 'mirror'],
      ['mirror', '--help'],
      ['plan', '-h'],
      ['verify', '-h'],
      ['emit', '-h'],
      ['images', '-h'],
      ['serve', '-h'],
    ]) {
      const ran = await folder.airgap(argv);
      expect([ran.status, ran.stderr]).toEqual([0, '']);
      expect(ran.stdout).toMatch(/^Usage: airgap/);
      expect(ran.stdout).toContain('Examples:');
    }
  });
});

describe('airgap images', () => {
  it('prints what talosctl prints, and nothing else on standard output', async () => {
    const ran = await folder.airgap(['images', '--talos', 'v1.13.9']);
    expect(ran.status).toBe(0);
    expect(ran.stdout.split('\n').slice(0, 2)).toEqual([
      'ghcr.io/siderolabs/flannel:0.28.8',
      'registry.k8s.io/coredns/coredns:v1.14.6',
    ]);
    expect(ran.stdout.trimEnd().split('\n')).toHaveLength(10);
  });

  it('takes another Kubernetes, the bundle, and JSON', async () => {
    expect((await folder.airgap(['images', '--talos', '1.13.9', '--kubernetes', '1.35.2'])).stdout).toContain(
      'kubelet:v1.35.2\n',
    );
    expect((await folder.airgap(['images', '--talos', 'v1.13.9', '--bundle'])).stdout).toContain(
      'ghcr.io/siderolabs/imager:v1.13.9\n',
    );
    const json: unknown = JSON.parse((await folder.airgap(['images', '--talos', 'v1.13.9', '--json'])).stdout);
    expect(json).toMatchObject({ talos: 'v1.13.9', kubernetes: '1.36.3' });
  });
});

describe('airgap plan', () => {
  it('shows the plan and writes nothing', async () => {
    const ran = await folder.airgap(['plan', pause, '--source-endpoint', `*=${upstream.url}`]);
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringMatching(/pause:3\.10 .* 2 {2}new\n[\s\S]*to move/)]);
  });

  it('prints one JSON document with --json', async () => {
    const ran = await folder.airgap([
      'plan',
      pause,
      'ghcr.io/a/missing:1',
      '--source-endpoint',
      `*=${upstream.url}`,
      '--json',
    ]);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      images: [{ source: pause, platforms: ['linux/amd64', 'linux/arm64'], state: 'new', origins: ['argument'] }],
      failures: [{ source: 'ghcr.io/a/missing:1', error: { code: 'ERR_NOT_FOUND' } }],
      totals: { moveBlobs: expect.any(Number) },
    });
    expect(ran.status).toBe(6);
  });

  it('takes the list of the talosctl on PATH when nothing is named, by the subcommand of its version', async () => {
    mkdirSync(folder.file('bin'));
    folder.write(
      'bin/talosctl',
      '#!/bin/sh\nif [ "$1" = version ]; then echo "Client:"; echo "	Tag:         v1.13.9"; exit; fi\n[ "$*" = "image k8s-bundle" ] && echo registry.k8s.io/pause:3.10\n',
    );
    chmodSync(folder.file('bin/talosctl'), 0o755);
    const env = { PATH: `${folder.file('bin')}:/usr/bin:/bin` };
    const ran = await folder.airgap(['plan', '--source-endpoint', `*=${upstream.url}`], { env });
    expect([ran.status, ran.stderr]).toEqual([
      0,
      expect.stringContaining('using what "talosctl image k8s-bundle" prints (talosctl v1.13.9)'),
    ]);
    expect(ran.stdout).toContain(pause);
  });
});

describe('airgap verify', () => {
  it('finds everything in place, or names what is missing, its repair, and status 5', async () => {
    await mirror();
    const good = await folder.airgap(['verify', '--deep']);
    expect([good.status, good.stdout]).toEqual([0, expect.stringContaining('everything stands')]);
    rmSync(join(folder.path, 'airgap-mirror/blobs/sha256'), { recursive: true });
    mkdirSync(join(folder.path, 'airgap-mirror/blobs/sha256'));
    const bad = await folder.airgap(['verify']);
    expect(bad.status).toBe(5);
    expect(bad.stderr).toContain(`finding: ${pause}`);
    expect(bad.stderr).toMatch(/repair: airgap mirror .*pause:3\.10/);
    const json: unknown = JSON.parse((await folder.airgap(['verify', '--json'])).stdout);
    expect(json).toMatchObject({
      exitCode: 5,
      findings: expect.arrayContaining([expect.objectContaining({ image: pause })]),
    });
  });

  it('takes no bundle for a list', async () => {
    await mirror('--to', 'bundle:x.tar', '--lock', 'x.lock');
    const ran = await folder.airgap(['verify', 'x.tar']);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('--to bundle:x.tar to verify')]);
  });

  it('prints repairs that put the image where it was, and leave the lock as it is', async () => {
    const target = await serveStore(openMemory(), { writable: true });
    try {
      await mirror('ghcr.io/siderolabs/flannel:1', '--to', `${target.url}/site`, '--prefix-by-registry');
      const lock = folder.read('airgap.lock');
      const tag = `${target.url}/v2/site/registry.k8s.io/pause/manifests/3.10`;
      expect((await fetch(tag, { method: 'DELETE' })).status).toBe(202);
      const lost = await folder.airgap(['verify']);
      const repair = /repair: airgap (.*)/.exec(lost.stderr)?.[1]?.replaceAll("'", '').split(' ') ?? [];
      expect((await folder.airgap([...repair, '--source-endpoint', `*=${upstream.url}`])).status).toBe(0);
      expect(folder.read('airgap.lock')).toBe(lock);
      expect(await folder.airgap(['verify'])).toMatchObject({ status: 0, stderr: '' });
    } finally {
      await target.close();
    }
  });

  it('sends those who find damage in a bundle to check', async () => {
    await mirror('--to', 'bundle:x.tar', '--lock', 'x.lock');
    await mirror('ghcr.io/siderolabs/flannel:1');
    const ran = await folder.airgap(['verify', '--to', 'bundle:x.tar']);
    expect([ran.status, ran.stderr]).toEqual([5, expect.stringContaining('repair: airgap check bundle:x.tar\n')]);
  });

  it('takes a list, and says what is there beyond it', async () => {
    await mirror('ghcr.io/siderolabs/flannel:1');
    const ran = await folder.airgap(['verify', pause]);
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringContaining('ghcr.io/siderolabs/flannel')]);
    const quiet = await folder.airgap(['verify', pause, '--no-catalog']);
    expect(quiet.stdout).not.toContain('flannel');
    expect((await folder.airgap(['verify', 'registry.k8s.io/pause:4'])).status).toBe(5);
  });
});

describe('airgap emit', () => {
  it('writes documents or a patch, by the release, from the lock or from a list', async () => {
    await mirror('--endpoint', 'http://10.5.0.1:6000');
    const lock = await folder.airgap(['emit']);
    expect([lock.status, lock.stdout]).toEqual([0, expect.stringContaining('kind: RegistryMirrorConfig')]);
    const old = await folder.airgap(['emit', '--talos', 'v1.11.6', '--output', 'patch.yaml']);
    expect([old.status, old.stdout]).toEqual([0, '']);
    expect(folder.read('patch.yaml')).toMatch(/machine:\n +registries:\n +#.*\n +mirrors:\n +'\*':/);
    const list = await folder.airgap(['emit', pause, '--to', 'http://10.5.0.9:6000', '--per-registry']);
    expect(list.stdout).toMatch(/name: registry\.k8s\.io\nendpoints:\n +- url: http:\/\/10\.5\.0\.9:6000/);
    const other = await folder.airgap(['emit', '--endpoint', 'https://registry.internal', '--json']);
    expect(JSON.parse(other.stdout)).toMatchObject({
      mirrors: [{ registry: '*', endpoint: 'https://registry.internal' }],
    });
  });

  it('needs an address for a layout', async () => {
    await mirror();
    const ran = await folder.airgap(['emit']);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('--endpoint http://10.5.0.1:6000')]);
    expect((await folder.airgap(['emit', '--endpoint', 'http://10.5.0.1:6000'])).status).toBe(0);
  });
});
