import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, readInputFile, writeFileAtomic } from '../../src/cli/files.ts';
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
