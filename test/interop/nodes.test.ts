/** What a cluster does with what we wrote: containerd pulls through the emitted configuration, from a registry and from `airgap serve`. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostsToml } from '../../src/emit/hosts-toml.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import { readMirrors } from '../support/asNode.ts';
import { airgap, airgapProgram } from './support/airgap.ts';
import { type Containerd, startContainerd } from './support/containerd.ts';
import { type DockerRegistry, freePort, startDockerRegistry, untilListening } from './support/dockerRegistry.ts';
import { missing, output, titled } from './support/programs.ts';
import { type ListedImage, seedRegistry } from './support/seededRegistry.ts';
import { copyAll, manifestDigest, manifestDigests } from './support/skopeo.ts';

const reason = missing('docker-registry', 'skopeo', 'containerd', 'ctr');
const pause = 'registry.k8s.io/pause:3.10';

/**
 * The files Talos would write for containerd. Debian's containerd 1.6 passes over a file that has only `server`, which is what
 * Talos writes without fallback, so the fallback is left in: there is no internet here to fall back to.
 */
async function writeHosts(folder: string, patch: string): Promise<string> {
  const mirrors = readMirrors(await readFile(patch, 'utf8'));
  const version = parseTalosVersion('v1.14.4');
  for (const file of hostsToml(
    mirrors.map((mirror) => ({ ...mirror, skipFallback: false })),
    { version },
  )) {
    const path = join(folder, 'hosts', file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.text);
  }
  return join(folder, 'hosts');
}

/** `airgap serve` on a free port until `use` is done. */
async function whileServing(layout: string, use: (host: string) => Promise<void>): Promise<void> {
  const port = await freePort();
  const child = spawn(process.execPath, [airgapProgram, 'serve', layout, '--listen', `127.0.0.1:${port}`], {
    stdio: 'ignore',
  });
  try {
    await untilListening(port, child);
    await use(`127.0.0.1:${port}`);
  } finally {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }
}

describe.skipIf(reason !== undefined)(titled('a node with the emitted configuration', reason), () => {
  let source: DockerRegistry;
  let images: ListedImage[];
  let containerd: Containerd;
  let folder: string;
  const rootOf = (line: string) => [...(images.find((image) => image.line === line)?.tags.values() ?? [])][0];
  const mirror = async (...args: string[]) => {
    const run = await airgap(['mirror', ...args, '--source-endpoint', `*=${source.url}`], { cwd: folder });
    expect(run, run.stdout + run.stderr).toMatchObject({ status: 0 });
  };

  beforeAll(async () => {
    source = await startDockerRegistry();
    images = await seedRegistry(source);
    containerd = await startContainerd();
    folder = await mkdtemp(join(tmpdir(), 'airgap-nodes-'));
  });
  afterAll(async () => {
    await Promise.all([source?.stop(), containerd?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ['one mirror for every registry', []],
    ['one mirror per registry', ['--per-registry']],
    ['one prefix per registry', ['--prefix-by-registry']],
  ])('pulls through %s', async (_, flags) => {
    const target = await startDockerRegistry();
    await mirror(
      pause,
      'nginx:1.27',
      '--to',
      target.url,
      '--lock',
      `${target.host}.lock`,
      '--patch',
      'patch.yaml',
      ...flags,
    );
    const hosts = await writeHosts(await mkdtemp(join(folder, 'node-')), join(folder, 'patch.yaml'));
    await target.forget();
    for (const image of [pause, 'docker.io/library/nginx:1.27']) {
      const pulled = await containerd.pull(image, hosts);
      expect(pulled, pulled.stderr).toMatchObject({ status: 0 });
    }
    const digests = await containerd.images();
    expect(digests.get(pause)).toBe(rootOf(pause));
    expect(digests.get('docker.io/library/nginx:1.27')).toBe(rootOf('nginx:1.27'));
    const asked = await target.log();
    expect(asked.some(({ path }) => path.includes('ns=registry.k8s.io'))).toBe(true);
    expect(asked.filter(({ status }) => status >= 400)).toEqual([]);
    await containerd.forget();
    await target.stop();
  });

  it('pulls from a served layout, as skopeo does, and skopeo reads the layout itself', async () => {
    const port = await freePort();
    const lines = images.map(({ line }) => line);
    await mirror(
      ...lines,
      '--to',
      'oci:layout',
      '--endpoint',
      `http://127.0.0.1:${port}`,
      '--lock',
      'layout.lock',
      '--patch',
      'layout.yaml',
    );

    await whileServing(join(folder, 'layout'), async (host) => {
      for (const { repository, tags } of images) {
        for (const [tag, digest] of tags) expect((await manifestDigests(`${host}/${repository}`, tag))[0]).toBe(digest);
      }
      const copy = join(folder, 'copied');
      await copyAll(`docker://${host}/siderolabs/kubelet:v1.37.1`, `oci:${copy}:kubelet`);
      const patch = (await readFile(join(folder, 'layout.yaml'), 'utf8')).replaceAll(`127.0.0.1:${port}`, host);
      await writeFile(join(folder, 'served.yaml'), patch);
      const hosts = await writeHosts(await mkdtemp(join(folder, 'node-')), join(folder, 'served.yaml'));
      const pulled = await containerd.pull(pause, hosts);
      expect(pulled, pulled.stderr).toMatchObject({ status: 0 });
      expect((await containerd.images()).get(pause)).toBe(rootOf(pause));
    });

    const index = JSON.parse(await readFile(join(folder, 'layout', 'index.json'), 'utf8')) as {
      manifests: { digest: string; annotations?: Record<string, string> }[];
    };
    const named = index.manifests.find(({ digest }) => digest === rootOf(pause));
    const name = named?.annotations?.['org.opencontainers.image.ref.name'] ?? '';
    expect(await manifestDigest(`oci:${join(folder, 'layout')}:${name}`)).toBe(rootOf(pause));
    await output([
      'skopeo',
      'copy',
      '--all',
      '--quiet',
      `oci:${join(folder, 'layout')}:${name}`,
      `dir:${join(folder, 'dir')}`,
    ]);
  });

  it('is told the truth by verify when the registry lost a blob', async () => {
    const target = await startDockerRegistry();
    await mirror(pause, '--to', target.url, '--lock', 'lost.lock', '--patch', 'lost.yaml');
    const [lost = ''] = images.find(({ line }) => line === pause)?.blobs.keys() ?? [];
    const hex = lost.slice('sha256:'.length);
    await rm(join(target.storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex), { recursive: true });
    await target.restart();
    const verified = await airgap(['verify', 'lost.lock'], { cwd: folder });
    expect(verified.status).toBe(5);
    expect(verified.stdout + verified.stderr).toContain(pause);
    await mirror(pause, '--to', target.url, '--lock', 'lost.lock', '--patch', 'lost.yaml', '--recheck');
    expect(await airgap(['verify', '--deep', 'lost.lock'], { cwd: folder })).toMatchObject({ status: 0 });
    await target.stop();
  });
});
