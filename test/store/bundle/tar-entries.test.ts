import { execFile } from 'node:child_process';
import { link, mkdir, mkdtemp, open, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAirgapError } from '../../../src/errors.ts';
import { type TarEntry, tarEntries } from '../../../src/store/bundle/tar-entries.ts';
import { WindowedFile } from '../../../src/store/bundle/windowed-file.ts';
import { type CraftedEntry, entryBytes, paxEntry, tarEnd, tarOf, withChecksum } from '../../support/tars.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-tar-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function scan(bytes: Uint8Array): Promise<TarEntry[]> {
  const path = join(directory, 'x.tar');
  await writeFile(path, bytes);
  return scanFile(path, bytes.length);
}

async function scanFile(path: string, size: number): Promise<TarEntry[]> {
  const handle = await open(path);
  const found: TarEntry[] = [];
  try {
    for await (const entry of tarEntries(new WindowedFile(handle, { path, size }))) found.push(entry);
  } finally {
    await handle.close();
  }
  return found;
}

async function streamed(entries: readonly { name: string; bytes: Uint8Array }[]): Promise<Buffer> {
  const packing = pack();
  for (const { name, bytes } of entries) packing.entry({ name }, Buffer.from(bytes));
  packing.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of packing) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

const long = `${'d/'.repeat(80)}${'n'.repeat(90)}`;

describe('tarEntries()', () => {
  it('finds what tar-stream packs, wherever headers fall in what is read at once', async () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9äß_-]{1,60}(\/[a-z0-9_-]{1,80}){0,3}$/), { maxLength: 12 });
    const property = fc.asyncProperty(
      names,
      fc.array(fc.nat(20_000), { minLength: 12, maxLength: 12 }),
      async (all, sizes) => {
        const entries = all.map((name, at) => ({ name, bytes: Buffer.alloc(sizes[at] ?? 0, name) }));
        const tar = await streamed(entries);
        const found = await scan(tar);
        expect(found.map(({ name, size }) => [name, size])).toEqual(
          entries.map(({ name, bytes }) => [name, bytes.length]),
        );
        for (const [at, { offset, size }] of found.entries()) {
          expect(tar.subarray(offset, offset + size).equals(entries[at]?.bytes ?? Buffer.of())).toBe(true);
        }
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it.each(['v7', 'ustar', 'gnu', 'posix'])(
    'reads what GNU tar writes as %s, with directories and ./',
    async (format) => {
      const from = join(directory, `from-${format}`);
      const depth = format === 'v7' ? 'short' : long;
      await mkdir(join(from, depth), { recursive: true });
      await writeFile(join(from, 'a'), 'content of a');
      await writeFile(join(from, depth, 'b'), 'content of b');
      const path = join(directory, `${format}.tar`);
      await promisify(execFile)('tar', ['-c', `--format=${format}`, '-f', path, '-C', from, '.']);
      const { size } = await stat(path);
      const files = (await scanFile(path, size)).filter((entry) => entry.kind === 'file');
      expect(files.map((entry) => [entry.name, entry.size]).sort()).toEqual([
        ['a', 12],
        [`${depth}/b`, 12],
      ]);
    },
  );

  it('takes names and sizes from pax headers, sizes in binary, and passes over what is global', async () => {
    const binary = Buffer.alloc(12);
    binary[0] = 0x80;
    binary.writeUInt32BE(700, 8);
    const tar = tarOf([
      paxEntry({ path: 'everywhere', size: '1' }, 'g'),
      paxEntry({ path: `./${long}`, mtime: '1.5', size: '600', comment: 'a=b\nc' }),
      { name: 'short', bytes: Buffer.alloc(600), size: 0 },
      { name: 'large', bytes: Buffer.alloc(700), size: binary },
      { name: 'blobs/', type: '5' },
    ]);
    expect((await scan(tar)).map(({ name, kind, size }) => [name, kind, size])).toEqual([
      [long, 'file', 600],
      ['large', 'file', 700],
      ['blobs', 'directory', 0],
    ]);
  });

  it('reads GNU long names, and zeros after the end', async () => {
    const tar = tarOf([
      { name: '././@LongLink', type: 'L', bytes: Buffer.from(`${long}\0`) },
      { name: 'd', bytes: Buffer.of(1) },
    ]);
    expect((await scan(Buffer.concat([tar, Buffer.alloc(10_240)]))).map(({ name }) => name)).toEqual([long]);
  });
});

const file: CraftedEntry = { name: 'a', bytes: Buffer.from('content') };
const negative = Buffer.alloc(12, 0xff);
const huge = Buffer.alloc(12, 0xff).fill(0x80, 0, 1);

