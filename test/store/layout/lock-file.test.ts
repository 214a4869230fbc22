import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placeFile, takeLock } from '../../../src/store/layout/lock-file.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-lock-'));
  path = join(directory, 'lock');
});
afterEach(() => rm(directory, { recursive: true }));

/** A pid that was alive a moment ago. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid ?? 0;
}

describe('placeFile()', () => {
  const without = (code: string) => async () => {
    throw Object.assign(new Error(code), { code });
  };

  it.each(['EPERM', 'ENOTSUP', 'ENOSYS'])('is as exclusive where a file system answers %s to links', async (code) => {
    const draft = join(directory, 'draft');
    await writeFile(draft, 'mine');
    await placeFile(draft, path, without(code));
    expect(await readFile(path, 'utf8')).toBe('mine');
    await expect(placeFile(draft, path, without(code))).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it('hides no other failure', async () => {
    await expect(placeFile(path, path, without('EIO'))).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('takeLock()', () => {
  it('lets one in, and the next one after it was given back', async () => {
    const release = await takeLock(path, 'layout "here"');
    await expect(takeLock(path, 'layout "here"')).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: `Cannot write to layout "here": process ${process.pid} is writing to it`,
    });
    await release();
    const again = await takeLock(path, 'layout "here"');
    await again();
    expect(await readdir(directory)).toEqual([]);
  });

  it('lets exactly one of many in', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(path, 'layout "here"')));
    expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  it('takes over from a process that is gone, from a pid used again, and from half a file', async () => {
    const stale = [
      JSON.stringify({ host: hostname(), pid: await deadPid(), started: '1' }),
      JSON.stringify({ host: hostname(), pid: process.pid, started: '1' }),
      '{"host":',
      '',
    ];
    for (const text of stale) {
      await writeFile(path, text);
      const release = await takeLock(path, 'layout "here"');
      await release();
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it('clears away drafts of writers that were killed, and no others', async () => {
    const draft = (digit: string) => `lock.${digit.repeat(8)}-0000-4000-8000-000000000000`;
    const owner = { host: hostname(), pid: process.pid, started: '' };
    await writeFile(join(directory, draft('1')), JSON.stringify({ ...owner, pid: await deadPid() }));
    await writeFile(join(directory, draft('2')), JSON.stringify(owner));
    await writeFile(join(directory, draft('3')), JSON.stringify({ ...owner, host: 'elsewhere' }));
    await writeFile(join(directory, draft('4')), '');
    await writeFile(join(directory, draft('5')), '');
    const hours = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(join(directory, draft('5')), hours, hours);
    await writeFile(join(directory, 'lock.mine'), '');
    await writeFile(join(directory, `other-${draft('6')}`), '');
    await symlink('lock.mine', join(directory, draft('7')));
    await (await takeLock(path, 'layout "here"'))();
    const left = [draft('2'), draft('3'), draft('4'), draft('7'), 'lock.mine', `other-${draft('6')}`];
    expect((await readdir(directory)).sort()).toEqual(left.sort());
  });

  it('takes over once when many find a stale lock, again and again', async () => {
    for (let round = 0; round < 20; round += 1) {
      await writeFile(path, JSON.stringify({ host: hostname(), pid: process.pid, started: '1', nonce: round }));
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(path, 'layout "here"')));
      const taken = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(taken).toHaveLength(1);
      await taken[0]?.();
      expect(await readdir(directory)).toEqual([]);
    }
  });

  it('is held by one at a time while many take it and give it back', async () => {
    await writeFile(path, JSON.stringify({ host: hostname(), pid: process.pid, started: '1' }));
    let holders = 0;
    let turns = 0;
    const worker = async () => {
      while (turns < 60) {
        const release = await takeLock(path, 'layout "here"').catch(() => undefined);
        if (release === undefined) continue;
        holders += 1;
        turns += 1;
        expect(holders).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        holders -= 1;
        await release();
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('does not judge a process on another host, and names the file to delete', async () => {
    await writeFile(path, JSON.stringify({ host: 'elsewhere', pid: 1, started: '1' }));
    await expect(takeLock(path, 'layout "here"')).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      hint: expect.stringContaining(path),
    });
  });

  it('refuses a lock that is a link or a pipe instead of reading whatever that leads to', async () => {
    await symlink('/dev/zero', path);
    await expect(takeLock(path, 'layout "here"')).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    await rm(path);
    execFileSync('mkfifo', [path]);
    await expect(takeLock(path, 'layout "here"')).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: `Cannot write to layout "here": its lock "${path}" is no file`,
    });
    expect(await readdir(directory)).toEqual(['lock']);
  });
});
