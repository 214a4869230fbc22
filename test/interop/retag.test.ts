/** airgap.yaml with a retag against a real docker-registry: there, again, out in a bundle and into another; skopeo is the witness. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { type WorkFolder, workFolder } from '../cli/airgap.ts';
import type { SeededImage } from '../support/pile.ts';
import { seedCosignTag } from '../support/seedAttached.ts';
import { seedImage } from '../support/seedImages.ts';
import { writes } from './support/accessLog.ts';
import { type DockerRegistry, startDockerRegistry } from './support/dockerRegistry.ts';
import { missing, titled } from './support/programs.ts';
import { manifestDigest } from './support/skopeo.ts';

const reason = missing('docker-registry', 'skopeo');
const source = 'ghcr.io/site/app:1';

describe.skipIf(reason !== undefined)(titled('an image at a place of its own in docker-registry', reason), () => {
  let upstream: RunningServer;
  let image: SeededImage;
  let registries: readonly DockerRegistry[];
  let folder: WorkFolder;

  beforeAll(async () => {
    const store = openMemory();
    image = await seedImage(store, source, { platforms: ['linux/amd64', 'linux/arm64'] });
    await seedCosignTag(store, image);
    upstream = await serveStore(store);
    registries = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    folder = workFolder();
    folder.write(
      'airgap.yaml',
      `version: 1
images:
  retag: {'${source}': front/app:blue}
source:
  endpoints: {'*': '${upstream.url}'}
target:
  to: ${registries[0]?.url}/infra
`,
    );
  });
  afterAll(async () => {
    folder?.remove();
    await Promise.all([upstream?.close(), ...(registries ?? []).map((registry) => registry.stop())]);
  });

  it('stands there, is verified, and is not copied twice', async () => {
    const [site] = registries;
    if (site === undefined) throw new Error('no registry');
    const first = await folder.airgap(['mirror']);
    expect([first.status, first.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(await manifestDigest(`docker://${site.host}/infra/front/app:blue`)).toBe(image.root.digest);
    expect(
      await manifestDigest(`docker://${site.host}/infra/front/app:${image.root.digest.replace(':', '-')}.sig`),
    ).toMatch(/^sha256:/);
    await site.forget();
    const again = await folder.airgap(['mirror']);
    expect([again.status, again.stdout]).toEqual([0, expect.stringContaining('all unchanged')]);
    expect(writes(await site.log())).toEqual([]);
    expect((await folder.airgap(['verify'])).status).toBe(0);
  });

  it('travels in a bundle to another registry', async () => {
    const other = registries[1];
    if (other === undefined) throw new Error('no registry');
    expect((await folder.airgap(['mirror', '--to', 'bundle:away.tar', '--lock', 'away.lock'])).status).toBe(0);
    const loaded = await folder.airgap([
      'mirror',
      '--from',
      'bundle:away.tar',
      '--to',
      other.url,
      '--lock',
      'other.lock',
    ]);
    expect([loaded.status, loaded.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(await manifestDigest(`docker://${other.host}/front/app:blue`)).toBe(image.root.digest);
    expect((await folder.airgap(['verify', '--lock', 'other.lock', '--to', other.url])).status).toBe(0);
  });
});
