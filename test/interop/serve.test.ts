/** `airgap serve` asked by programs of others: containerd and skopeo over TLS with our own authority, with users, from a bundle. */
import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { hashSync } from 'bcryptjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { airgap, airgapProgram } from './support/airgap.ts';
import { type Containerd, startContainerd } from './support/containerd.ts';
import { type DockerRegistry, freePort, startDockerRegistry } from './support/dockerRegistry.ts';
import { missing, run, titled } from './support/programs.ts';
import { type ListedImage, seedRegistry } from './support/seededRegistry.ts';

const reason = missing('docker-registry', 'skopeo', 'containerd', 'ctr');
const pause = 'registry.k8s.io/pause:3.10';
const kubelet = 'ghcr.io/siderolabs/kubelet:v1.37.1';

describe.skipIf(reason !== undefined)(titled('a server with its own certificate', reason), () => {
  let images: ListedImage[];
  let containerd: Containerd;
  let folder: string;
  const rootOf = (line: string) => [...(images.find((image) => image.line === line)?.tags.values() ?? [])][0];

  /** `airgap serve` on a free port until `use` is done; it has to end with 0. */
  async function whileServing(args: readonly string[], use: (host: string) => Promise<void>): Promise<void> {
    const port = await freePort();
    const host = `127.0.0.1:${port}`;
    const argv = [airgapProgram, 'serve', ...args, '--listen', host, '--self-signed', '--endpoint', `https://${host}`];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'ignore'], cwd: folder });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    try {
      await untilTold(child.stdout);
      await use(host);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await gone).toBe(0);
  }

  beforeAll(async () => {
    const source: DockerRegistry = await startDockerRegistry();
    images = await seedRegistry(source);
    containerd = await startContainerd();
    folder = await mkdtemp(join(tmpdir(), 'airgap-served-'));
    for (const to of ['bundle:talos.tar', 'oci:layout']) {
      const lock = ['--lock', `${to.replace(':', '-')}.lock`];
      const ran = await airgap(
        ['mirror', pause, kubelet, '--to', to, ...lock, '--source-endpoint', `*=${source.url}`],
        {
          cwd: folder,
        },
      );
      expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 0 });
    }
    await source.stop();
  });
  afterAll(async () => {
    await containerd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('gives containerd images of two registries from a bundle, by what is in the configuration', async () => {
    await whileServing(['bundle:talos.tar'], async (host) => {
      const hosts = await hostsFrom(join(folder, 'airgap-serve-talos.yaml'), folder);
      for (const image of [pause, kubelet]) {
        const pulled = await containerd.pull(image, hosts);
        expect(pulled, pulled.stderr).toMatchObject({ status: 0 });
        expect((await containerd.images()).get(image)).toBe(rootOf(image));
      }
      const [bare] = await Promise.all([run(['skopeo', 'inspect', '--raw', `docker://${host}/pause:3.10`])]);
      expect(bare.stderr).toMatch(/unknown authority/);
    });
  });

  it('lets skopeo log in with a password of htpasswd, and write where users may', async () => {
    await writeFile(join(folder, 'users'), `ada:${hashSync('sesame', 5).replace(/^\$2b/, '$2y')}\n`);
    const certs = join(folder, 'certs');
    await mkdir(certs, { recursive: true });
    const inspect = (host: string, ...more: string[]) => {
      return run([
        'skopeo',
        'inspect',
        '--raw',
        '--cert-dir',
        certs,
        ...more,
        `docker://${host}/siderolabs/kubelet:v1.37.1`,
      ]);
    };
    await whileServing(['layout', '--htpasswd', 'users'], async (host) => {
      await copyFile(join(folder, 'airgap-tls', 'ca.crt'), join(certs, 'ca.crt'));
      expect(await inspect(host, '--creds', 'ada:sesame')).toMatchObject({ status: 0 });
      for (const more of [['--creds', 'ada:wrong'], ['--no-creds']])
        expect((await inspect(host, ...more)).status).not.toBe(0);
    });
    await whileServing(['layout', '--writable', '--htpasswd', 'users', '--anonymous-read'], async (host) => {
      expect(await inspect(host, '--no-creds')).toMatchObject({ status: 0 });
      const push = (...more: string[]) => {
        const [from, to] = [`docker://${host}/siderolabs/kubelet:v1.37.1`, `docker://${host}/app/kubelet:copy`];
        return run([
          'skopeo',
          'copy',
          '--all',
          '--src-cert-dir',
          certs,
          '--dest-cert-dir',
          certs,
          '--src-no-creds',
          ...more,
          from,
          to,
        ]);
      };
      expect((await push('--dest-no-creds')).status).not.toBe(0);
      const pushed = await push('--dest-creds', 'ada:sesame');
      expect(pushed, pushed.stderr).toMatchObject({ status: 0 });
    });
    expect(JSON.parse(await readFile(join(folder, 'layout', 'index.json'), 'utf8')).manifests).toContainEqual(
      expect.objectContaining({ digest: rootOf(kubelet), annotations: expect.objectContaining({}) }),
    );
  });
});

/** Until everything is written and said. */
async function untilTold(stdout: Readable): Promise<void> {
  let told = '';
  for await (const chunk of stdout.setEncoding('utf8').iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    told += chunk;
    if (told.includes('Ctrl-C stops it')) return;
  }
  throw new Error(`airgap serve ended: ${told}`);
}

/** The files Talos would write for containerd from RegistryMirrorConfig and RegistryTLSConfig; Debian's containerd 1.6 needs a `[host]`. */
async function hostsFrom(patch: string, folder: string): Promise<string> {
  const documents = parseAllDocuments(await readFile(patch, 'utf8')).map((document) => document.toJS());
  const url = documents.find(({ kind }) => kind === 'RegistryMirrorConfig').endpoints[0].url;
  const { name, ca } = documents.find(({ kind }) => kind === 'RegistryTLSConfig');
  expect(url).toBe(`https://${name}`);
  const hosts = await mkdtemp(join(folder, 'node-'));
  await mkdir(join(hosts, '_default'));
  await writeFile(join(hosts, '_default', 'ca.crt'), ca);
  const text = `[host."${url}"]\n  capabilities = ["pull", "resolve"]\n  ca = "${join(hosts, '_default', 'ca.crt')}"\n`;
  await writeFile(join(hosts, '_default', 'hosts.toml'), text);
  return hosts;
}
