import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkCacheRoom } from '../../src/cli/image-cache/cache-room.ts';
import { cacheLines, cacheSteps } from '../../src/cli/image-cache/cache-text.ts';
import { cachePatch, volumeMegabytes } from '../../src/cli/image-cache/node-volume.ts';
import { openImageCache } from '../../src/store/image-cache/open.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import { seedImage } from '../support/seedImages.ts';

describe('the volume for an image cache', () => {
  it.each([
    [0, 500],
    [400_000_000, 500],
    [500_000_000, 600],
    [1_000_000_000, 1200],
    [2_600_000_000, 3200],
  ])('for %i bytes has %i MB', (bytes, megabytes) => {
    expect(volumeMegabytes(bytes)).toBe(megabytes);
    expect(cachePatch(parseTalosVersion('v1.14.4'), bytes)).toContain(
      `minSize: ${megabytes}MB\n    maxSize: ${megabytes}MB\n`,
    );
  });

  it('is said to be larger than the default where it is', () => {
    const version = parseTalosVersion('v1.14.4');
    const cache = { form: 'oci', isNew: true, version, patch: '/site/a-image-cache.yaml' } as const;
    expect(cacheLines({ ...cache, bytes: 2_600_000_000 }, '/site')).toEqual([
      'image cache: 2.6 GB (OCI form, one layer); nodes need a volume IMAGECACHE of 3200 MB for it; the 1 GB it has by default is too small',
      'wrote a-image-cache.yaml: that volume, and the setting that turns the cache on',
    ]);
    expect(cacheLines({ ...cache, bytes: 800_000_000 }, '/site')[0]).not.toContain('too small');
    const [iso] = cacheSteps({ ...cache, bytes: 1 }, { kind: 'image-cache', directory: 'my cache', form: 'oci' });
    expect(iso?.[0]).toContain("-v './my cache':/image-cache:ro ghcr.io/siderolabs/imager:v1.14.4");
  });

  it('is none for releases without an image cache', () => {
    expect(cachePatch(parseTalosVersion('v1.8.4'), 1)).toBeUndefined();
    expect(cachePatch(parseTalosVersion('v1.9.0'), 1)).toContain('localEnabled: true');
  });
});

describe('room for an image cache', () => {
  it('is refused before the first byte where there is none, twice the size for the OCI form', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'airgap-room-'));
    const at = (form: 'flat' | 'oci') => ({ kind: 'image-cache', directory, form }) as const;
    const tooMuch = { cwd: directory, bytes: 2 ** 60 };
    for (const form of ['flat', 'oci'] as const) {
      await expect(checkCacheRoom(at(form), tooMuch)).rejects.toMatchObject({
        code: 'ERR_NO_SPACE',
        hint: expect.stringContaining('image-cache:DIR'),
      });
      await checkCacheRoom(at(form), { cwd: directory, bytes: 1000 });
    }
    const cache = await openImageCache(directory, { write: true, form: 'oci' });
    await seedImage(cache, 'ghcr.io/a:v1');
    await cache.seal();
    await cache.close();
    await checkCacheRoom(at('oci'), { cwd: directory, bytes: 0 });
    rmSync(directory, { recursive: true });
  });
});
