import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAirgapError } from '../../../src/errors.ts';
import { parseSet, parseVolume } from '../../../src/store/bundle/parse-set.ts';
import { printSet, printVolume, setIdOf } from '../../../src/store/bundle/print-set.ts';
import type { BundleSet, BundleVolume } from '../../../src/store/bundle/set.ts';

const a = `sha256:${'a'.repeat(64)}`;
const b = `sha256:${'b'.repeat(64)}`;
const c = `sha256:${'c'.repeat(64)}`;
const d = `sha256:${'d'.repeat(64)}`;

const draft = {
  version: 1,
  volumes: 3,
  volumeSize: 1000,
  talos: 'v1.14.4',
  files: [
    { name: 'index.json', size: 3, digest: a },
    { name: 'oci-layout', size: 3, digest: a },
  ],
  manifests: [{ digest: a, size: 5 }],
  blobs: [
    { digest: b, size: 10, parts: [{ volume: 2, start: 0, length: 10 }] },
    {
      digest: c,
      size: 25,
      parts: [
        { volume: 1, start: 0, length: 10 },
        { volume: 3, start: 10, length: 15 },
      ],
    },
  ],
  base: [{ digest: d, size: 3, upstream: ['ghcr.io/a/b'], repositories: ['infra/b', 'infra/c'] }],
} as const;

/** The document under its right id, whatever it says. */
function textOf(changes: Readonly<Record<string, unknown>>): Buffer {
  const set = { ...draft, ...changes } as unknown as BundleSet;
  return Buffer.from(printSet({ ...set, id: setIdOf(set) }));
}

function parts(...of: readonly (readonly [volume: number, start: number, length: number])[]) {
  const list = of.map(([volume, start, length]) => ({ volume, start, length }));
  return { blobs: [{ digest: b, size: 10, parts: list }] };
}

const tooLarge = 2 ** 53;

