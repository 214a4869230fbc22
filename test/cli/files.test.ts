import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkWritable, collect, readInputFile, writeFileAtomic } from '../../src/cli/files.ts';
import { AirgapError } from '../../src/errors.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'airgap-files-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('writeFileAtomic()', () => {
  it('makes folders, replaces a file, and leaves nothing else behind', async () => {
    const path = join(folder, 'a/b/lock');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, 'two');
    expect([readFileSync(path, 'utf8'), readdirSync(join(folder, 'a/b'))]).toEqual(['two', ['lock']]);
  });

  it('says why it cannot, and removes what it began', async () => {
    mkdirSync(join(folder, 'taken'));
    await expect(writeFileAtomic(join(folder, 'taken'), 'x')).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('it is a folder'),
    });
    writeFileSync(join(folder, 'file'), '');
    await expect(writeFileAtomic(join(folder, 'file/lock'), 'x')).rejects.toMatchObject({
      message: expect.stringContaining('not a folder'),
    });
    expect(readdirSync(folder).sort()).toEqual(['file', 'taken']);
  });
});

describe('a pipe', () => {
  const pipe = () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    return path;
  };

  it('is read to its end, whenever its writer comes', async () => {
    const path = pipe();
    const reading = readInputFile(path, 'pipe');
    spawn('sh', ['-c', 'sleep 0.1; exec >"$0"; printf one; sleep 0.1; printf two', path]);
    expect(Buffer.from(await reading).toString()).toBe('onetwo');
  });

  it('without a writer is waited for until the signal', async () => {
    const controller = new AbortController();
    const reading = readInputFile(pipe(), 'pipe', { signal: controller.signal });
    setTimeout(() => controller.abort(new AirgapError('ERR_INTERRUPTED', 'enough')), 50);
    await expect(reading).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
  });
});

describe('what is no regular file', () => {
  it('is left as it is, by whatever name it is called', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    symlinkSync(pipe, join(folder, 'link'));
    for (const path of [pipe, join(folder, 'link')]) {
      const refusal = { code: 'ERR_USAGE', message: expect.stringContaining('it is no regular file') };
      await expect(writeFileAtomic(path, 'x')).rejects.toMatchObject(refusal);
      await expect(checkWritable(path)).rejects.toMatchObject(refusal);
    }
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['link', 'pipe']);
  });

  it('is a link of the system, also while that leads to a file', async () => {
    const file = join(folder, 'output');
    const handle = await open(file, 'w');
    try {
      const refusal = { code: 'ERR_USAGE', message: expect.stringContaining('it is no regular file') };
      await expect(checkWritable(`/dev/fd/${handle.fd}`)).rejects.toMatchObject(refusal);
      await expect(checkWritable(`/proc/self/fd/${handle.fd}`)).rejects.toMatchObject(refusal);
      await expect(checkWritable('/dev/not-there')).rejects.toMatchObject(refusal);
    } finally {
      await handle.close();
    }
  });

  it('is not a link to a file: that is replaced, and what it led to stays', async () => {
    writeFileSync(join(folder, 'other'), 'old');
    symlinkSync('other', join(folder, 'link'));
    await writeFileAtomic(join(folder, 'link'), 'new', { mode: 0o600 });
    expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('old');
    expect(lstatSync(join(folder, 'link')).mode & 0o170777).toBe(0o100600);
  });
});

describe('readInputFile()', () => {
  it('names a file it cannot read', async () => {
    await expect(readInputFile(join(folder, 'x'), 'x')).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: 'Cannot read "x": no such file',
    });
    writeFileSync(join(folder, 'closed'), '');
    chmodSync(join(folder, 'closed'), 0);
    if (process.getuid?.() !== 0)
      await expect(readInputFile(join(folder, 'closed'), 'closed')).rejects.toThrow('permission denied');
    expect(existsSync(join(folder, 'closed'))).toBe(true);
  });
});

describe('collect()', () => {
  it('ends with the reason when it is interrupted', async () => {
    const controller = new AbortController();
    const waiting = new Readable({ read: () => {} });
    const reading = collect(waiting, { shown: 'standard input', signal: controller.signal });
    controller.abort(new AirgapError('ERR_INTERRUPTED', 'Cannot go on: interrupted'));
    await expect(reading).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
  });

  it('refuses more than 64 MiB', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(8 * 1024 * 1024);
      })(),
    );
    await expect(collect(endless, { shown: 'x' })).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
  });
});
