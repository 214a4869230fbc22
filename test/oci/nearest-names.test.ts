import { expect, it } from 'vitest';
import { nearestNames } from '../../src/oci/nearest-names.ts';

it.each([
  ['iscsi', ['iscsi-tools', 'gvisor', 'util-linux-tools'], ['iscsi-tools']],
  ['qemu-guest-agnet', ['zfs', 'xen-guest-agent', 'qemu-guest-agent'], ['qemu-guest-agent', 'xen-guest-agent']],
  ['customisation', ['overlay', 'customization'], ['customization']],
  ['nothing-like-it', ['zfs', 'drbd'], []],
  ['RPI_generic', ['rpi_generic', 'rpi_5'], ['rpi_generic']],
])('of %s in %j', (name, known, near) => {
  expect(nearestNames(name, known)).toEqual(near);
});
