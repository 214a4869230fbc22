/** The guide's whole story, typed as it is read: a release's list, a real registry, the patch, the node's eyes, containerd. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { airgap, airgapProgram } from './support/airgap.ts';
import { type Containerd, startContainerd } from './support/containerd.ts';
import { type DockerRegistry, freePort, startDockerRegistry, untilListening } from './support/dockerRegistry.ts';
import { missing, type Run, titled } from './support/programs.ts';
import { seedTalosLayout } from './support/talosLayout.ts';

const reason = missing('docker-registry', 'containerd', 'ctr');
const release = 'v1.14.4';

/** A machine configuration as `talosctl gen config` writes it, shortened to what has to do with images. */
const machineConfig = `version: v1alpha1
machine:
    type: controlplane
    kubelet:
        image: ghcr.io/siderolabs/kubelet:v1.37.1
    install:
        disk: /dev/sda
        image: factory.talos.dev/metal-installer/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba:${release}
cluster:
    controlPlane:
        endpoint: https://10.5.0.10:6443
    apiServer:
        image: registry.k8s.io/kube-apiserver:v1.37.1
---
apiVersion: v1alpha1
kind: DiscoveryServiceConfig
name: default
endpoint: https://discovery.talos.dev/
`;

describe.skipIf(reason !== undefined)(titled('the air-gapped guide, from the list to the node', reason), () => {
  let site: DockerRegistry;
  let second: DockerRegistry;
  let containerd: Containerd;
  let upstream: { readonly url: string; stop(): Promise<void> };
  let folder: string;
  let images: string[];
  const typed = async (...args: string[]): Promise<Run> => {
    const ran = await airgap(args, { cwd: folder });
    expect(ran, `airgap ${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toMatchObject({ status: 0 });
    return ran;
  };
  const pulledByContainerd = (): string[] => images.filter((image) => !/installer|\/kubelet:|\/etcd:/.test(image));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-story-'));
    const [first, other, node] = await Promise.all([startDockerRegistry(), startDockerRegistry(), startContainerd()]);
    [site, second, containerd] = [first, other, node];
    await seedTalosLayout(join(folder, 'internet'));
    upstream = await serveInternet(join(folder, 'internet'));
    await writeFile(join(folder, 'controlplane.yaml'), machineConfig);
  });
  afterAll(async () => {
    await Promise.all([site?.stop(), second?.stop(), containerd?.stop(), upstream?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  it('lists the release and mirrors it into two registries', async () => {
    const { stdout } = await typed('images', '--talos', release);
    images = stdout.trim().split('\n');
    await writeFile(join(folder, 'images.txt'), stdout);
    for (const [to, lock] of [
      [site.url, 'airgap.lock'],
      [second.url, 'second.lock'],
    ] as const)
      await typed(
        'mirror',
        'images.txt',
        '--config',
        'controlplane.yaml',
        '--source-endpoint',
        `*=${upstream.url}`,
        '--to',
        to,
        '--lock',
        lock,
      );
    await upstream.stop();
  });

  it('writes the whole configuration for that release, with both registries in order', async () => {
    const endpoints = ['--endpoint', site.url, '--endpoint', second.url];
    const rest = ['--ntp', '10.0.0.1', '--dns', '10.0.0.2', '--no-discovery'];
    await typed('emit', '--talos', release, ...endpoints, ...rest, '--output', 'patch.yaml');
    const patch = await readFile(join(folder, 'patch.yaml'), 'utf8');
    expect(patch.indexOf(site.url)).toBeLessThan(patch.indexOf(second.url));
    for (const part of ['RegistryMirrorConfig', 'skipFallback: true', '10.0.0.1', '10.0.0.2'])
      expect(patch).toContain(part);
    await typed('emit', '--talos', release, ...endpoints, '--format', 'containerd', '--output-dir', 'node');
  });

  it('sees with the eyes of the node that every image is found, and what it asks', async () => {
    const eyes = ['verify', '--as', `talos@${release}`, '--config', 'controlplane.yaml', '--config', 'patch.yaml'];
    const { stdout } = await typed(...eyes);
    for (const image of images) expect(stdout).toContain(image);
    const explained = await typed(...eyes, '--explain', 'registry.k8s.io/pause:3.10.2');
    expect(explained.stdout).toContain(`${site.url}/v2/pause/manifests/3.10.2?ns=registry.k8s.io`);
  });

  it('lets containerd pull every image by its upstream name with the upstream gone', async () => {
    expect(pulledByContainerd().length).toBeGreaterThan(5);
    for (const image of pulledByContainerd()) {
      const pulled = await containerd.pull(image, await hostsFolder(folder));
      expect(pulled, `${image}\n${pulled.stderr}`).toMatchObject({ status: 0 });
    }
  });

  it('goes on with the second registry when the first is gone, and the node sees it too', async () => {
    await site.kill();
    await containerd.forget();
    for (const image of pulledByContainerd()) {
      const pulled = await containerd.pull(image, await hostsFolder(folder));
      expect(pulled, `${image}\n${pulled.stderr}`).toMatchObject({ status: 0 });
    }
    await typed('verify', '--as', `talos@${release}`, '--config', 'controlplane.yaml', '--config', 'patch.yaml');
  });

  it('finds out, as the node would, what is missing when both are gone', async () => {
    await second.kill();
    const eyes = ['verify', '--as', `talos@${release}`, '--config', 'controlplane.yaml', '--config', 'patch.yaml'];
    const ran = await airgap(eyes, { cwd: folder });
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 5 });
    for (const image of images) expect(ran.stdout + ran.stderr).toContain(image);
    const pulled = await containerd.pull(pulledByContainerd()[0] ?? '', await hostsFolder(folder));
    expect(pulled.status).not.toBe(0);
  });
});

/** Where `--format containerd` put its tree. */
async function hostsFolder(folder: string): Promise<string> {
  for (const place of ['node/certs.d', 'node/containerd/certs.d', 'node']) {
    const found = await stat(join(folder, place, '_default')).catch(() => undefined);
    if (found?.isDirectory() === true) return join(folder, place);
  }
  throw new Error('no tree of hosts.toml files was written');
}

/** The program serves what stands for the internet, in a process of its own. */
async function serveInternet(layout: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const args = [airgapProgram, 'serve', layout, '--listen', `127.0.0.1:${port}`, '--no-patch'];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  await untilListening(port, child);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}