const refusals: readonly (readonly [string, Buffer, RegExp])[] = [
  ['no JSON', Buffer.from('{"version":'), /"airgap\/set.json" is not JSON/],
  ['bytes that are no text', Buffer.of(0xff), /is not UTF-8/],
  ['deep nesting', Buffer.from('['.repeat(100_000)), /nested more than 64 levels/],
  ['a bomb of lists', Buffer.from(`{"files":[${'[],'.repeat(10_000_000)}[]]}`), /has too many objects and lists/],
  ['a list', Buffer.from('[]'), /is not an object/],
  ['another version', textOf({ version: 2 }), /has version 2, and this program reads version 1/],
  ['no version', Buffer.from('{}'), /"version" that is missing/],
  [
    'another id',
    Buffer.from(
      textOf({})
        .toString()
        .replace(/"id": "./, '"id": "x'),
    ),
    /"id" that is not 64 hex/,
  ],
  [
    'a wrong id',
    Buffer.from(textOf({}).toString().replace('v1.14.4', 'v1.14.5')),
    /"id" that is not that of its content/,
  ],
  ['other spaces', Buffer.from(`${textOf({})} `), /is not written as airgap writes it/],
  ['a field twice', Buffer.from(textOf({}).toString().replace('{', '{"version": 1,')), /is not written as airgap/],
  ['an unknown field', Buffer.from(textOf({}).toString().replace('{', '{"more": 1,')), /"more" that is not known/],
  ['no volumes', textOf({ volumes: 0 }), /"volumes" that is not from 1/],
  ['very many volumes', textOf({ volumes: 1e9 }), /"volumes" that is not from 1/],
  ['a volume size that is no number', textOf({ volumeSize: '1' }), /"volumeSize" that is not a whole number/],
  ['a release that is none', textOf({ talos: '\u001b[31m' }), /"talos" that is no version/],
  [
    'a file that climbs out',
    textOf({ files: [{ name: '../x', size: 1, digest: a }] }),
    /files\[0\].name" that is no name/,
  ],
  [
    'a file among the blobs',
    textOf({ files: [{ name: 'blobs/x', size: 1, digest: a }] }),
    /files\[0\].name" that is no name/,
  ],
  ['a file in its own place', textOf({ files: [{ name: 'airgap/set.json', size: 1, digest: a }] }), /that is no name/],
  ['a hidden file', textOf({ files: [{ name: '.x', size: 1, digest: a }] }), /that is no name/],
  ['files out of order', textOf({ files: [...draft.files].reverse() }), /files\[1\]" that is out of order/],
  ['a file twice', textOf({ files: [draft.files[0], draft.files[0]] }), /files\[1\]" that stands there twice/],
  [
    'a digest that is none',
    textOf({ manifests: [{ digest: 'sha256:x', size: 1 }] }),
    /that is not a sha256 or sha512 digest/,
  ],
  [
    'a negative size',
    textOf({ manifests: [{ digest: a, size: -1 }] }),
    /"manifests\[0\].size" that is not a whole number/,
  ],
  [
    'a size over 2^53',
    textOf({ manifests: [{ digest: a, size: tooLarge }] }),
    /"manifests\[0\].size" that is not a whole/,
  ],
  ['half a byte', textOf({ manifests: [{ digest: a, size: 1.5 }] }), /"manifests\[0\].size" that is not a whole/],
  ['a blob twice', textOf({ blobs: [draft.blobs[0], draft.blobs[0]] }), /"blobs\[1\]" that stands there twice/],
  ['a blob that is a manifest', textOf({ blobs: [{ ...draft.blobs[0], digest: a }] }), /names the manifest sha256:a/],
  ['a base that is here', textOf({ base: [{ ...draft.base[0], digest: b }] }), /which is in the bundle/],
  ['an upstream without a registry', textOf({ base: [{ ...draft.base[0], upstream: ['a/b'] }] }), /is no repository/],
  [
    'a repository in capitals',
    textOf({ base: [{ ...draft.base[0], repositories: ['A'] }] }),
    /repositories\[0\]" that is no/,
  ],
  [
    'repositories that are none',
    textOf({ base: [{ ...draft.base[0], upstream: ['a\nb'] }] }),
    /upstream\[0\]" that is no rep/,
  ],
  ['no parts', textOf(parts()), /"blobs\[0\].parts" that is empty/],
  ['a gap', textOf(parts([1, 0, 4], [2, 5, 5])), /"blobs\[0\].parts" that has a gap/],
  ['an overlap', textOf(parts([1, 0, 6], [2, 5, 5])), /"blobs\[0\].parts" that overlaps/],
  ['a gap at the start', textOf(parts([1, 1, 9])), /that has a gap/],
  ['parts that are too few bytes', textOf(parts([1, 0, 9])), /adds up to 9 bytes where the blob has 10/],
  ['parts that are too many bytes', textOf(parts([1, 0, 10], [2, 10, 1])), /adds up to 11 bytes/],
  ['an empty part', textOf(parts([1, 0, 0], [2, 0, 10])), /that has an empty part/],
  ['parts that overflow', textOf(parts([1, 0, tooLarge - 1], [2, tooLarge - 1, 5])), /adds up to \d+ bytes/],
  ['a volume out of range', textOf(parts([4, 0, 10])), /volume" that is not from 1 to 3/],
  ['volume nought', textOf(parts([0, 0, 10])), /volume" that is not from 1 to 3/],
  ['a volume twice', textOf(parts([1, 0, 5], [1, 5, 5])), /names a volume twice/],
  ['more parts than volumes', textOf(parts([1, 0, 1], [2, 1, 1], [3, 2, 1], [1, 3, 7])), /has 4 entries, at most 3/],
];

const volume: BundleVolume = {
  version: 1,
  set: 'e'.repeat(64),
  number: 2,
  volumes: 3,
  content: [{ digest: b, start: 0, length: 10, checksum: b }] as unknown as BundleVolume['content'],
};

describe('parseSet()', () => {
  it('reads what printSet() writes', () => {
    expect(parseSet(textOf({}), 'x.tar')).toMatchObject(draft);
    const { volumeSize, talos, ...bare } = draft;
    const set = { ...bare, version: 1 } as unknown as BundleSet;
    expect(parseSet(Buffer.from(printSet({ ...set, id: setIdOf(set) })), 'x.tar')).toMatchObject(bare);
    expect([volumeSize, talos]).toHaveLength(2);
  });

  it.each(refusals)('refuses %s', (_, bytes, message) => {
    expect(() => parseSet(bytes, 'x.tar')).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('refuses every change of a byte', () => {
    const text = textOf({});
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(text);
        changed[at] = (changed[at] ?? 0) ^ by;
        expect(() => parseSet(changed, 'x.tar')).toThrow(expect.objectContaining({ code: 'ERR_INPUT_INVALID' }));
      }),
      { numRuns: 500 },
    );
  });
});

describe('parseVolume()', () => {
  it('reads what printVolume() writes', () => {
    expect(parseVolume(Buffer.from(printVolume(volume)), 'x.tar')).toEqual(volume);
  });

  it.each([
    ['number 0', { number: 0 }, /"number" that is not from 1 to 3/],
    ['a number beyond the last', { number: 4 }, /"number" that is not from 1 to 3/],
    ['another version', { version: 9 }, /has version 9/],
    ['content that is none', { content: [{ digest: b, start: -1, length: 0, checksum: b }] }, /content\[0\].start"/],
  ])('refuses %s', (_, changes, message) => {
    const bytes = Buffer.from(JSON.stringify({ ...volume, ...changes }));
    expect(() => parseVolume(bytes, 'x.tar')).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('refuses any JSON with a proper error', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (json) => {
        for (const parse of [parseSet, parseVolume]) {
          const failure = failureOf(() => parse(Buffer.from(json), 'x.tar'));
          expect(isAirgapError(failure)).toBe(true);
        }
      }),
    );
  });
});

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
