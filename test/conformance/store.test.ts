import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHttpClient } from '../../src/http/open.ts';
import { serveStore } from '../../src/serve/open.ts';
import { openImageCache } from '../../src/store/image-cache/open.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { openRegistry } from '../../src/store/registry/open.ts';
import { describeStore } from './store.ts';

describeStore('memory', async () => ({ target: openMemory(), registry: 'ghcr.io' }));

describeStore(
  'layout',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'airgap-conformance-'));
    const target = await openLayout(directory, { create: true });
    return { target, registry: 'ghcr.io', release: () => rm(directory, { recursive: true }) };
  },
  { sharedBlobs: true },
);

for (const form of ['flat', 'oci'] as const) {
  describeStore(
    `image cache, ${form}`,
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'airgap-conformance-'));
      const target = await openImageCache(directory, { write: true, form });
      return { target, registry: 'ghcr.io', release: () => rm(directory, { recursive: true }) };
    },
    { sharedBlobs: true, sha256Only: true },
  );
}

describeStore('registry client → serve → memory', async () => {
  const behind = openMemory();
  const server = await serveStore(behind, { writable: true, sparse: true, graceMs: 100 });
  const client = openHttpClient({ end: 'target', concurrency: 10, backoffMs: 10 });
  const target = openRegistry({ client, end: 'target', baseUrlFor: () => new URL(server.url), catalogOf: server.host });
  return { target, registry: server.host, release: () => server.close() };
});

describeStore(
  'registry client, in chunks → serve → layout',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'airgap-conformance-'));
    const behind = await openLayout(directory, { create: true });
    const server = await serveStore(behind, { writable: true, sparse: true, graceMs: 100 });
    const client = openHttpClient({ end: 'target', concurrency: 10, backoffMs: 10 });
    const target = openRegistry({
      client,
      end: 'target',
      baseUrlFor: () => new URL(server.url),
      catalogOf: server.host,
      chunkBytes: 100_000,
      monolithicLimitBytes: 20_000,
    });
    const release = async () => {
      await server.close();
      await behind.close();
      await rm(directory, { recursive: true });
    };
    return { target, registry: server.host, release };
  },
  { sharedBlobs: true },
);
