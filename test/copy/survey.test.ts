import { describe, expect, it } from 'vitest';
import { contentKey, Surveyor } from '../../src/copy/survey.ts';
import { AirgapError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import type { RepositoryName } from '../../src/oci/reference.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Target } from '../../src/store/store.ts';
import { contentOfBytes } from '../../src/store/verified.ts';
import { resolved } from '../plan/images.ts';
import { watch } from '../support/watched.ts';

const place = (repository: string): RepositoryName => ({ registry: 'target.local:5000', repository });

async function put(target: Target, options: { readonly in: string; readonly text: string }): Promise<Descriptor> {
  const bytes = Buffer.from(options.text);
  const blob = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
  await target.repository(place(options.in)).push(blob, contentOfBytes(blob, bytes));
  return blob;
}

describe('Surveyor', () => {
  it('asks each question once, and elsewhere only for what no repository of the plan has', async () => {
    const store = openMemory();
    const here = await put(store, { in: 'a/one', text: 'here' });
    const there = await put(store, { in: 'old', text: 'there' });
    const lost: Descriptor = { ...here, digest: digestOf(Buffer.from('lost')) };
    const target = watch(store);
    const asked = [place('empty'), place('old'), place('a/one'), place('never')];
    const base = new Map([here, there, lost].map(({ digest }) => [digest, asked]));
    const surveyor = new Surveyor({ target, base });
    for (const source of ['ghcr.io/a/one:1', 'ghcr.io/a/two:1', 'ghcr.io/a/two:1'])
      surveyor.ask(resolved({ source, blobs: [here, there, lost] }));
    const { present, elsewhere } = await surveyor.finish();
    expect(elsewhere).toEqual(new Map([[there.digest, place('old')]]));
    expect(present).toEqual(new Set([contentKey(place('a/one'), here.digest)]));
    const questions = target.calls.filter((call) => call.startsWith('exists ')).map((call) => call.slice(7));
    const at = (repository: string, { digest }: Descriptor) => `${contentKey(place(repository), digest)}`;
    expect(questions.sort()).toEqual(
      [
        ...['a/one', 'a/two'].flatMap((repository) => [here, there, lost].map((blob) => at(repository, blob))),
        ...[at('empty', there), at('old', there)],
        ...[at('empty', lost), at('old', lost), at('never', lost)],
      ].sort(),
    );
  });

  it('takes a repository that is hidden from us for one without the blob, and stops at other errors', async () => {
    const store = openMemory();
    const blob = await put(store, { in: 'old', text: 'there' });
    const base = new Map([[blob.digest, [place('hidden'), place('old')]]]);
    const survey = (code: 'ERR_DENIED' | 'ERR_UNREACHABLE') => {
      const before = (call: string): void => {
        if (call.includes('/hidden@')) throw new AirgapError(code, 'Cannot ask', { end: 'target' });
      };
      const surveyor = new Surveyor({ target: watch(store, { before }), base });
      surveyor.ask(resolved({ source: 'ghcr.io/a/one:1', blobs: [blob] }));
      return surveyor.finish();
    };
    expect((await survey('ERR_DENIED')).elsewhere?.get(blob.digest)).toEqual(place('old'));
    await expect(survey('ERR_UNREACHABLE')).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  });
});
