import { describe, expect, it } from 'vitest';
import { absentEverywhere } from '../../src/copy/absent.ts';
import { contentKey } from '../../src/copy/survey.ts';
import { workOf } from '../../src/copy/work.ts';
import { AirgapError } from '../../src/errors.ts';
import { printReference } from '../../src/oci/reference.ts';
import { planImages } from '../../src/plan/build.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { contentOfBytes } from '../../src/store/verified.ts';
import { blob, resolved } from '../plan/images.ts';
import { watch } from '../support/watched.ts';

const bytes = Buffer.from('in the second repository');
const second = { ...blob(bytes.toString()), size: bytes.length };
const lost = blob('lost', 40);
const near = blob('near', 50);
const placed = blob('placed', 60);
const images = [
  resolved({ source: 'ghcr.io/a/one:1', blobs: [lost, second, near, placed] }),
  resolved({ source: 'ghcr.io/a/two:1', blobs: [lost, second, lost] }),
];
const plan = planImages(images, []);
const work = workOf(plan, {
  present: new Set(images.map(({ target }) => contentKey(target, placed.digest))),
  tags: new Map(),
  elsewhere: new Map([[near.digest, { registry: 'target.local:5000', repository: 'old' }]]),
});

describe('absentEverywhere()', () => {
  it('lists what has to come from the source and is in none of its repositories, with every image that needs it', async () => {
    const source = openMemory();
    await source.repository({ registry: 'ghcr.io', repository: 'a/two' }).push(second, contentOfBytes(second, bytes));
    const watched = watch(source);
    const absent = await absentEverywhere({ plan, work }, { source: watched });
    expect(absent.map(({ descriptor }) => descriptor)).toEqual([lost]);
    expect(absent[0]?.images.map(printReference)).toEqual(['ghcr.io/a/one:1', 'ghcr.io/a/two:1']);
    expect(watched.calls.filter((call) => call.endsWith(near.digest) || call.endsWith(placed.digest))).toEqual([]);
  });

  it('throws what keeps the source from telling', async () => {
    const before = () => {
      throw new AirgapError('ERR_UNREACHABLE', 'Cannot ask', { end: 'source' });
    };
    const asking = absentEverywhere({ plan, work }, { source: watch(openMemory(), { before }) });
    await expect(asking).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  });
});
