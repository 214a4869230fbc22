import { expect, it } from 'vitest';
import { type CatalogueEntry, chooseEntries } from '../../src/catalogues/entry.ts';
import { isAirgapError } from '../../src/errors.ts';
import { parseReference } from '../../src/oci/reference.ts';

const entries: CatalogueEntry[] = ['iscsi-tools', 'qemu-guest-agent', 'zfs'].map((name) => ({
  name,
  reference: parseReference(`ghcr.io/siderolabs/${name}:v1`),
  description: '',
}));
const from = { catalogue: 'ghcr.io/siderolabs/extensions:v1.14.4', what: 'extension' } as const;

it.each([
  [
    ['zfs', 'siderolabs/iscsi-tools', 'zfs'],
    ['iscsi-tools', 'zfs'],
  ],
  [['all'], ['iscsi-tools', 'qemu-guest-agent', 'zfs']],
])('chooses %j', (names, chosen) => {
  expect(chooseEntries(entries, { names, ...from }).map(({ name }) => name)).toEqual(chosen);
});

it('names everything that is unknown at once, with what is near', () => {
  try {
    chooseEntries(entries, { names: ['iscsi', 'zfs', 'qemu-guest-agnet', 'moon'], ...from });
    expect.unreachable();
  } catch (error) {
    expect(isAirgapError(error) && [error.code, error.message, error.hint]).toEqual([
      'ERR_USAGE',
      [
        'Cannot choose extensions: 3 extensions are not in the catalogue "ghcr.io/siderolabs/extensions:v1.14.4"',
        '  "iscsi": nearest iscsi-tools',
        '  "qemu-guest-agnet": nearest qemu-guest-agent',
        '  "moon"',
      ].join('\n'),
      'names are matched exactly; --extensions all takes all 3',
    ]);
  }
});
