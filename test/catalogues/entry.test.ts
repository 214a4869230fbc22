import { expect, it } from 'vitest';
import { type CatalogueEntry, chooseEntries } from '../../src/catalogues/entry.ts';
import { isAirgapError } from '../../src/errors.ts';
import { parseReference } from '../../src/oci/reference.ts';

const entries: CatalogueEntry[] = ['iscsi-tools', 'qemu-guest-agent', 'zfs'].map((name) => ({
  name,
  reference: parseReference(`ghcr.io/siderolabs/${name}:v1`),
  description: '',
}));
const catalogue = 'ghcr.io/siderolabs/extensions:v1.14.4';
const older = { catalogue: 'ghcr.io/siderolabs/extensions:v1.13.9', entries: entries.slice(0, 2) };
const what = 'extension';

function refusal(run: () => unknown): unknown[] {
  try {
    run();
  } catch (error) {
    if (isAirgapError(error)) return [error.code, error.message, error.hint];
    throw error;
  }
  throw new Error('not refused');
}

it.each([
  [
    ['zfs', 'siderolabs/iscsi-tools', 'zfs'],
    ['iscsi-tools', 'zfs'],
  ],
  [['all'], ['iscsi-tools', 'qemu-guest-agent', 'zfs']],
])('chooses %j', (names, chosen) => {
  const [found] = chooseEntries([{ catalogue, entries }], { names, what });
  expect([found?.entries.map(({ name }) => name), found?.missing]).toEqual([chosen, []]);
});

it('takes a name for itself alone, not for those that begin or end with it', () => {
  const alike = ['zfs-lts', 'zfs', 'open-zfs'].map((name) => ({ ...(entries[0] ?? expect.fail()), name }));
  const [found] = chooseEntries([{ catalogue, entries: alike }], { names: ['zfs'], what });
  expect(found?.entries.map(({ name }) => name)).toEqual(['zfs']);
});

it('names everything that is unknown at once, with what is near', () => {
  const names = ['iscsi', 'zfs', 'qemu-guest-agnet', 'moon'];
  expect(refusal(() => chooseEntries([{ catalogue, entries }], { names, what }))).toEqual([
    'ERR_USAGE',
    [
      'Cannot choose extensions: 3 extensions are not in the catalogue "ghcr.io/siderolabs/extensions:v1.14.4"',
      '  "iscsi": nearest iscsi-tools',
      '  "qemu-guest-agnet": nearest qemu-guest-agent',
      '  "moon"',
    ].join('\n'),
    'names are matched exactly; --extensions all takes all 3',
  ]);
});

it('takes of each release what it has, and says what it does not; refuses only what none has', () => {
  const both = [older, { catalogue, entries }];
  expect(chooseEntries(both, { names: ['zfs', 'iscsi-tools'], what }).map(({ missing }) => missing)).toEqual([
    ['zfs'],
    [],
  ]);
  expect(refusal(() => chooseEntries(both, { names: ['zfs', 'moon'], what }))[1]).toBe(
    'Cannot choose extensions: 1 extension is not in the catalogue "ghcr.io/siderolabs/extensions:v1.14.4", nor in those of the releases before\n  "moon"',
  );
});
