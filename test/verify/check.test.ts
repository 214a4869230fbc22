import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Lock } from '../../src/lock/lock.ts';
import { algorithmOf, type Digest, hexOf } from '../../src/oci/digest.ts';
import { printReference } from '../../src/oci/reference.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import type { Source } from '../../src/store/store.ts';
import { type CheckSubject, type ContentCheck, checkContent } from '../../src/verify/check.ts';
import type { SeededImage } from '../support/pile.ts';
import { type SeededSet, seedSet } from '../support/seedSet.ts';
import { watch } from '../support/watched.ts';

let made: string;
let seeded: SeededSet;
let directory: string;

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'airgap-check-'));
  const layout = await openLayout(join(made, 'layout'), { create: true });
  seeded = await seedSet(layout);
  await layout.close();
});
afterAll(() => rm(made, { recursive: true, force: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-check-'));
  await cp(join(made, 'layout'), directory, { recursive: true });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function file(digest: Digest): string {
  return join(directory, 'blobs', algorithmOf(digest), hexOf(digest));
}

async function check(subject: Partial<CheckSubject> = {}): Promise<ContentCheck> {
  const layout = await openLayout(directory, { readOnly: true });
  try {
    return await checkContent({ source: layout, ...subject });
  } finally {
    await layout.close();
  }
}

function seededImage(name: string): SeededImage {
  const image = seeded.images.get(name);
  if (image === undefined) throw new Error(`no image ${name}`);
  return image;
}

function all(): SeededImage[] {
  return [...seeded.images.values(), ...seeded.attached];
}

/** A lock of some seeded images. */
function lockOf(...images: readonly SeededImage[]): Lock {
  return {
    version: 1,
    rule: { naming: 'keep', registry: '', prefix: '' },
    mirrors: [],
    contacts: [],
    images: images.map(({ reference, root, manifests }) => ({
      source: reference,
      target: { registry: reference.registry, repository: reference.repository },
      digest: root.digest,
      mediaType: root.mediaType,
      size: root.size,
      totalSize: root.size,
      tags: reference.tag === undefined ? [] : [{ tag: reference.tag, digest: root.digest, role: 'image' as const }],
      signatures: 'none' as const,
      manifests: manifests.map(({ descriptor }) => descriptor.digest),
      omitted: [],
      origins: [],
    })),
  };
}

const kubelet = 'ghcr.io/siderolabs/kubelet:v1.37.1';
const apiserver = 'registry.k8s.io/kube-apiserver:v1.37.1';
const scheduler = 'registry.k8s.io/kube-scheduler:v1.37.1';
/** A layer of one image alone. */
const ownLayer = () => {
  const others = new Set(
    all().flatMap(({ reference, blobs }) =>
      printReference(reference) === kubelet ? [] : blobs.map(({ digest }) => digest),
    ),
  );
  const layer = seededImage(kubelet).blobs.find(
    ({ digest, mediaType }) => mediaType.includes('layer') && !others.has(digest),
  );
  if (layer === undefined) throw new Error('no layer of its own');
  return layer;
};

describe('checkContent() of a layout', () => {
  it('reads every manifest and blob once, and finds nothing where everything is right', async () => {
    const layout = await openLayout(directory, { readOnly: true });
    const watched = watch(layout);
    const source: Source = {
      ...watched,
      indexed: () => layout.indexed?.() as never,
      repository: (name) => ({
        ...watched.repository(name),
        blobSize: (digest) => layout.repository(name).blobSize?.(digest) as never,
      }),
    };
    const found = await checkContent({ source });
    const content = new Set(
      all().flatMap(({ manifests, blobs }) => [
        ...manifests.map(({ descriptor }) => descriptor.digest),
        ...blobs.map(({ digest }) => digest),
      ]),
    );
    expect(found.findings).toEqual([]);
    expect(new Set(found.content.map(({ digest }) => digest))).toEqual(content);
    expect(found.content.every(({ verdict }) => verdict === 'ok')).toBe(true);
    expect(watched.count('fetch ')).toBe(content.size);
    expect(found.bytesRead).toBe(found.content.reduce((sum, { size }) => sum + size, 0));
    expect([found.images, found.leftOut, found.waiting, found.expected]).toEqual([seeded.images.size, 0, [], []]);
  });

  it('tells missing, short, longer and changed blobs apart, and the images they harm', async () => {
    const layer = ownLayer();
    const damages: [string, string, (path: string) => Promise<void>][] = [
      ['missing', 'it is not here', (path) => rm(path)],
      ['short', `it has 7 bytes, and should have ${layer.size}`, (path) => truncate(path, 7)],
      ['short', `it has 0 bytes, and should have ${layer.size}`, (path) => truncate(path, 0)],
      ['corrupt', `it has ${layer.size + 1} bytes`, (path) => writeFile(path, 'x', { flag: 'a' })],
      ['corrupt', 'its bytes have digest sha256:', (path) => writeFile(path, Buffer.alloc(layer.size, 1))],
    ];
    const whole = await readFile(file(layer.digest));
    for (const [verdict, message, damage] of damages) {
      await damage(file(layer.digest));
      const { findings, content } = await check();
      expect(findings).toEqual([
        {
          what: 'blob',
          verdict,
          name: layer.digest,
          size: layer.size,
          message: expect.stringContaining(message),
          images: [kubelet],
        },
      ]);
      expect(content.find(({ digest }) => digest === layer.digest)?.verdict).toBe(verdict);
      await writeFile(file(layer.digest), whole);
    }
    expect((await check()).findings).toEqual([]);
  });

  it('names every image a shared layer harms', async () => {
    const shared = seededImage(apiserver).blobs.find(
      ({ digest }) =>
        seededImage(scheduler).blobs.some((blob) => blob.digest === digest) &&
        !seededImage(kubelet).blobs.some((blob) => blob.digest === digest),
    );
    await rm(file(shared?.digest as Digest));
    const { findings } = await check();
    expect(findings.map(({ images }) => images)).toEqual([[apiserver, scheduler]]);
  });

  it('judges manifests like blobs, root and child', async () => {
    const { root, manifests } = seededImage(scheduler);
    const child = manifests[0]?.descriptor;
    await truncate(file(root.digest), 10);
    expect((await check()).findings).toMatchObject([
      { what: 'manifest', verdict: 'short', name: root.digest, images: [scheduler] },
    ]);
    await cp(join(made, 'layout'), directory, { recursive: true });
    const bytes = await readFile(file(child?.digest as Digest));
    await writeFile(file(child?.digest as Digest), bytes.fill(0x20, 0, 20));
    expect((await check()).findings).toMatchObject([
      { what: 'manifest', verdict: 'corrupt', name: child?.digest, images: [scheduler] },
    ]);
  });

  it('takes a platform that is not here for left out, unless a lock says otherwise', async () => {
    const image = seededImage(scheduler);
    const child = image.manifests[0]?.descriptor.digest as Digest;
    await rm(file(child));
    const alone = await check();
    expect([alone.findings, alone.leftOut]).toEqual([[], 1]);
    const locked = await check({ lock: lockOf(image) });
    expect(locked.findings).toMatchObject([{ what: 'manifest', verdict: 'missing', name: child, images: [scheduler] }]);
    const [first] = lockOf(image).images;
    if (first === undefined) throw new Error('no image');
    const omitting = { ...first, manifests: first.manifests.filter((digest) => digest !== child), omitted: [child] };
    const told = await check({ lock: { ...lockOf(image), images: [omitting] } });
    expect([told.findings, told.leftOut]).toEqual([[], 0]);
  });

  it('finds an index lost whose platforms are all gone', async () => {
    const image = seededImage(scheduler);
    const children = image.manifests
      .map(({ descriptor }) => descriptor.digest)
      .filter((digest) => digest !== image.root.digest);
    for (const digest of children) await rm(file(digest));
    const { findings } = await check();
    expect(findings.map(({ name, verdict }) => [name, verdict])).toEqual(
      [...children].sort().map((digest) => [digest, 'missing']),
    );
  });

  it('finds by the lock what the index lost or names otherwise', async () => {
    const pinned = [...seeded.images.values()].find(({ reference }) => reference.tag === undefined) as SeededImage;
    const path = join(directory, 'index.json');
    const index = JSON.parse(await readFile(path, 'utf8'));
    const nameOf = (entry: { annotations: Record<string, string> }) => entry.annotations['io.containerd.image.name'];
    const other = index.manifests.find((entry: never) => nameOf(entry) === apiserver);
    const manifests = index.manifests
      .filter((entry: never) => nameOf(entry) !== scheduler && nameOf(entry) !== printReference(pinned.reference))
      .map((entry: { annotations: Record<string, string> }) =>
        nameOf(entry) === kubelet ? { ...other, annotations: entry.annotations } : entry,
      );
    await writeFile(path, JSON.stringify({ ...index, manifests }));
    const images = [seededImage(kubelet), seededImage(scheduler), pinned];
    const { findings } = await check({ lock: lockOf(...images) });
    expect(findings.map(({ what, verdict, name, images: harmed }) => [what, verdict, name, harmed])).toEqual([
      ['manifest', 'missing', pinned.root.digest, [printReference(pinned.reference)]],
      ['tag', 'corrupt', kubelet, [kubelet]],
      ['tag', 'missing', scheduler, [scheduler]],
    ]);
    // What the index lost is read all the same.
    await rm(file(seededImage(scheduler).root.digest));
    expect((await check({ lock: lockOf(...images) })).findings).toContainEqual(
      expect.objectContaining({ what: 'manifest', verdict: 'missing', name: seededImage(scheduler).root.digest }),
    );
  });

  it('is not fooled by two sizes of one blob', async () => {
    const layer = ownLayer();
    const promised = { manifests: [], blobs: [{ digest: layer.digest, size: layer.size + 1 }] };
    const { findings } = await check({ promised });
    expect(findings).toMatchObject([
      { verdict: 'corrupt', name: layer.digest, message: expect.stringMatching(/is said to have \d+ bytes, and also/) },
    ]);
  });

  it('finds any damage to any file, and names it', async () => {
    const contents = (await check()).content.filter(({ size }) => size > 1);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(contents.length - 1),
        fc.nat(),
        fc.constantFrom('flip', 'cut', 'remove'),
        async (at, where, how) => {
          const content = contents[at];
          if (content === undefined) return;
          const path = file(content.digest);
          const whole = await readFile(path);
          const position = where % whole.length;
          if (how === 'flip')
            await writeFile(path, Buffer.from(whole.map((byte, index) => (index === position ? byte ^ 1 : byte))));
          else if (how === 'cut') await truncate(path, position);
          else await rm(path);
          const { findings, leftOut } = await check();
          await writeFile(path, whole);
          const verdict = { flip: 'corrupt', cut: 'short', remove: 'missing' }[how];
          if (how === 'remove' && leftOut > 0) return;
          expect(findings).toContainEqual(expect.objectContaining({ name: content.digest, verdict }));
          for (const { images } of findings) expect(images.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('ends when it is interrupted', async () => {
    const layout = await openLayout(directory, { readOnly: true });
    const stop = new AbortController();
    const events = () => stop.abort();
    await expect(checkContent({ source: layout }, { signal: stop.signal, events })).rejects.toMatchObject({
      code: 'ERR_INTERRUPTED',
    });
  });
});

describe('checkContent() of a set', () => {
  it('takes what it does not promise for left out, and what the receiver has for expected', async () => {
    const [image, gone] = [seededImage(kubelet), seededImage(scheduler)];
    const layer = ownLayer();
    const base = [{ digest: layer.digest, size: layer.size }];
    const left = new Set(gone.manifests.map(({ descriptor }) => descriptor.digest));
    const sizes = (contents: readonly { digest: Digest; size: number }[]) => [
      ...new Map(contents.map(({ digest, size }) => [digest, { digest, size }])).values(),
    ];
    const manifests = sizes(all().flatMap((one) => one.manifests.map(({ descriptor }) => descriptor))).filter(
      ({ digest }) => !left.has(digest),
    );
    const blobs = sizes(all().flatMap((one) => one.blobs)).filter(({ digest }) => digest !== layer.digest);
    await rm(file(layer.digest));
    const path = join(directory, 'index.json');
    const index = JSON.parse(await readFile(path, 'utf8'));
    index.manifests = index.manifests.filter(({ digest }: { digest: Digest }) => !left.has(digest));
    await writeFile(path, JSON.stringify(index));
    const found = await check({ lock: lockOf(image, gone), promised: { manifests, blobs }, base });
    expect([found.findings, found.expected]).toEqual([[], [scheduler]]);
    expect(found.content.filter(({ verdict }) => verdict !== 'ok')).toEqual([
      { ...base[0], what: 'blob', verdict: 'at-receiver' },
    ]);
    const lost = blobs.find(({ digest }) => gone.blobs.some((blob) => blob.digest === digest));
    await rm(file(lost?.digest as Digest));
    expect((await check({ promised: { manifests, blobs }, base })).findings).toMatchObject([
      { name: lost?.digest, verdict: 'missing' },
    ]);
  });

  it('does not read what lies in volumes that are not here, and names them', async () => {
    const layer = ownLayer();
    await rm(file(layer.digest));
    const absentVolumes = (digest: Digest) => (digest === layer.digest ? [2, 3] : []);
    const { findings, waiting } = await check({ absentVolumes });
    expect(findings).toEqual([]);
    expect(waiting).toEqual([{ digest: layer.digest, size: layer.size, volumes: [2, 3], images: [kubelet] }]);
  });
});
