import { cp, mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLayout } from '../../../src/store/layout/open.ts';
import { seedImage } from '../../support/seedImages.ts';

let folder: string;
let place: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-kept-'));
  place = join(folder, 'layout');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const indexOf = (directory: string) => readFile(join(directory, 'index.json'), 'utf8');

it('is not written over the index of another layout in its place, nor where none is any more', async () => {
  const layout = await openLayout(place, { create: true });
  await seedImage(layout, 'ghcr.io/a/one:1');
  const other = await openLayout(join(folder, 'other'), { create: true });
  await seedImage(other, 'ghcr.io/b/two:1');
  await other.close();
  // As an interrupted run leaves one.
  await mkdir(join(folder, 'other', '.airgap-partial'));
  await rename(place, join(folder, 'unplugged'));
  await expect(seedImage(layout, 'ghcr.io/a/one:2')).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
  await rename(join(folder, 'other'), place);
  const before = await indexOf(place);
  await expect(seedImage(layout, 'ghcr.io/a/one:2')).rejects.toMatchObject({
    code: 'ERR_INPUT_INVALID',
    message: expect.stringContaining('another layout'),
  });
  expect(await indexOf(place)).toBe(before);
  await rename(place, join(folder, 'other'));
  await rename(join(folder, 'unplugged'), place);
  await seedImage(layout, 'ghcr.io/a/one:2');
  await layout.close();
  expect(await indexOf(place)).toContain('ghcr.io/a/one:2');
});

it('does not lose what another tool wrote meanwhile', async () => {
  const layout = await openLayout(place, { create: true });
  await seedImage(layout, 'ghcr.io/a/one:1');
  const theirs = (await indexOf(place)).replaceAll('one:1', 'renamed:1');
  await writeFile(join(place, 'index.json'), theirs);
  await expect(seedImage(layout, 'ghcr.io/a/one:2')).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
  await expect(layout.close()).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
  expect(await indexOf(place)).toBe(theirs);
  await (await openLayout(place)).close();
});

it('is written over a file that says the same and only looks other', async () => {
  const layout = await openLayout(place, { create: true });
  await seedImage(layout, 'ghcr.io/a/one:1');
  await cp(join(place, 'index.json'), join(folder, 'copy'));
  await rename(join(folder, 'copy'), join(place, 'index.json'));
  await seedImage(layout, 'ghcr.io/a/one:2');
  await utimes(join(place, 'index.json'), 1, 1);
  await seedImage(layout, 'ghcr.io/a/one:3');
  await layout.close();
  expect(await indexOf(place)).toContain('ghcr.io/a/one:3');
});
