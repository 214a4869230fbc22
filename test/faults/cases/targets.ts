/** Targets that lose content, die, or are full. */
import { setTimeout as delay } from 'node:timers/promises';
import { openMemory } from '../../../src/store/memory/open.ts';
import { contentOfBytes } from '../../../src/store/verified.ts';
import { actions, type Fault, fault } from '../../support/faultyServer.ts';
import type { SeededImage } from '../../support/pile.ts';
import { differences } from '../checks.ts';
import { inParts } from '../requests.ts';
import { growDisk, openTinyDisk, tinyDisksWork } from '../small-disk.ts';
import { type CaseRun, type FaultCase, type Stage, targetRegistry } from '../stage.ts';

/** Puts an image into the target as it is upstream, but for one digest. */
async function copyWithout(stage: Stage, image: SeededImage, lost: string): Promise<void> {
  const from = stage.seeded.store.repository(image.reference);
  const to = stage.store.repository({ registry: targetRegistry, repository: image.reference.repository });
  for (const blob of image.blobs) {
    if (blob.digest === lost) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of await from.fetch(blob)) chunks.push(chunk);
    await to.push(blob, contentOfBytes(blob, Buffer.concat(chunks)));
  }
  for (const { descriptor, bytes } of image.manifests) {
    const isRoot = descriptor.digest === image.root.digest;
    if (descriptor.digest !== lost)
      await to.pushManifest(descriptor, bytes, isRoot ? { tag: image.reference.tag } : {});
  }
}

/** A target that has every image but one part of `one:1`, whose tag stands; and the lock from when it had that too. */
function losing(name: string, part: (image: SeededImage) => string | undefined): FaultCase {
  return {
    name,
    expected: 'complete',
    before: async (stage) => {
      const whole = await stage.mirror({ target: openMemory() });
      const image = stage.seeded.images.find(({ reference }) => reference.repository === 'app/one');
      const lost = image === undefined ? undefined : part(image);
      if (lost === undefined) throw new Error('there is nothing to lose');
      for (const each of stage.seeded.images) await copyWithout(stage, each, each === image ? lost : '');
      return { recheck: true, previous: whole.result?.lock };
    },
  };
}

/** Refuses a manifest once as if something it names had vanished. */
function forgetting(status: number, code: string): Fault {
  return fault({ method: 'PUT', path: /\/app\/one\/manifests\//, times: 1 }, actions.status(status, { code }));
}

export const losses: readonly FaultCase[] = [
  losing('the target lost a child under an index that stands', ({ manifests }) => manifests[0]?.descriptor.digest),
  losing('the target lost a layer under an index that stands', ({ blobs }) => blobs.at(-1)?.digest),
  losing(
    'the target lost a config under an index that stands',
    ({ blobs }) => blobs.find(({ mediaType }) => mediaType.includes('config'))?.digest,
  ),
  {
    name: 'the target misses a blob when the manifest comes',
    expected: 'complete',
    targetFaults: [forgetting(400, 'MANIFEST_BLOB_UNKNOWN')],
  },
  {
    name: 'the target misses a child when the index comes, and says 404',
    expected: 'complete',
    targetFaults: [forgetting(404, 'MANIFEST_UNKNOWN')],
  },
];

/** The target dies while the large layer is on its way, and is back later. */
function restarting(name: string, downMs: number, more: Partial<FaultCase>): FaultCase {
  return {
    name,
    expected: 'complete',
    client: { backoffMs: 250 },
    upstreamFaults: [fault({ method: 'GET', path: /\/app\/big\/blobs\/sha/ }, actions.slow(1_500_000))],
    most: 2.1,
    during: async ({ target, upstream }) => {
      while ((upstream.log.find({ path: /\/app\/big\/blobs\/sha/ }).at(-1)?.sent ?? 0) < 600_000) await delay(5);
      await target.stop();
      await delay(downMs);
      await target.start();
    },
    ...more,
  };
}

export const restarts: readonly FaultCase[] = [
  restarting('the target dies and is back at once', 0, {}),
  restarting('the target dies and is back after 400 ms', 400, {}),
  restarting('the target dies in the middle of a part and is back after 400 ms', 400, { registry: inParts }),
  {
    name: 'upstream dies and is back after 400 ms',
    expected: 'complete',
    most: 2,
    client: { backoffMs: 250 },
    upstreamFaults: [fault({ method: 'GET', path: /\/app\/big\/blobs\/sha/ }, actions.slow(1_500_000))],
    during: async ({ upstream }) => {
      while ((upstream.log.find({ path: /\/app\/big\/blobs\/sha/ }).at(-1)?.sent ?? 0) < 600_000) await delay(5);
      await upstream.stop();
      await delay(400);
      await upstream.start();
    },
  },
];

const noSpace: readonly { readonly name: string; readonly action: Fault['action'] }[] = [
  { name: '507', action: actions.status(507) },
  {
    name: '500 "no space left on device"',
    action: {
      kind: 'status',
      status: 500,
      headers: { 'content-type': 'application/json' },
      body: '{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"Err":"write /var/lib/x: no space left on device"}}]}',
    },
  },
];

const writes = [
  { name: 'upload POST', match: { method: 'POST' } },
  { name: 'upload PUT', match: { method: 'PUT', path: /\/uploads\// } },
  { name: 'upload PATCH', match: { method: 'PATCH' }, more: { registry: inParts } },
  { name: 'manifest PUT', match: { method: 'PUT', path: /\/manifests\// } },
] as const;

function soonOver({ stage }: CaseRun): void {
  const refused = stage.target.log.requests.filter(({ status }) => status === 500 || status === 507).length;
  if (refused > 12) throw new Error(`${refused} requests were made of a full target`);
}

export const fullTargets: readonly FaultCase[] = [
  ...writes.flatMap(({ name, match, ...more }) =>
    noSpace.map(
      (answer): FaultCase => ({
        name: `${answer.name} on ${name}: the disk is full`,
        expected: 'ERR_NO_SPACE',
        targetFaults: [fault(match, answer.action)],
        check: soonOver,
        ...('more' in more ? more.more : {}),
      }),
    ),
  ),
  ...(tinyDisksWork() ? [fullLayout()] : []),
];

function fullLayout(): FaultCase {
  return {
    name: 'the disk of a layout is full (ENOSPC)',
    expected: 'ERR_NO_SPACE',
    openTarget: openTinyDisk,
    repairable: false,
    check: async ({ stage, errors }) => {
      if (errors.some(({ code }) => code !== 'ERR_NO_SPACE')) throw new Error('one state, many errors');
      growDisk(stage.store);
      const again = await stage.mirror();
      if (again.result?.receipt.images.some(({ status }) => status !== 'complete') !== false)
        throw new Error('it is not resumable');
      for (const image of stage.seeded.images) {
        const wrong = await differences(stage.store, image);
        if (wrong.length > 0) throw new Error(wrong.join('\n'));
      }
    },
  };
}
