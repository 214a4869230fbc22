/** Whatever is done to a bundle, reading it gives the right bytes or a proper error: never wrong ones, and never an end without either. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAirgapError } from '../../../src/errors.ts';
import type { BundleSource } from '../../../src/store/bundle/bundle.ts';
import { openBundle } from '../../../src/store/bundle/reader.ts';
import { readVerified } from '../../../src/store/verified.ts';
import { type PackedSet, packSet } from '../../support/packedSet.ts';
import { tarOf, withChecksum } from '../../support/tars.ts';

let root: string;
let place: string;
let outside: readonly string[];
const packed: Record<'single' | 'many' | 'archive', readonly Buffer[]> = { single: [], many: [], archive: [] };
let sets: Record<keyof typeof packed, PackedSet>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'airgap-mutated-'));
  place = join(root, 'a', 'b', 'place');
  const single = await packSet({ layerBytes: 3000 });
  const many = await packSet({ volumeSize: 32_000, layerBytes: 40_000 });
  sets = { single, many, archive: single };
  packed.single = single.volumes.map(({ entries }) => tarOf(entries));
  packed.many = many.volumes.map(({ entries }) => tarOf(entries));
  packed.archive = single.volumes.map(({ entries }) => tarOf(entries.filter(({ name }) => !name.startsWith('airgap'))));
  await mkdir(place, { recursive: true });
  outside = await readdir(root, { recursive: true });
});
afterAll(() => rm(root, { recursive: true }));

/** Where in the file: near its beginning or anywhere, so that headers and documents are met as often as content. */
const where = fc.oneof(fc.nat(20_000), fc.nat(200_000));
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: where, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set' as const), at: where, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('header' as const), block: fc.nat(400), at: fc.nat(511), byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('cut' as const), at: where }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: where,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 600 }),
  }),
  fc.record({ kind: fc.constant('remove' as const), block: fc.nat(400), blocks: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('swap' as const), block: fc.nat(400), other: fc.nat(400) }),
  fc.record({ kind: fc.constant('repeat' as const), block: fc.nat(400), to: fc.nat(400) }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(tar: Buffer, by: Mutation): Buffer {
  const blocks = Math.max(1, Math.floor(tar.length / 512));
  const start = (block: number) => (block % blocks) * 512;
  const copy = Buffer.from(tar);
  if (tar.length === 0) return copy;
  if (by.kind === 'flip') copy[by.at % tar.length] = (tar[by.at % tar.length] ?? 0) ^ (1 << by.bit);
  if (by.kind === 'set') copy[by.at % tar.length] = by.byte;
  if (by.kind === 'cut') return copy.subarray(0, by.at % tar.length);
  if (by.kind === 'remove')
    return Buffer.concat([tar.subarray(0, start(by.block)), tar.subarray(start(by.block + by.blocks))]);
  if (by.kind === 'insert') {
    const at = by.at % tar.length;
    return Buffer.concat([tar.subarray(0, at), by.bytes, tar.subarray(at)]);
  }
  if (by.kind === 'header' && tar.length >= 512) {
    copy[start(by.block) + by.at] = by.byte;
    if (isHeader(tar, start(by.block))) withChecksum(copy.subarray(start(by.block)));
  }
  if (by.kind === 'swap' && tar.length >= 512) {
    tar.copy(copy, start(by.block), start(by.other), start(by.other) + 512);
    tar.copy(copy, start(by.other), start(by.block), start(by.block) + 512);
  }
  if (by.kind === 'repeat' && tar.length >= 512) tar.copy(copy, start(by.to), start(by.block), start(by.block) + 512);
  return copy;
}

function isHeader(tar: Buffer, at: number): boolean {
  return tar.toString('latin1', at + 257, at + 262) === 'ustar';
}

/** Reads whatever is there. Every byte that comes out proved its digest, and is compared with what went in. */
async function readEverything(bundle: BundleSource, set: PackedSet): Promise<number> {
  let read = 0;
  for (const { reference, manifests, blobs } of set.images) {
    const repository = bundle.repository(reference);
    for (const descriptor of [...manifests.map((one) => one.descriptor), ...blobs]) {
      try {
        const bytes = await readVerified(repository, descriptor, { limit: 1e7 });
        expect(Buffer.from(bytes).equals(set.content.get(descriptor.digest) ?? Buffer.of())).toBe(true);
        read += 1;
      } catch (error) {
        if (!isAirgapError(error)) throw error;
      }
    }
    await expectProper(async () => {
      for await (const tag of repository.tags?.() ?? []) await repository.resolve(tag);
      await repository.referrers?.(manifests[0]?.descriptor.digest ?? (set.set.blobs[0]?.digest as never));
    });
  }
  await expectProper(() => bundle.stage());
  await expectProper(() => bundle.file('airgap.lock'));
  return read;
}

async function expectProper(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isAirgapError(error)) throw error;
  }
}

describe('a mutated bundle', () => {
  it.each(['single', 'many', 'archive'] as const)('gives the right bytes or an error: %s', async (kind) => {
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(mutations, fc.nat(), async (all, chosen) => {
      const tars = packed[kind];
      for (const [at, tar] of tars.entries()) {
        const isMutated = at === chosen % tars.length;
        await writeFile(join(place, `${at}.tar`), isMutated ? all.reduce(mutate, tar) : tar);
      }
      let bundle: BundleSource;
      try {
        bundle = await openBundle(place, { staging: join(place, 'staging') });
      } catch (error) {
        if (!isAirgapError(error)) throw error;
        expect(error.code).toBe('ERR_INPUT_INVALID');
        expect(error.message).not.toContain('\n');
        return;
      }
      await readEverything(bundle, sets[kind]);
    });
    await fc.assert(property, { numRuns: kind === 'many' ? 60 : 150 });
    const after = (await readdir(root, { recursive: true })).filter((name) => !name.startsWith('a/b/place/'));
    expect(after.sort()).toEqual([...outside].sort());
  });

  it('is whole when nothing was done to it', async () => {
    await rm(place, { recursive: true });
    await mkdir(place);
    for (const [at, tar] of packed.many.entries()) await writeFile(join(place, `${at}.tar`), tar);
    const total = sets.many.images.flatMap((image) => [...image.manifests, ...image.blobs]).length;
    expect(await readEverything(await openBundle(place), sets.many)).toBe(total);
  });
});
