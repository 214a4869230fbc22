/** The example of docs/airgap-yaml.md does what the page says. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { type RunningServer, serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { talosMirrorImages } from '../../../src/talos/catalogue.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';
import { seedImage } from '../../support/seedImages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

const page = readFileSync(fileURLToPath(new URL('../../../docs/airgap-yaml.md', import.meta.url)), 'utf8');
const example = /^```yaml\n(.*?)^```/ms.exec(page)?.[1] ?? '';
const release = talosMirrorImages(parseTalosVersion('v1.14.4')).map(({ reference }) => reference);
const others = ['registry.k8s.io/pause:3.9', 'docker.io/library/nginx:1.29', 'ghcr.io/site/app:1'];

let upstream: RunningServer;
let registry: RunningServer;
let folder: WorkFolder;

beforeAll(async () => {
  const store = openMemory();
  const platforms = ['linux/amd64', 'linux/arm64'];
  for (const name of [...release, ...others]) await seedImage(store, name, { platforms, layerBytes: 64 });
  upstream = await serveStore(store);
  registry = await serveStore(openMemory(), { writable: true });
  folder = workFolder();
  folder.write('workload.txt', 'ghcr.io/site/app:1\n');
  folder.write(
    'airgap.yaml',
    example.replace('http://cache.internal:5000', upstream.url).replace('http://registry.site:6000', registry.url),
  );
});
afterAll(async () => {
  folder.remove();
  await Promise.all([upstream.close(), registry.close()]);
});

describe('the example of docs/airgap-yaml.md', () => {
  it('mirrors the release, the list, and the image with a place of its own', async () => {
    const planned = await folder.airgap(['plan', '--json']);
    expect([planned.status, JSON.parse(planned.stdout).images.length]).toEqual([0, release.length + others.length]);
    const ran = await folder.airgap(['mirror']);
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const { images, rule } = parseLock(folder.read('site.lock'), 'site.lock');
    expect([images.length, rule.prefix, rule.naming]).toEqual([release.length + others.length, 'infra', 'by-registry']);
    const answer = await fetch(`${registry.url}/v2/infra/web/front/manifests/stable`, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(folder.read('site-talos.yaml')).toContain('10.0.0.1');
    expect((await folder.airgap(['verify'])).status).toBe(0);
  });

  it('tells nodes what it says of them', async () => {
    const ran = await folder.airgap(['emit']);
    expect(ran.status).toBe(0);
    for (const said of ['10.0.0.1', '10.0.0.3', '/infra/ghcr.io', 'DiscoveryServiceConfig'])
      expect(ran.stdout).toContain(said);
  });
});