const refusals: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['nothing', Buffer.of(1), /it is no tar/],
  ['noise', Buffer.alloc(4096, 'noise'), /it is no tar/],
  ['a name that climbs out', tarOf([{ name: '../a' }]), /"\.\.\/a" leads out of the bundle/],
  ['a name that climbs out inside', tarOf([{ name: 'blobs/../../a' }]), /leads out of the bundle/],
  ['a pax name that climbs out', tarOf([paxEntry({ path: 'a/../../b' }), file]), /leads out of the bundle/],
  ['an absolute name', tarOf([{ name: '/etc/passwd' }]), /has an absolute name/],
  ['a backslash', tarOf([{ name: 'a\\b' }]), /has a backslash in its name/],
  ['a NUL in a pax name', tarOf([paxEntry({ path: 'a\0b' }), file]), /has a NUL in its name/],
  ['a file without a name', tarOf([{ name: './', bytes: Buffer.of(1) }]), /is a directory with 1 bytes/],
  ['a file whose name is a dot', tarOf([{ name: '.' }]), /has no name/],
  ['a name that is not UTF-8', tarOf([{ ...file, change: (header) => void header.fill(0xff, 0, 3) }]), /not UTF-8/],
  ['a name without end', tarOf([paxEntry({ path: 'n'.repeat(5000) }), file]), /has a name of more than 4096/],
  ['a hard link', tarOf([{ name: 'a', type: '1', linkName: 'b' }]), /is a hard link/],
  ['a symbolic link', tarOf([{ name: 'a', type: '2', linkName: '/etc' }]), /is a symbolic link/],
  ['a device', tarOf([{ name: 'a', type: '3' }]), /is a device/],
  ['a block device', tarOf([{ name: 'a', type: '4' }]), /is a device/],
  ['a pipe', tarOf([{ name: 'a', type: '6' }]), /is a pipe/],
  ['a file with holes', tarOf([{ name: 'a', type: 'S' }]), /is a file with holes/],
  ['a pax file with holes', tarOf([paxEntry({ 'GNU.sparse.major': '1' }), file]), /header that cannot be read/],
  ['an unknown type', tarOf([{ name: 'a', type: 'Q' }]), /is of type "Q"/],
  ['a directory with content', tarOf([{ name: 'a/', type: '5', bytes: Buffer.of(1) }]), /is a directory with 1 bytes/],
  ['a negative size', tarOf([{ ...file, size: negative }, file]), /at byte 0 it has a size that is no byte count/],
  ['an absurd size', tarOf([file, { ...file, size: huge }]), /at byte 1024 it has a size that is no byte count/],
  ['letters for a size', tarOf([file, { ...file, size: Buffer.from('00000000x') }]), /size that is no byte count/],
  ['a negative pax size', tarOf([paxEntry({ size: '-1' }), file]), /header that cannot be read/],
  ['an absurd pax size', tarOf([paxEntry({ size: '9007199254740992' }), file]), /header that cannot be read/],
  ['a size beyond the end', tarOf([{ ...file, size: 8 ** 11 - 1 }]), /should have 8589934591 bytes, and the file ends/],
  ['a pax size beyond the end', tarOf([paxEntry({ size: '9007199254740991' }), file]), /should have 9007199254740991/],
  [
    'a pax header too large',
    tarOf([{ name: 'x', type: 'x', bytes: Buffer.alloc(1_048_577) }]),
    /header that is too large/,
  ],
  ['damaged pax records', tarOf([{ name: 'x', type: 'x', bytes: Buffer.from('99 path=a\n') }, file]), /cannot be read/],
  ['a pax header for nothing', tarOf([file, paxEntry({ path: 'b' })]), /ends where an entry should be/],
  [
    'a wrong checksum',
    withByte(tarOf([file, { ...file, name: 'b' }]), 1024 + 110),
    /at byte 1024 it has a header with a wrong/,
  ],
  ['no end', tarOf([file], Buffer.alloc(0)), /cut short: the end of the tar is missing/],
  ['half an end', tarOf([file], Buffer.alloc(512)), /at byte 1024 there is a block of zeros/],
  ['an end in the middle', Buffer.concat([tarOf([file]), entryBytes(file), tarEnd]), /goes on after the end/],
  [
    'a block of zeros in the middle',
    Buffer.concat([entryBytes(file), Buffer.alloc(512), tarOf([file])]),
    /block of zeros/,
  ],
  ['a cut in a header', tarOf([file, file]).subarray(0, 1300), /cut short/],
  ['a cut in content', tarOf([{ name: 'a', bytes: Buffer.alloc(5000) }]).subarray(0, 2000), /the file ends after 1488/],
];

function withByte(tar: Buffer, at: number): Buffer {
  tar[at] = (tar[at] ?? 0) ^ 1;
  return tar;
}

describe('tarEntries() refusing', () => {
  it.each(refusals)('%s', async (_, tar, message) => {
    await expect(scan(tar)).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('links that GNU tar packs', async () => {
    const from = join(directory, 'links');
    await mkdir(from);
    await writeFile(join(from, 'a'), 'x');
    const path = join(directory, 'links.tar');
    for (const make of [() => symlink('a', join(from, 'b')), () => link(join(from, 'a'), join(from, 'c'))]) {
      await make();
      await promisify(execFile)('tar', ['-cf', path, '-C', from, '.']);
      await expect(scanFile(path, 10_240)).rejects.toMatchObject({
        message: expect.stringMatching(/link: a bundle has/),
      });
      await rm(join(from, 'b'), { force: true });
    }
  });

  it('never fails otherwise on mutated tars, nor hangs, and every entry lies within the file', async () => {
    const base = tarOf([
      paxEntry({ path: long, size: '1000' }),
      { name: 'short', bytes: Buffer.alloc(1000, 1) },
      { name: 'blobs/', type: '5' },
      { name: 'blobs/b', bytes: Buffer.alloc(700, 2) },
      { name: 'c', bytes: Buffer.alloc(20_000, 3) },
    ]);
    const mutation = fc.record({ at: fc.nat(base.length - 1), byte: fc.nat(255), fix: fc.boolean() });
    const property = fc.asyncProperty(
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      fc.nat(base.length),
      async (mutations, cut) => {
        const tar = Buffer.from(base);
        for (const { at, byte, fix } of mutations) {
          tar[at] = byte;
          if (fix) withChecksum(tar.subarray(at - (at % 512), at - (at % 512) + 512));
        }
        const bytes = cut % 3 === 0 ? tar.subarray(0, cut) : tar;
        try {
          for (const entry of await scan(bytes)) expect(entry.offset + entry.size).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          if (!isAirgapError(error)) throw error;
          expect(error.code).toBe('ERR_INPUT_INVALID');
        }
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});
