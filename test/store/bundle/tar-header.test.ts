import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeHeader } from '../../../src/store/bundle/tar-fields.ts';
import { endSize, entrySize, headerSize, paddedSize, tarHeader } from '../../../src/store/bundle/tar-header.ts';

const GiB = 1024 ** 3;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-tar-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** A tar of one entry, sparse where its content would be. */
async function tarOf(name: string, size: number): Promise<string> {
  const path = join(directory, 'one.tar');
  const file = await open(path, 'w');
  await file.write(tarHeader(name, size), 0, undefined, 0);
  await file.truncate(entrySize(name, size) + endSize);
  await file.close();
  return path;
}

function listed(path: string): string {
  return execFileSync('tar', ['--utc', '--numeric-owner', '-tvf', path], { encoding: 'utf8' }).trim();
}

describe('tarHeader()', () => {
  it.each([0, 1, 8 * GiB - 1, 8 * GiB, 8 * GiB + 1, 200 * GiB])('GNU tar reads a file of %d bytes', async (size) => {
    const name = `blobs/sha256/${'a'.repeat(64)}`;
    expect(decodeHeader(tarHeader(name, size))).toEqual({ name, size, type: '0' });
    expect(listed(await tarOf(name, size))).toBe(
      `-rw-r--r-- 0/0 ${String(size).padStart(15)} 1970-01-01 00:00 ${name}`,
    );
  });

  it.each([100, 101, 141, 480, 481, 600])('names of %d bytes are read by GNU tar and tar-stream', async (length) => {
    const name = `${'d'.repeat(20)}/${'f'.repeat(length - 21)}`;
    expect(tarHeader(name, 5)).toHaveLength(headerSize(name));
    const path = await tarOf(name, 5);
    expect(listed(path).endsWith(` 5 1970-01-01 00:00 ${name}`)).toBe(true);
    const names: string[] = [];
    const reader = extract();
    reader.on('entry', (header, stream, next) => {
      names.push(header.name);
      stream.resume();
      stream.on('end', next);
    });
    reader.end(Buffer.concat([tarHeader(name, 5), Buffer.alloc(paddedSize(5) + endSize)]));
    await new Promise<void>((resolve) => reader.on('finish', () => resolve()));
    expect(names).toEqual([name]);
  });

  it('gives the bytes GNU tar writes for the same file, but for padding to its record', async () => {
    const name = 'airgap.lock';
    await writeFile(join(directory, name), 'version: 1\n');
    const options = ['--format=ustar', '--mtime=@0', '--mode=0644', '--owner=:0', '--group=:0', '--numeric-owner'];
    const theirs = execFileSync('tar', [...options, '-C', directory, '-cf', '-', name]);
    const ours = tarHeader(name, 11);
    const device = { from: 329, to: 345 };
    // GNU tar fills in device numbers of a file that has none; the checksum covers them.
    for (const header of [ours, theirs]) header.fill(0, device.from, device.to).fill(0, 148, 156);
    expect(ours.equals(theirs.subarray(0, 512))).toBe(true);
  });
});
