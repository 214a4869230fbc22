import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type RunningServer, serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { pushExtensionCatalogue } from '../../catalogues/images.ts';
import { seedCosignTag, seedReferrer } from '../../support/seedAttached.ts';
import { seedImage } from '../../support/seedImages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

const pause = 'registry.k8s.io/pause:3.10.2';
const kubelet = 'ghcr.io/siderolabs/kubelet:v1.37.1';
const fixture = fileURLToPath(new URL('../../../fixtures/image-cache/talos-v1.13.9', import.meta.url));
let upstream: RunningServer;
let folder: WorkFolder;

beforeAll(async () => {
  const store = openMemory();
  const platforms = ['linux/amd64', 'linux/arm64'];
  const image = await seedImage(store, pause, { platforms });
  await seedCosignTag(store, image);
  await seedReferrer(store, image);
  await seedImage(store, kubelet, { platforms, layers: ['kubelet {platform}'] });
  await seedImage(store, 'ghcr.io/untyped:1', { withoutMediaType: true });
  upstream = await serveStore(store);
});

afterAll(() => upstream.close());

beforeEach(() => {
  folder = workFolder();
});

afterEach(() => folder.remove());

const mirror = (to: string, ...more: readonly string[]) =>
  folder.airgap(['mirror', pause, kubelet, '--source-endpoint', `*=${upstream.url}`, '--to', to, ...more]);

/** The flat cache in the OCI form. */
const pack = (...more: readonly string[]) =>
  folder.airgap([
    'mirror',
    ...['--from', 'image-cache:cache', '--to', 'image-cache-oci:packed', '--lock', 'packed.lock'],
    ...more,
  ]);

