/** From one real docker-registry into another, in each way a registry can be reached; skopeo is the witness. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { blobReads, writes } from './support/accessLog.ts';
import { airgap } from './support/airgap.ts';
import { type Certificates, makeCertificates } from './support/certificates.ts';
import { type DockerRegistry, registryUser, startDockerRegistry } from './support/dockerRegistry.ts';
import { missing, type RunOptions, titled } from './support/programs.ts';
import { type ListedImage, seedRegistry } from './support/seededRegistry.ts';
import { manifestDigest, manifestDigests } from './support/skopeo.ts';
import { startTokenService, type TokenService } from './support/tokenService.ts';

const reason = missing('docker-registry', 'skopeo', 'openssl');
const credentials = `${registryUser.name}:${registryUser.password}`;

interface Ends {
  readonly source: DockerRegistry;
  readonly target: DockerRegistry;
  readonly flags?: readonly string[];
  readonly options?: RunOptions;
  /** For skopeo, at the target. */
  readonly credentials?: string;
}

interface World {
  /** Open to everybody, full. */
  readonly plain: DockerRegistry;
  readonly certificates: Certificates;
  readonly tokens: TokenService;
  readonly images: readonly ListedImage[];
}

/** The ways in which source and target differ from test to test. */
const ways: Readonly<Record<string, (world: World, folder: string) => Promise<Ends>>> = {
  'plain HTTP to plain HTTP': async ({ plain }) => ({
    source: await startDockerRegistry({ storage: plain.storage }),
    target: await startDockerRegistry(),
  }),
  'TLS with an own authority to TLS with a password': async ({ plain, certificates }, folder) => {
    const target = await startDockerRegistry({ tls: certificates, auth: 'htpasswd' });
    const source = await startDockerRegistry({ storage: plain.storage, tls: certificates });
    return { source, target, flags: ['--ca', certificates.ca], options: await authFile(folder, [target]), credentials };
  },
  'password to plain HTTP': async ({ plain }, folder) => {
    const source = await startDockerRegistry({ storage: plain.storage, auth: 'htpasswd' });
    return { source, target: await startDockerRegistry(), options: await authFile(folder, [source]) };
  },
  'token service to token service': async ({ plain, tokens }, folder) => {
    const source = await startDockerRegistry({ storage: plain.storage, auth: tokens });
    const target = await startDockerRegistry({ auth: tokens });
    return { source, target, options: await authFile(folder, [source, target]), credentials };
  },
};

async function authFile(folder: string, registries: readonly DockerRegistry[]): Promise<RunOptions> {
  const file = join(folder, 'auth.json');
  const auth = Buffer.from(credentials).toString('base64');
  await writeFile(file, JSON.stringify({ auths: Object.fromEntries(registries.map(({ host }) => [host, { auth }])) }));
  return { env: { REGISTRY_AUTH_FILE: file } };
}

function allBlobs(images: readonly ListedImage[]): Map<string, number> {
  return new Map(images.flatMap(({ blobs }) => [...blobs]));
}

describe.skipIf(reason !== undefined)(titled('airgap mirror between docker-registry instances', reason), () => {
  let world: World;
  beforeAll(async () => {
    const plain = await startDockerRegistry();
    world = {
      plain,
      certificates: await makeCertificates(),
      tokens: await startTokenService({ user: registryUser }),
      images: await seedRegistry(plain),
    };
  });
  afterAll(async () => {
    await world?.plain.stop();
    await world?.tokens.stop();
  });

  describe.each(Object.keys(ways))('%s', (name) => {
    let folder: string;
    let ends: Ends;
    const mirror = (...more: string[]) =>
      airgap(
        [
          'mirror',
          'images.txt',
          '--to',
          ends.target.url,
          '--source-endpoint',
          `*=${ends.source.url}`,
          ...(ends.flags ?? []),
          ...more,
        ],
        { cwd: folder, ...ends.options },
      );

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'airgap-interop-'));
      await writeFile(join(folder, 'images.txt'), `# images\n${world.images.map(({ line }) => line).join('\n')}\n`);
      ends = (await ways[name]?.(world, folder)) as Ends;
    });
    afterEach(async () => {
      await Promise.all([ends.source.stop(), ends.target.stop()]);
      await rm(folder, { recursive: true, force: true });
    });

    it('copies every image with identical digests, each blob once, and has nothing to do afterwards', async () => {
      const dry = await mirror('--dry-run');
      expect(dry, dry.stderr).toMatchObject({ status: 0 });
      expect(writes(await ends.target.log())).toEqual([]);
      expect(blobReads(await ends.source.log()).size).toBe(0);

      await ends.source.forget();
      const first = await mirror();
      expect(first, first.stdout + first.stderr).toMatchObject({ status: 0 });
      const reads = blobReads(await ends.source.log());
      const wanted = [...allBlobs(world.images)].map(([digest, bytes]) => [digest, { requests: 1, bytes }]);
      expect(Object.fromEntries(reads)).toEqual(Object.fromEntries(wanted));
      await expectSameAtTarget(world.images, ends);

      const verified = await airgap(['verify', '--deep', ...(ends.flags ?? [])], { cwd: folder, ...ends.options });
      expect(verified, verified.stdout + verified.stderr).toMatchObject({ status: 0 });

      await ends.source.forget();
      await ends.target.forget();
      const second = await mirror();
      expect(second, second.stderr).toMatchObject({ status: 0 });
      expect(blobReads(await ends.source.log()).size).toBe(0);
      expect(writes(await ends.target.log())).toEqual([]);

      await rm(join(folder, 'airgap.lock'));
      const third = await mirror();
      expect(third, third.stderr).toMatchObject({ status: 0 });
      expect(blobReads(await ends.source.log()).size).toBe(0);
    });
  });
});

/** Every tag, root and child, read by skopeo from source and target. */
async function expectSameAtTarget(images: readonly ListedImage[], ends: Ends): Promise<void> {
  const options = ends.credentials === undefined ? {} : { credentials: ends.credentials };
  for (const { repository, tags, manifests } of images) {
    const found = new Set<string>();
    for (const [tag, digest] of tags) {
      const digests = await manifestDigests(`${ends.target.host}/${repository}`, tag, options);
      expect(digests[0], `${repository}:${tag}`).toBe(digest);
      for (const each of digests) found.add(each);
    }
    for (const digest of manifests) {
      if (found.has(digest)) continue;
      expect(await manifestDigest(`docker://${ends.target.host}/${repository}@${digest}`, options)).toBe(digest);
    }
  }
}

describe.skipIf(reason !== undefined)(titled('airgap mirror without the right credentials', reason), () => {
  it('fails with exit status 3 and names the host, and writes nothing', async () => {
    const source = await startDockerRegistry({ auth: 'htpasswd' });
    const target = await startDockerRegistry();
    const folder = await mkdtemp(join(tmpdir(), 'airgap-interop-'));
    const result = await airgap(
      ['mirror', 'ghcr.io/app/policy:1', '--to', target.url, '--source-endpoint', `*=${source.url}`],
      { cwd: folder },
    );
    expect(result.status).toBe(3);
    expect(result.stderr).toContain(source.host);
    expect(writes(await target.log())).toEqual([]);
    await Promise.all([source.stop(), target.stop(), rm(folder, { recursive: true, force: true })]);
  });
});
