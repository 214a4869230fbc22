/** NVIDIA's registry; no page of its owner lists its hosts. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const common = { component: 'nvcr', registries: ['nvcr.io'], sources: ['nvidia-cloud-native-docs'] } as const;

/** As others observed them. */
export const nvidiaDestinations: readonly KnownDestination[] = [
  outbound({ ...common, host: 'nvcr.io', duty: 'registry', purpose: 'registry nvcr.io' }),
  outbound({ ...common, host: 'authn.nvidia.com', duty: 'token', purpose: 'token service of nvcr.io' }),
  outbound({ ...common, host: 'layers.nvcr.io', duty: 'blobs', purpose: 'blobs of nvcr.io' }),
];
