import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AirgapError, isAirgapError } from '../../src/errors.ts';
import { ReceiptGathering } from '../../src/lock/gather-receipt.ts';
import { parseReceipt, printReceipt, receiptName, sortReceipt } from '../../src/lock/receipt.ts';
import { siteReceipt } from './receipt-arbitraries.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const repository = { registry: '', prefix: 'infra', path: 'a/b', tags: [{ tag: '1', digest }] };
const content = { digest, size: 12, in: [0] };
const receipt = {
  version: 1,
  site: '10.5.0.1:6000/infra',
  repositories: [repository],
  manifests: [content],
  blobs: [],
};

function refusal(document: unknown): AirgapError {
  try {
    parseReceipt(typeof document === 'string' ? document : JSON.stringify(document), 'site.receipt');
  } catch (thrown) {
    if (isAirgapError(thrown)) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('printReceipt() and parseReceipt()', () => {
  it('undo each other, whatever order lists are in', () => {
    fc.assert(
      fc.property(siteReceipt, (given) => {
        const text = printReceipt(given);
        expect(parseReceipt(text, 'x')).toEqual(sortReceipt(given));
        expect(printReceipt(parseReceipt(text, 'x'))).toBe(text);
        const reversed = { ...given, manifests: given.manifests.toReversed(), blobs: given.blobs.toReversed() };
        expect(printReceipt(reversed)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('give one line to each repository and content', () => {
    expect(printReceipt(parseReceipt(JSON.stringify(receipt), 'x')).split('\n')).toEqual([
      '{',
      '"version":1,',
      '"site":"10.5.0.1:6000/infra",',
      '"repositories":[',
      `{"registry":"","prefix":"infra","path":"a/b","tags":[{"tag":"1","digest":"${digest}"}]}`,
      '],',
      '"manifests":[',
      `{"digest":"${digest}","size":12,"in":[0]}`,
      '],',
      '"blobs":[]',
      '}',
      '',
    ]);
  });

  it('stay small: 10 000 blobs of 50 repositories take about 100 bytes each', () => {
    const gathering = new ReceiptGathering('site');
    for (let at = 0; at < 10_000; at += 1) {
      const blob = { digest: `sha256:${at.toString(16).padStart(64, '0')}` as never, size: 1000 + at };
      gathering.blob({ registry: '', prefix: '', path: `a-rather-long-name/of-a-repository-${at % 50}` }, blob);
    }
    const text = printReceipt(gathering.done());
    expect(text.length).toBeLessThan(10_000 * 120);
    expect(parseReceipt(text, 'x').blobs).toHaveLength(10_000);
  });
});

describe('parseReceipt()', () => {
  it('names the document and the field', () => {
    const error = refusal({ ...receipt, blobs: [{ ...content, size: -1 }] });
    expect([error.code, error.message]).toEqual([
      'ERR_INPUT_INVALID',
      'Cannot read receipt "site.receipt": field "blobs[0].size" is not a whole number from 0 up',
    ]);
  });

  it('refuses a version it does not know, and says what to do', () => {
    const error = refusal({ ...receipt, version: 2, other: 1 });
    expect(error.message).toContain('field "version" is 2, and this program reads version 1');
    expect(error.hint).toContain('newer');
  });

  const withRepository = (fields: object) => ({ ...receipt, repositories: [{ ...repository, ...fields }] });
  const withBlob = (fields: object) => ({ ...receipt, blobs: [{ ...content, ...fields }] });
  it.each([
    ['', 'it is not JSON'],
    ['[]', 'is not an object'],
    ['null', 'is not an object'],
    ['['.repeat(100_000), 'is nested more than 64 levels deep'],
    [{ ...receipt, version: undefined }, 'version'],
    [{ ...receipt, password: 'x' }, 'password'],
    [{ ...receipt, site: 7 }, 'site'],
    [{ ...receipt, site: 'x'.repeat(5000) }, 'site'],
    [{ ...receipt, repositories: {} }, 'repositories'],
    [{ ...receipt, repositories: [repository, repository] }, 'repositories[1]" stands there twice'],
    [withRepository({ registry: 'Ghcr.io' }), 'repositories[0].registry'],
    [withRepository({ registry: 'ghcr.io' }), 'repositories[0].prefix'],
    [withRepository({ prefix: '/infra' }), 'repositories[0].prefix'],
    [withRepository({ path: '' }), 'repositories[0].path'],
    [withRepository({ path: '../etc' }), 'repositories[0].path'],
    [withRepository({ tags: [{ tag: '-x', digest }] }), 'repositories[0].tags[0].tag'],
    [withRepository({ tags: [{ tag: '1', digest: 'sha256:00' }] }), 'repositories[0].tags[0].digest'],
    [withRepository({ tags: [repository.tags[0], repository.tags[0]] }), 'tags[1]" stands there twice'],
    [withRepository({ __proto__: null, extra: 1 }), 'repositories[0].extra'],
    [withBlob({ digest: digest.toUpperCase() }), 'blobs[0].digest'],
    [withBlob({ size: 1e300 }), 'blobs[0].size'],
    [withBlob({ size: '1' }), 'blobs[0].size'],
    [withBlob({ in: [] }), 'blobs[0].in'],
    [withBlob({ in: [1] }), 'blobs[0].in[0]" is 1, and there are 1 repositories'],
    [withBlob({ in: [0, 0] }), 'blobs[0].in[1]'],
    [withBlob({ in: [-1] }), 'blobs[0].in[0]'],
    [{ ...receipt, manifests: [content, content] }, 'manifests[1]" stands there twice'],
  ])('refuses %j', (document, part) => {
    const error = refusal(document);
    expect(error.code).toBe('ERR_INPUT_INVALID');
    expect(error.message).toContain(part);
    expect(error.message).not.toContain('\n');
  });

  it('answers whatever text it is given with a receipt or one error', () => {
    const text = printReceipt(parseReceipt(JSON.stringify(receipt), 'x'));
    const mutated = fc
      .tuple(fc.nat(text.length), fc.nat(8), fc.string({ maxLength: 8 }))
      .map(([at, drop, insert]) => text.slice(0, at) + insert + text.slice(at + drop));
    fc.assert(
      fc.property(mutated, (given) => {
        try {
          expect(parseReceipt(given, 'x').version).toBe(1);
        } catch (thrown) {
          expect(isAirgapError(thrown) && thrown.code).toBe('ERR_INPUT_INVALID');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('ReceiptGathering', () => {
  it('gives back what it takes, also twice', () => {
    fc.assert(
      fc.property(siteReceipt, (given) => {
        const used = new Set([...given.manifests, ...given.blobs].flatMap((entry) => entry.in));
        const whole = {
          ...given,
          repositories: given.repositories.filter(({ tags }, at) => tags.length > 0 || used.has(at)),
        };
        fc.pre(whole.repositories.length === given.repositories.length);
        const gathering = new ReceiptGathering(given.site);
        gathering.take(given);
        gathering.take(given);
        expect(gathering.done()).toEqual(sortReceipt(given));
      }),
    );
  });

  it('keeps the first of two sizes, and the place of that one alone', () => {
    const gathering = new ReceiptGathering('x');
    const one = { registry: '', prefix: '', path: 'one' };
    gathering.blob(one, { digest: digest as never, size: 1 });
    gathering.blob({ ...one, path: 'other' }, { digest: digest as never, size: 2 });
    const { blobs, repositories } = gathering.done();
    expect(blobs).toEqual([{ digest, size: 1, in: [0] }]);
    expect(repositories.map(receiptName)).toEqual(['one']);
  });
});
