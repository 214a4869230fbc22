/** How often one thing is asked, over real connections. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { openMemory } from '../../../src/store/memory/open.ts';
import { seedImage } from '../../support/seedImages.ts';
import { asNode, inFrontOf, served } from './world.ts';
import { mirrorYaml } from './yaml.ts';

const pause = 'registry.k8s.io/pause:3.10';
const both = ['linux/amd64', 'linux/arm64'];

it('asks each question once, for blobs that platforms share too', async () => {
  const target = openMemory();
  await seedImage(target, pause, { platforms: both, layers: ['shared'] });
  const registry = await served(target);
  const verdict = await asNode(mirrorYaml({ endpoints: [registry.url] }), pause);
  expect(verdict).toMatchObject({ verdict: 'found', pulls: [{ blobs: 3 }] });
  expect(registry.asked).toHaveLength(2 + 2 + 3);
});

it('does not wait again for an endpoint that never answered', async () => {
  const target = openMemory();
  await seedImage(target, pause, { platforms: both });
  const registry = await served(target);
  let met = 0;
  const silent = createServer((socket) => {
    met += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  try {
    const endpoints = [`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, registry.url];
    const verdict = await asNode(mirrorYaml({ endpoints }), pause);
    expect(verdict).toMatchObject({ verdict: 'found' });
    expect(verdict.pulls[0]?.trails.length).toBeGreaterThan(3);
    expect(met).toBe(1);
  } finally {
    await new Promise((resolve) => silent.close(resolve));
  }
});

it('reads a blob again that broke off', async () => {
  const target = openMemory();
  const image = await seedImage(target, pause);
  const registry = await served(target);
  const [layer] = image.blobs.filter(({ mediaType }) => mediaType.includes('layer'));
  let left = 1;
  const url = await inFrontOf(registry.url, (method, path) => {
    if (method !== 'GET' || !path.includes(`${layer?.digest}`) || left === 0) return undefined;
    left -= 1;
    return { status: 200, headers: { 'content-length': `${layer?.size}`, connection: 'close' }, body: 'x' };
  });
  expect(await asNode(mirrorYaml({ endpoints: [url] }), pause, { deep: true })).toMatchObject({ verdict: 'found' });
  expect(left).toBe(0);
});
