import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { serveStore } from '../../src/serve/open.ts';
import { Refusal, refusals } from '../../src/serve/refusal.ts';
import { Troubles } from '../../src/serve/troubles.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import { seedImage } from '../support/seedImages.ts';

it('who runs the server is told that the disk is gone, once, and with the path that clients are not told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-troubles-'));
  const place = join(folder, 'disk');
  const target = await openLayout(place, { create: true });
  await seedImage(target, 'ghcr.io/a/b:1');
  await target.close();
  const told: string[] = [];
  const store = await openLayout(place, { readOnly: true });
  const server = await serveStore(store, { graceMs: 50, onTrouble: (message) => told.push(message) });
  const ask = () => fetch(`${server.url}/v2/a/b/manifests/1`);
  await rename(place, join(folder, 'unplugged'));
  for (let round = 0; round < 3; round += 1) {
    const answer = await ask();
    expect([answer.status, (await answer.text()).includes(folder)]).toEqual([500, false]);
  }
  expect(told).toEqual([expect.stringContaining(place)]);
  await rename(join(folder, 'unplugged'), place);
  expect((await ask()).status).toBe(200);
  expect((await fetch(`${server.url}/v2/a/b/manifests/2`)).status).toBe(404);
  expect(told).toHaveLength(1);
  await server.close();
  await store.close();
  await rm(folder, { recursive: true });
});

it('answers that were meant so are no trouble, and a flood of failures is few lines', () => {
  const told: string[] = [];
  const troubles = new Troubles((message) => told.push(message));
  troubles.met(new Refusal(refusals.busy, 'too many'), 503);
  troubles.met(new AirgapError('ERR_NOT_FOUND', 'Cannot find "x": it is not here'), 404);
  expect(told).toEqual([]);
  for (let blob = 0; blob < 100; blob += 1)
    troubles.met(new AirgapError('ERR_UNREACHABLE', `Cannot read "${blob}": EIO`), 502);
  expect(told).toEqual(['Cannot read "0": EIO']);
  const other: string[] = [];
  new Troubles((message) => other.push(message)).met(new TypeError('x is not a function'), 500);
  expect(other).toEqual(['Cannot answer a request: TypeError: x is not a function']);
});
