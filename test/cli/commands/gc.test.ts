import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import { contentOfBytes } from '../../../src/store/verified.ts';
import { seedImage } from '../../support/seedImages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

let folder: WorkFolder;
beforeEach(async () => {
  folder = workFolder();
  const layout = await openLayout(folder.file('airgap-mirror'), { create: true });
  const bytes = Buffer.alloc(2_000_000, 1);
  const descriptor = { mediaType: mediaTypes.octetStream, digest: digestOf(bytes), size: bytes.length };
  const image = await seedImage(layout, 'ghcr.io/a/b:v1');
  await seedImage(layout, 'ghcr.io/a/old:v1', { byDigest: true, layers: ['old'] });
  await layout.repository(image.reference).push(descriptor, contentOfBytes(descriptor, bytes));
  await layout.close();
});
afterEach(() => folder.remove());

describe('airgap gc', () => {
  it('lists in an aligned table what would go, removes nothing, and says how to', async () => {
    const ran = await folder.airgap(['gc']);
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(
      /^blob {2}sha256:[0-9a-f]{64} {2}2\.0 MB\n1 thing of 2\.0 MB would go; 2 manifests and \d other blobs of [\d.]+ kB stay\nnothing was removed: add --yes to do so\n$/,
    );
    expect((await folder.airgap(['gc', 'oci:airgap-mirror'])).stdout).toBe(ran.stdout);
  });

  it('removes with --yes, then finds nothing', async () => {
    const ran = await folder.airgap(['gc', 'airgap-mirror', '--untagged', '--yes']);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toMatch(/^untagged {2}ghcr\.io\/a\/old@sha256:/);
    expect(ran.stdout).toMatch(
      /\nremoved \d things of 2\.0 MB; 1 manifest and \d other blobs of [\d.]+ (kB|B) stay\n$/,
    );
    expect((await folder.airgap(['gc', '--untagged'])).stdout).toMatch(/^nothing to remove: 1 manifest and /);
    expect((await folder.airgap(['gc', '--yes', '--quiet'])).stdout).toBe('');
  });

  it('tells programs everything in JSON', async () => {
    const ran = await folder.airgap(['gc', '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      directory: folder.file('airgap-mirror'),
      removed: false,
      bytes: 2_000_000,
      items: [{ kind: 'blob', size: 2_000_000 }],
      kept: { manifests: 2 },
    });
  });

  it('is refused with 2 for what is no layout, for a registry, and beside a writer', async () => {
    mkdirSync(folder.file('empty'));
    for (const what of ['empty', 'absent', 'https://harbor.site', 'bundle:x.tar']) {
      const ran = await folder.airgap(['gc', what]);
      expect([ran.status, ran.stdout], what).toEqual([2, '']);
      expect(ran.stderr, what).toMatch(/^error: Cannot /);
      expect(ran.stderr, what).not.toContain('JSON');
    }
    const layout = await openLayout(folder.file('airgap-mirror'));
    const ran = await folder.airgap(['gc', '--yes']);
    await layout.close();
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain('is writing to it');
  });
});