describe('airgap mirror --to image-cache:DIR', () => {
  it('writes the flat form with every signature, and says what nodes need', async () => {
    const ran = await mirror('image-cache:cache');
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(readdirSync(folder.file('cache')).sort()).toEqual(['blob', 'manifests']);
    const tags = readdirSync(folder.file('cache/manifests/registry.k8s.io/pause/reference')).sort();
    // The image, cosign's signature, and the list of referrers for registries without the API: a node has no other.
    expect(tags).toEqual([
      '3.10.2',
      expect.stringMatching(/^sha256-[0-9a-f]{64}$/),
      expect.stringMatching(/^sha256-[0-9a-f]{64}\.sig$/),
    ]);
    expect(ran.stdout).toMatch(
      /^image cache: [\d.]+ kB \(flat form\); nodes need a volume IMAGECACHE of 500 MB for it$/m,
    );
    expect(ran.stdout).toContain('talosctl image cache-serve --image-cache-path cache --address :5000');
    const patch = folder
      .read('airgap-image-cache.yaml')
      .split('---\n')
      .map((text) => parse(text));
    expect(patch).toEqual([
      { apiVersion: 'v1alpha1', kind: 'ImageCacheConfig', local: { enabled: true } },
      expect.objectContaining({
        kind: 'VolumeConfig',
        name: 'IMAGECACHE',
        provisioning: { diskSelector: { match: 'system_disk' }, minSize: '500MB', maxSize: '500MB' },
      }),
    ]);
    const again = await mirror('image-cache:cache');
    expect(again.stdout).toContain('copied    nothing: everything was in place');
  });

  it('is verified, checked, and mirrored out of, in both forms', async () => {
    await mirror('image-cache:cache');
    const packed = await pack();
    expect([packed.status, packed.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(packed.stdout).toContain('iso --image-cache /image-cache');
    for (const [argv, said] of [
      [['verify', '--to', 'image-cache:cache', '--deep'], 'verified 2 images: 9 manifests'],
      [['verify', '--to', 'image-cache:packed', '--lock', 'packed.lock', '--deep'], 'verified 2 images: 9 manifests'],
      [['check', 'image-cache:cache'], 'everything is right'],
      [['check', 'cache'], 'everything is right'],
      [['check', 'image-cache-oci:packed'], 'everything is right'],
      [['mirror', '--from', 'image-cache:packed', '--to', 'oci:layout', '--lock', 'layout.lock'], '2 complete'],
      [['plan', pause, '--from', 'image-cache:packed', '--to', 'image-cache:new'], 'images   1'],
    ] as const) {
      const ran = await folder.airgap(argv);
      expect([argv, ran.status, ran.stdout + ran.stderr]).toEqual([argv, 0, expect.stringContaining(said)]);
    }
    const again = await pack();
    expect(again.stdout).toContain('OCI form, as it was: nothing was new');
    const told = await pack('--json');
    expect(JSON.parse(told.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      imageCache: { form: 'oci', isNew: false, volumeBytes: 500_000_000 },
    });
  });

  it('writes what the release knows, and warns about one without an image cache', async () => {
    await mirror('image-cache:cache', '--talos-version', 'v1.13.9');
    expect(parse(folder.read('airgap-image-cache.yaml').split('---\n')[0] ?? '')).toEqual({
      machine: { features: { imageCache: { localEnabled: true } } },
    });
    const old = await mirror('image-cache:old', '--talos-version', 'v1.8.4', '--lock', 'old.lock');
    expect(old.stderr + old.stdout).toContain('Talos v1.8.4 has no image cache: nodes have one from v1.9.0 on');
    expect(existsSync(folder.file('old-image-cache.yaml'))).toBe(false);
  });

  it('warns of manifests that nodes of the release may not take', async () => {
    const from = ['--source-endpoint', `*=${upstream.url}`, '--to', 'image-cache:cache'];
    const old = await folder.airgap(['mirror', 'ghcr.io/untyped:1', ...from, '--talos-version', 'v1.9.6']);
    expect(old.stdout + old.stderr).toMatch(
      /1 manifest without a media type of its own \(ghcr\.io\/untyped@sha256:\w+\): nodes before v1\.13\.9/,
    );
    const recent = await folder.airgap(['mirror', 'ghcr.io/untyped:1', ...from, '--talos-version', 'v1.14.4']);
    expect(recent.stdout + recent.stderr).not.toContain('media type');
  });

  it('serves one to who asks by upstream name, in either form', async () => {
    await mirror('image-cache:cache');
    await pack();
    for (const place of ['cache', 'image-cache:cache', 'image-cache:packed']) {
      const stop = new AbortController();
      const port = await freePort();
      const running = folder.airgap(['serve', place, '--listen', `127.0.0.1:${port}`, '--json'], {
        signal: stop.signal,
      });
      const url = `http://127.0.0.1:${port}/v2/pause/manifests/3.10.2?ns=registry.k8s.io`;
      const answer = await askUntilUp(url);
      stop.abort();
      const ran = await running;
      expect([place, answer.status, JSON.parse(ran.stdout.split('\n')[0] ?? '')]).toMatchObject([
        place,
        200,
        { kind: 'image-cache', images: 2 },
      ]);
    }
    const refused = await folder.airgap(['serve', 'image-cache:cache', '--writable']);
    expect(refused.stderr).toContain('an image cache is served as it is');
  });

  it('finds what is missing and damaged in one', async () => {
    await mirror('image-cache:cache');
    const blobs = folder.file('cache/blob');
    const [first = '', second = ''] = readdirSync(blobs);
    rmSync(join(blobs, first));
    writeFileSync(join(blobs, second), 'damaged');
    const verified = await folder.airgap(['verify', '--to', 'image-cache:cache']);
    expect(verified.status).toBe(5);
    expect(verified.stderr + verified.stdout).toContain('airgap mirror');
    const checked = await folder.airgap(['check', 'image-cache:cache']);
    expect(checked.status).toBe(5);
    const repaired = await mirror('image-cache:cache', '--recheck');
    expect(repaired.status).toBe(0);
    expect((await folder.airgap(['check', 'image-cache:cache'])).status).toBe(0);
  });

  it('prints repairs that repair: a blob of the right size and the wrong bytes, a manifest, and a cache of the other form', async () => {
    await mirror('image-cache:cache');
    const [blob = ''] = readdirSync(folder.file('cache/blob'));
    const digests = folder.file('cache/manifests/ghcr.io/siderolabs/kubelet/digest');
    for (const file of [folder.file(`cache/blob/${blob}`), ...readdirSync(digests).map((name) => join(digests, name))])
      writeFileSync(file, Buffer.alloc(statSync(file).size, 'x'));
    const found = await folder.airgap(['verify', '--to', 'image-cache:cache', '--deep']);
    expect([found.status, found.stderr]).toEqual([
      5,
      expect.stringContaining(`repair: rm cache/blob/${blob} && airgap mirror `),
    ]);
    rmSync(folder.file(`cache/blob/${blob}`));
    expect((await mirror('image-cache:cache', '--recheck')).status).toBe(0);
    expect((await folder.airgap(['check', 'image-cache:cache'])).status).toBe(0);
    await mirror('image-cache-oci:form');
    const other = await folder.airgap(['verify', 'ghcr.io/none/here:1', '--to', 'image-cache:form']);
    expect(other.stderr).toContain("repair: airgap mirror 'ghcr.io/none/here:1' --to image-cache-oci:form --recheck");
  });

  it('is checked whole where images share a manifest, without its lock too', async () => {
    const store = openMemory();
    const images = ['v1.13.9', 'v1.14.4'].map((version) => `ghcr.io/siderolabs/extensions:${version}`);
    for (const version of ['v1.13.9', 'v1.14.4']) await pushExtensionCatalogue(store, version, version);
    const catalogues = await serveStore(store);
    const from = ['--source-endpoint', `*=${catalogues.url}`];
    expect((await folder.airgap(['mirror', ...images, ...from, '--to', 'image-cache:cache'])).status).toBe(0);
    await catalogues.close();
    rmSync(folder.file('airgap.lock'));
    const checked = await folder.airgap(['check', 'image-cache:cache']);
    // Of each an index and two platforms, and one attestation of both.
    expect(checked.stdout).toContain('2 images, 7 manifests');
    expect(checked.stdout).not.toContain('not here');
  });

  it('takes what talosctl cached for one platform, and says what is absent of the others', async () => {
    const from = `image-cache:${fixture}`;
    const whole = await folder.airgap(['mirror', '--from', from, '--to', 'oci:whole', '--lock', 'whole.lock']);
    expect(whole.status).toBe(6);
    expect(whole.stderr).toMatch(/error: Cannot find ".*kubelet@sha256:\w+": it is not in image cache/);
    expect(whole.stderr).toMatch(/hint: talosctl caches one platform .* --platform linux\/amd64, with --narrow where/m);
    const one = await folder.airgap([
      'mirror',
      '--from',
      from,
      '--to',
      'oci:one',
      '--lock',
      'one.lock',
      '--platform',
      'linux/amd64',
    ]);
    expect([one.status, one.stdout]).toEqual([0, expect.stringContaining('3 complete')]);
  });

  it.each([
    [['--to', 'image-cache:'], /it names no directory/],
    [['--to', 'image-cache:cache', '--prefix-by-registry'], /--prefix-by-registry with an image cache/],
    [['--from', 'image-cache:x', '--to', 'image-cache-oci:x'], /into itself/],
    [['--from', 'image-cache:nowhere', '--to', 'oci:y'], /image cache ".*nowhere": it does not exist/],
  ])('refuses %j', async (more, message) => {
    const ran = await folder.airgap(['mirror', pause, ...more]);
    expect([ran.status, ran.stderr]).toEqual([expect.any(Number), expect.stringMatching(message)]);
    expect(ran.status).toBeGreaterThan(0);
  });
});

async function askUntilUp(url: string): Promise<Response> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await fetch(url);
    } catch (error) {
      if (attempt === 200) throw error;
      await wait(25);
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
