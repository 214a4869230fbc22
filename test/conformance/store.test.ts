import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLayout } from '../../src/store/layout/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
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
