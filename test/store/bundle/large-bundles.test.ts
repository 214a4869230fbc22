/** Sizes that only show their trouble when they are there: a bundle of many gigabytes, most of them holes. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { planBundle } from '../../../src/store/bundle/bundle-plan.ts';
import { printSet } from '../../../src/store/bundle/print-set.ts';
import { openBundle } from '../../../src/store/bundle/reader.ts';
import { tarHeader } from '../../../src/store/bundle/tar-header.ts';
import { layOutVolume, volumeText } from '../../../src/store/bundle/volume-layout.ts';
import { readAll } from '../../support/readBundles.ts';

const gibibyte = 2 ** 30;
const name = { registry: 'ghcr.io', repository: 'a/b' };
const marker = Buffer.from('marker at the end of a large blob');
/** One that octal digits cannot say, some large ones, and very many small ones. */
const blobs = [
  9 * gibibyte,
  4 * gibibyte,
  4 * gibibyte,
  3 * gibibyte,
  ...Array.from({ length: 4000 }, () => 20_000),
].map(
  (size, at): Descriptor => ({ mediaType: mediaTypes.octetStream, digest: digestOf(Buffer.from(`blob ${at}`)), size }),
);
const manifests = Array.from({ length: 2000 }, (_, at) => Buffer.from(`{"schemaVersion":2,"manifests":[],"n":${at}}`));

let directory: string;
let path: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-large-'));
  path = join(directory, 'large.tar');
  const content = new Map<string, Buffer>(manifests.map((bytes) => [digestOf(bytes), bytes]));
  const { set, files } = planBundle(
    {
      images: [...content].map(([digest, bytes]) => ({
        name,
        manifests: [
          {
            descriptor: { mediaType: mediaTypes.ociIndex, digest: digest as Digest, size: bytes.length },
            children: [],
          },
        ],
        tags: [],
      })),
      blobs,
      files: [],
      base: [],
      known: [],
    },
    { volumeSize: undefined, signed: false },
  );
  const texts = new Map<string, Uint8Array>([
    ...files,
    ['airgap/set.json', Buffer.from(printSet(set))],
    ['airgap/volume.json', Buffer.from(volumeText(set, { number: 1, checksumOf: (digest) => digest }))],
  ]);
  const layout = layOutVolume(set, { number: 1, signed: false });
  const file = await open(path, 'w');
  for (const entry of [...layout.head, ...layout.segments]) {
    await file.write(tarHeader(entry.name, entry.size), 0, undefined, entry.header);
    const bytes = texts.get(entry.name) ?? content.get(entry.name.replace('blobs/', '').replace('/', ':'));
    if (bytes !== undefined) await file.write(bytes, 0, undefined, entry.offset);
    if (entry.size > gibibyte) await file.write(marker, 0, undefined, entry.offset + entry.size - marker.length);
  }
  await file.truncate(layout.size);
  await file.close();
});
afterAll(() => rm(directory, { recursive: true }));

describe('a bundle of 20 GiB', () => {
  it('opens in little time and memory, and is read anywhere', async () => {
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const bundle = await openBundle(path);
    const took = performance.now() - started;
    const grown = process.memoryUsage().rss - before;
    if (process.env.SHOW_FIGURES !== undefined)
      console.log(`${took.toFixed(0)} ms, ${(grown / 2 ** 20).toFixed(0)} MiB`);
    expect(took).toBeLessThan(10_000);
    expect(grown).toBeLessThan(150 * 2 ** 20);
    const repository = bundle.repository(name);
    for (const blob of blobs.slice(0, 4)) {
      const offset = blob.size - marker.length;
      expect((await readAll(await repository.fetch(blob, { offset }))).equals(marker)).toBe(true);
      const zeros = await readAll(await repository.fetch(blob, { offset: gibibyte, end: gibibyte + 100 }));
      expect(zeros.equals(Buffer.alloc(100))).toBe(true);
    }
    const last = digestOf(manifests.at(-1) ?? Buffer.of());
    expect(Buffer.from((await repository.manifest(last)).bytes).equals(manifests.at(-1) ?? Buffer.of())).toBe(true);
  });
});
