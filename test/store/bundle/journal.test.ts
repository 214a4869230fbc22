import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { Journal, type JournalRecord, journalHead, readJournal } from '../../../src/store/bundle/journal.ts';

const digest = digestOf(Buffer.from('one'));
const segment = { name: 'x', header: 0, digest, blobSize: 100, start: 0, size: 100, offset: 512 };
const head = journalHead({ number: 1, size: 4096, head: [], segments: [segment] }, 'a'.repeat(64));
const done: JournalRecord = { kind: 'done', digest, start: 0, checksum: digest };
const safe: JournalRecord = { kind: 'safe', digest, start: 0, bytes: 50 };

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-journal-'));
  path = join(directory, 'one.journal');
});
afterEach(() => rm(directory, { recursive: true }));

describe('Journal', () => {
  it('gives back what was added, also after it was gone on with', async () => {
    const first = await Journal.create(path, head);
    await first.add([safe]);
    await first.close();
    const second = await Journal.goOn(path);
    await second.add([done, { kind: 'bad', digest }]);
    await second.sync();
    await second.close();
    const read = await readJournal(path);
    expect(read).toMatchObject({ head, size: 4096, entries: [{ digest, blobSize: 100, start: 0, length: 100 }] });
    expect([...(read?.safe ?? [])]).toEqual([[`${digest}.0`, 50]]);
    expect([...(read?.done ?? [])]).toEqual([[`${digest}.0`, digest]]);
    expect(read?.bad.has(digest)).toBe(true);
    await expect(Journal.create(path, head)).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  });

  it('cut anywhere says no more than was added, and goes on after that', async () => {
    const whole = `${head}\n${JSON.stringify(['safe', digest, 0, 50])}\n${JSON.stringify(['done', digest, 0, digest])}\n`;
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (cut) => {
        await writeFile(path, whole.slice(0, cut));
        const read = await readJournal(path);
        expect(read === undefined).toBe(cut <= head.length);
        expect(read?.done.size ?? 0).toBe(cut === whole.length ? 1 : 0);
        if (read === undefined) return;
        const journal = await Journal.goOn(path);
        await journal.add([done]);
        await journal.close();
        expect((await readJournal(path))?.done.size).toBe(1);
      }),
      { numRuns: 60 },
    );
  });
});

describe('readJournal()', () => {
  it('takes no entry that lies outside its file or its blob', async () => {
    for (const entry of [
      [digest, 100, 0, 100, 4000],
      [digest, 100, 50, 100, 0],
      [digest, 100, -1, 10, 0],
      ['sha256:../../etc', 100, 0, 10, 0],
      [digest, 2 ** 60, 0, 2 ** 60, 0],
      'nothing',
    ]) {
      const said = {
        journal: 'airgap bundle',
        version: 1,
        set: '',
        number: 1,
        size: 4096,
        layout: '',
        entries: [entry],
      };
      await writeFile(path, `${JSON.stringify(said)}\n`);
      expect(await readJournal(path)).toBeUndefined();
    }
  });

  it('is undefined where nothing stands, and for whatever else is there', async () => {
    expect(await readJournal(path)).toBeUndefined();
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        await writeFile(path, `${text}\n`);
        expect(await readJournal(path)).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });
});
