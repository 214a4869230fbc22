/** Documents like airgap.yaml as fast-check makes them: right ones, and the same with something wrong. */
import fc from 'fast-check';
import type { Key } from '../../src/spec/key.ts';
import { specGroups } from '../../src/spec/spec.ts';

/** Texts that every key takes, references and places among them. */
const word = fc.constantFrom('nginx', 'web/front', 'v1.14.4', 'true', '5', 'a b', '~', 'oci:x');
const place = fc.constantFrom('nginx', 'web/front:1', 'a/b');
const wrong: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, 7, -1, 1.5, 2_000_000, '', '  ', 'two\nlines', [], {}, [[]], [null], {
    a: null,
  }),
  fc.constantFrom<unknown>(
    { a: { b: 'c' } },
    ['nginx', 5],
    'nginx',
    ['nginx'],
    { nginx: 'web' },
    { nginx: ['web'] },
    { '': 'web' },
  ),
);

function right({ kind, values, meaning }: Key): fc.Arbitrary<unknown> {
  const text = values !== undefined ? fc.constantFrom(...values) : meaning === 'image' ? place : word;
  const several = fc.oneof(text, fc.array(text, { maxLength: 3 }));
  switch (kind) {
    case 'text':
      return text;
    case 'texts':
      return several;
    case 'switch':
      return fc.boolean();
    case 'count':
      return fc.nat(1000);
    case 'optional':
      return fc.oneof(fc.boolean(), text);
    case 'pairs':
      return fc.dictionary(fc.constantFrom('nginx', 'ghcr.io', 'a'), several, { maxKeys: 2 });
  }
}

function group(keys: readonly Key[], strange: number): fc.Arbitrary<unknown> {
  const parts = Object.fromEntries(
    keys.map((key) => [
      key.name,
      fc.oneof({ arbitrary: right(key), weight: 20 }, { arbitrary: wrong, weight: strange }),
    ]),
  );
  const known = fc.record(parts, { requiredKeys: [] });
  const unknown = fc.record({ imags: fc.constant('x') });
  return fc.oneof(
    { arbitrary: fc.constant(null), weight: 1 },
    { arbitrary: known, weight: 20 },
    { arbitrary: fc.tuple(known, unknown).map(([a, b]) => ({ ...a, ...b })), weight: strange },
    {
      arbitrary: wrong.filter((value) => typeof value !== 'object' || value === null || Array.isArray(value)),
      weight: strange,
    },
  );
}

/** A document; with `strange` above 0 some of its parts are wrong. */
export function specDocument(strange: number): fc.Arbitrary<unknown> {
  const groups = Object.fromEntries(specGroups.map(({ name, keys }) => [name, group(keys, strange)]));
  const version = fc.oneof({ arbitrary: fc.constant<unknown>(1), weight: 20 }, { arbitrary: wrong, weight: strange });
  const document = fc
    .tuple(fc.subarray(Object.keys(groups)), fc.record(groups), version)
    .map(([names, all, number]) => ({
      version: number,
      ...Object.fromEntries(names.map((name) => [name, (all as Record<string, unknown>)[name]])),
    }));
  return fc.oneof({ arbitrary: document, weight: 20 }, { arbitrary: wrong, weight: strange });
}
