/** Red Hat's quay.io. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const common = {
  component: 'quay',
  registries: ['quay.io'],
  sources: ['openshift-firewall', 'redhat-quay-hosts'],
} as const;
const contentHosts = ['cdn', 'cdn01', 'cdn02', 'cdn03', 'cdn04', 'cdn05', 'cdn06'].map((name) => `${name}.quay.io`);

/** It issues its own tokens. */
export const quayDestinations: readonly KnownDestination[] = [
  outbound({ ...common, host: 'quay.io', duty: 'registry', purpose: 'registry quay.io' }),
  ...contentHosts.map((host) => outbound({ ...common, host, duty: 'blobs', purpose: 'blobs of quay.io' })),
];
