import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hexOf } from '../../../src/oci/digest.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import { seedImage } from '../../support/seedImages.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-removal-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const name = { registry: 'ghcr.io', repository: 'a/b' };
const indexText = () => readFile(join(directory, 'index.json'), 'utf8');

describe('removing from a layout', () => {
  it('is on disk when it resolves, and the files stay for who needs them', async () => {
    const layout = await openLayout(directory, { create: true });
    const image = await seedImage(layout, 'ghcr.io/a/b:v1', { layers: ['one'] });
    const bytes = await layout.repository(name).manifest(image.root.digest);
    const other = { registry: 'quay.io', repository: 'a/b' };
    await layout.repository(other).pushManifest(bytes.descriptor, bytes.bytes, { tag: parseTag('v1') });
    expect(await layout.repository(name).removeManifest?.(image.root.digest)).toBe(true);
    expect(await indexText()).not.toContain('ghcr.io/a/b');
    expect(await indexText()).toContain('quay.io/a/b:v1');
    expect((await layout.repository(other).manifest(parseTag('v1'))).descriptor).toEqual(image.root);
    await expect(layout.repository(name).removeBlob?.(image.root.digest)).rejects.toMatchObject({ code: 'ERR_DENIED' });
    await layout.repository(other).removeManifest?.(image.root.digest);
    expect(await layout.repository(name).removeBlob?.(image.root.digest)).toBe(true);
    await layout.close();
    await expect(readFile(join(directory, 'blobs', 'sha256', hexOf(image.root.digest)))).rejects.toThrow('ENOENT');
  });

  it('touches nothing that entries of other tools name', async () => {
    const layout = await openLayout(directory, { create: true });
    const image = await seedImage(layout, 'ghcr.io/a/b:v1', { layers: ['one'] });
    await layout.close();
    const index = JSON.parse(await indexText());
    index.manifests[0].annotations = { 'org.opencontainers.image.ref.name': 'latest' };
    await writeFile(join(directory, 'index.json'), JSON.stringify(index));
    const again = await openLayout(directory);
    const repository = again.repository(name);
    await expect(repository.removeManifest?.(image.root.digest)).rejects.toMatchObject({ code: 'ERR_DENIED' });
    for (const { digest } of image.blobs) {
      await expect(repository.removeBlob?.(digest)).rejects.toMatchObject({ code: 'ERR_DENIED' });
    }
    await again.close();
  });

  it('is refused in a layout that is open for reading', async () => {
    await (await openLayout(directory, { create: true })).close();
    const repository = (await openLayout(directory, { readOnly: true })).repository(name);
    await expect(repository.removeTag?.(parseTag('v1'))).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    await expect(repository.receive?.()).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
  });
});
