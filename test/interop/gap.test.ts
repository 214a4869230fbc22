/** The whole way across the gap with real pieces: docker-registry, volumes on a disk, another docker-registry, containerd. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tracedRun } from '../support/trace-sockets.ts';
import { airgap, airgapProgram } from './support/airgap.ts';
import { type Containerd, startContainerd } from './support/containerd.ts';
import { type DockerRegistry, freePort, startDockerRegistry, untilListening } from './support/dockerRegistry.ts';
import { missing, output, type Run, titled } from './support/programs.ts';
import { type ListedImage, seedRegistry } from './support/seededRegistry.ts';
import { manifestDigest } from './support/skopeo.ts';

const reason = missing('docker-registry', 'skopeo', 'containerd', 'ctr');
const volumeSize = 400_000;

describe.skipIf(reason !== undefined)(titled('across the gap', reason), () => {
  let source: DockerRegistry;
  let site: DockerRegistry;
  let images: ListedImage[];
  let folder: string;
  const disk = () => join(folder, 'usb-disk');
  const succeeded = (ran: Run): Run => {
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 0 });
    return ran;
  };
  const expectEveryTag = async () => {
    for (const image of images)
      for (const [tag, digest] of image.tags)
        expect(await manifestDigest(`docker://${site.host}/${image.repository}:${tag}`), image.line).toBe(digest);
  };

  beforeAll(async () => {
    source = await startDockerRegistry();
    site = await startDockerRegistry();
    images = await seedRegistry(source, { layerBytes: 60_000 });
    folder = await mkdtemp(join(tmpdir(), 'airgap-gap-'));
    await writeFile(join(folder, 'images.txt'), `${images.map(({ line }) => line).join('\n')}\n`);
  });
  afterAll(async () => {
    await Promise.all([source?.stop(), site?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  it('writes volumes beside the internet, none larger than asked', async () => {
    succeeded(
      await airgap(
        [
          'mirror',
          'images.txt',
          '--source-endpoint',
          `*=${source.url}`,
          '--to',
          'bundle:staging/',
          '--volume-size',
          String(volumeSize),
        ],
        { cwd: folder },
      ),
    );
    const volumes = await readdir(join(folder, 'staging'));
    expect(volumes.length).toBeGreaterThanOrEqual(3);
    await mkdir(disk());
    for (const volume of volumes) {
      expect((await stat(join(folder, 'staging', volume))).size).toBeLessThanOrEqual(volumeSize);
      await copyFile(join(folder, 'staging', volume), join(disk(), volume));
    }
    await source.kill();
  });

  it('checks the disk, and loads it with the upstream gone, speaking to the target alone', async () => {
    succeeded(await airgap(['check', `bundle:${disk()}/`], { cwd: folder }));
    const load = ['mirror', '--from', `bundle:${disk()}/`, '--to', site.url, '--lock', 'site.lock'];
    const traced = await tracedRun(process.execPath, [airgapProgram, ...load], { cwd: folder });
    expect(traced, traced.stdout + traced.stderr).toMatchObject({ status: 0 });
    const others = traced.contacts.filter(({ to }) => !to.includes(site.host));
    expect([traced.contacts.length > 0, others]).toEqual([true, []]);
    succeeded(await airgap(['verify', '--deep', '--lock', 'site.lock'], { cwd: folder }));
    await expectEveryTag();
  });

  it('serves the disk to containerd by the names of upstream', async () => {
    const containerd: Containerd = await startContainerd();
    const port = await freePort();
    const serve = ['serve', `bundle:${disk()}/`, '--listen', `127.0.0.1:${port}`, '--no-patch'];
    const child: ChildProcess = spawn(process.execPath, [airgapProgram, ...serve], { stdio: 'ignore', cwd: folder });
    try {
      await untilListening(port, child);
      for (const registry of ['registry.k8s.io', 'ghcr.io', 'docker.io']) {
        await mkdir(join(folder, 'hosts', registry), { recursive: true });
        const text = `server = "https://${registry}"\n[host."http://127.0.0.1:${port}"]\n  capabilities = ["pull", "resolve"]\n`;
        await writeFile(join(folder, 'hosts', registry, 'hosts.toml'), text);
      }
      const pulled = [
        'registry.k8s.io/pause:3.10',
        'ghcr.io/siderolabs/kubelet:v1.37.1',
        'docker.io/grafana/loki:3.9.0',
      ];
      for (const line of pulled) {
        succeeded(await containerd.pull(line, join(folder, 'hosts')));
        const expected = images.find((image) => image.line === line);
        const tag = line.slice(line.lastIndexOf(':') + 1);
        expect((await containerd.images()).get(line)).toBe(expected?.tags.get(tag as never));
      }
    } finally {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      await containerd.stop();
    }
  });

  it('is read by tar as what it is', async () => {
    const [first = ''] = (await readdir(disk())).sort();
    const names = (await output(['tar', 'tf', join(disk(), first)])).split('\n');
    expect(names.slice(0, 3)).toEqual(['oci-layout', 'index.json', 'airgap/set.json']);
    expect(names).toContain('airgap.lock');
  });
});
