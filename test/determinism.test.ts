import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyAndVerify, prepareMirror } from '../src/corridor.ts';
import type { Contact } from '../src/lock/lock.ts';
import { printLock } from '../src/lock/print.ts';
import type { MirrorRule } from '../src/mirror/rule.ts';
import { parseReference } from '../src/oci/reference.ts';
import { openLayout } from '../src/store/layout/open.ts';
import { openMemory } from '../src/store/memory/open.ts';
import { seedSet } from './support/seedSet.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-same-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Every file below a directory with its bytes, by path. */
async function tree(directory: string): Promise<Record<string, string>> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const read = async (path: string) => [path.slice(directory.length), (await readFile(path)).toString('hex')] as const;
  return Object.fromEntries(await Promise.all(paths.sort().map(read)));
}

const rule: MirrorRule = { naming: 'keep', registry: '', prefix: '' };

/** Mirrors the whole set into a new layout and gives the lock and every file. */
async function mirrored(
  name: string,
  options: { readonly atOnce: number; readonly reversed: boolean; readonly contacts?: readonly Contact[] },
) {
  const source = openMemory();
  const { images } = await seedSet(source);
  const names = [...images.keys()].sort();
  const requests = (options.reversed ? names.reverse() : names).map((text) => ({
    reference: parseReference(text),
    origins: [{ document: 'images.txt' }],
  }));
  const directory = join(folder, name);
  const target = await openLayout(directory, { create: true });
  const copy = { transfersPerHost: options.atOnce, transfersIntoTarget: options.atOnce, backoffMs: 1 };
  const wish = { platforms: [], narrow: false, require: false };
  const job = { requests, rule, source, target, mirrors: [], wish, copy };
  const { lock } = await copyAndVerify(job, await prepareMirror(job), () => options.contacts ?? []);
  await target.close();
  return { lock: printLock(lock), files: await tree(directory) };
}

describe('copyAndVerify()', () => {
  it('leaves the same bytes and the same lock with one transfer and with sixteen, in any order of asking', async () => {
    const one = await mirrored('one', { atOnce: 1, reversed: false });
    const sixteen = await mirrored('sixteen', { atOnce: 16, reversed: true });
    expect(Object.keys(one.files).length).toBeGreaterThan(50);
    expect(sixteen.files).toEqual(one.files);
    expect(sixteen.lock).toBe(one.lock);
  });

  it('leaves the same lock up to its contacts, which come last, whatever the network was like', async () => {
    const seen = (requests: number, time: string): Contact[] => [
      {
        host: 'ghcr.io:443',
        purpose: 'registry',
        observed: {
          registries: ['ghcr.io:443'],
          through: [],
          requests,
          receivedBytes: requests * 100,
          sentBytes: 0,
          first: time,
          last: time,
        },
      },
    ];
    const today = await mirrored('today', {
      atOnce: 1,
      reversed: false,
      contacts: seen(3, '2026-11-26T10:00:00Z'),
    });
    const later = await mirrored('later', { atOnce: 4, reversed: true, contacts: seen(9, '2027-01-01T10:00:00Z') });
    const upTo = (lock: string) => lock.slice(0, lock.indexOf('\n  "contacts": ['));
    expect(later.files).toEqual(today.files);
    expect(later.lock).not.toBe(today.lock);
    expect(upTo(later.lock)).toBe(upTo(today.lock));
    expect(Object.keys(JSON.parse(later.lock)).at(-1)).toBe('contacts');
  });
});
