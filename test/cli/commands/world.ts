/** An upstream with a few images, an empty target registry, and a folder to work in: made anew where tests could disturb each other. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type RunningServer, type ServedRequest, serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import type { Target } from '../../../src/store/store.ts';
import { seedCosignTag } from '../../support/seedAttached.ts';
import { seedImage } from '../../support/seedImages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

export const pause = 'registry.k8s.io/pause:3.10';
/** Signed. */
export const kubelet = 'ghcr.io/siderolabs/kubelet:v1.37.1';

export interface World {
  readonly upstreamStore: Target;
  readonly upstream: RunningServer;
  readonly registry: RunningServer;
  readonly folder: WorkFolder;
  /** Requests to the upstream and to the target in this test. */
  readonly asked: ServedRequest[];
  readonly written: ServedRequest[];
  /** Options that read everything from the upstream, and that write to the target registry. */
  from(): string[];
  to(): string[];
  /** Requests to the target that write. */
  writes(): ServedRequest[];
}

/** Call it where tests are defined; its fields hold while a test runs. */
export function mirrorWorld(): World {
  const asked: ServedRequest[] = [];
  const written: ServedRequest[] = [];
  const world = {
    asked,
    written,
    from: () => ['--source-endpoint', `*=${world.upstream.url}`],
    to: () => ['--to', world.registry.url],
    writes: () => written.filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
  } as { -readonly [Field in keyof World]: World[Field] };
  beforeAll(async () => {
    const store = openMemory();
    const platforms = ['linux/amd64', 'linux/arm64'];
    await seedImage(store, pause, { platforms });
    await seedCosignTag(store, await seedImage(store, kubelet, { platforms, layers: ['base', 'kubelet {platform}'] }));
    world.upstreamStore = store;
    world.upstream = await serveStore(store, { onRequest: (request) => void asked.push(request) });
  });
  afterAll(() => world.upstream.close());
  beforeEach(async () => {
    world.folder = workFolder();
    asked.length = 0;
    written.length = 0;
    world.registry = await serveStore(openMemory(), {
      writable: true,
      onRequest: (request) => void written.push(request),
    });
  });
  afterEach(async () => {
    world.folder.remove();
    await world.registry.close();
  });
  return world;
}
