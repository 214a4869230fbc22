import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openUploadMemory } from '../../src/cli/upload-memory.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'airgap-uploads-'));
  file = join(folder, 'airgap.lock.uploads.json');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const state = (offset: number) => ({ location: `http://h/v2/a/blobs/uploads/${offset}`, offset });

describe('openUploadMemory()', () => {
  it('remembers for the next process, by target and key, readable by its owner only', () => {
    const memory = openUploadMemory(file, 'http://one');
    memory.save('r/a@sha256:1', state(10));
    memory.save('r/b@sha256:2', state(20));
    memory.flush();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['airgap.lock.uploads.json']);
    expect(openUploadMemory(file, 'http://one').load('r/a@sha256:1')).toEqual(state(10));
    expect(openUploadMemory(file, 'http://two').load('r/a@sha256:1')).toBeUndefined();
  });

  it('removes the file when nothing is left', () => {
    const memory = openUploadMemory(file, 't');
    memory.save('k', state(1));
    memory.flush();
    memory.save('k', undefined);
    memory.flush();
    expect([existsSync(file), memory.load('k')]).toEqual([false, undefined]);
  });

  it('writes at most twice a second, and at once when told to', () => {
    let now = 0;
    const memory = openUploadMemory(file, 't', () => now);
    memory.save('k', state(1));
    memory.save('k', state(2));
    const written = () =>
      (JSON.parse(readFileSync(file, 'utf8')) as { uploads: { offset: number }[] }).uploads[0]?.offset;
    expect(written()).toBe(1);
    now = 500;
    memory.save('k', state(3));
    expect(written()).toBe(3);
    memory.save('k', state(4));
    memory.flush();
    expect(written()).toBe(4);
  });

  it('takes a file it cannot read for an empty one', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        writeFileSync(file, text);
        expect(openUploadMemory(file, 't').load('k')).toBeUndefined();
      }),
      { numRuns: 50 },
    );
    writeFileSync(
      file,
      JSON.stringify({
        uploads: [
          { target: 't', key: 'k', location: 'x', offset: -1 },
          { target: 't', key: 'j', location: 'x', offset: 5 },
        ],
      }),
    );
    expect([openUploadMemory(file, 't').load('k'), openUploadMemory(file, 't').load('j')]).toEqual([
      undefined,
      { location: 'x', offset: 5 },
    ]);
  });

  it('goes on where it cannot write', () => {
    const memory = openUploadMemory(join(folder, 'missing/file.json'), 't');
    memory.save('k', state(1));
    memory.flush();
    expect(memory.load('k')).toEqual(state(1));
  });
});
