import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkRoom } from '../../src/cli/disk-space.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-room-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function free(): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

describe('checkRoom()', () => {
  it('lets pass what fits, also into a directory that is not there yet', async () => {
    await checkRoom(join(directory, 'not', 'there'), 1000);
  });

  it('says how much is missing before anything is written', async () => {
    const attempt = checkRoom(join(directory, 'not', 'there'), 2 * (await free()));
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_NO_SPACE', end: 'target' });
    await expect(attempt).rejects.toThrow(/ have to be written, with 1.0 MB to spare, and .* are free/);
  });

  it('counts what an interrupted run left', async () => {
    await mkdir(join(directory, '.airgap-partial'));
    await writeFile(join(directory, '.airgap-partial', 'sha256-1'), Buffer.alloc(5000));
    await checkRoom(directory, 5000);
  });

  it('asks for nothing when nothing has to be moved', async () => {
    await checkRoom('/proc', 0);
  });
});
