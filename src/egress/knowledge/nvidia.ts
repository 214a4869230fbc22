/** NVIDIA's registry. Its owner names two hosts, on the page of another product; the others are what people observed. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const common = { component: 'nvcr', registries: ['nvcr.io'] } as const;
const signedIn = { required: false, condition: 'signed-in pulls' } as const;

/** It issues anonymous tokens itself. */
export const nvidiaDestinations: readonly KnownDestination[] = [
  outbound({
    ...common,
    host: 'nvcr.io',
    duty: 'registry',
    purpose: 'registry nvcr.io',
    sources: ['nvidia-omniverse-ports', 'nvcr-realm', 'nvcr-observed'],
  }),
  outbound({
    ...common,
    host: 'layers.nvcr.io',
    duty: 'blobs',
    purpose: 'blobs of nvcr.io',
    sources: ['nvcr-observed'],
  }),
  outbound({
    ...common,
    host: 'ngc.download.nvidia.com',
    duty: 'blobs',
    purpose: 'blobs of nvcr.io',
    required: false,
    condition: 'NVIDIA names it for pulling; redirects were seen to layers.nvcr.io alone',
    sources: ['nvidia-omniverse-ports'],
  }),
  outbound({
    ...common,
    ...signedIn,
    host: 'authn.nvidia.com',
    duty: 'token',
    purpose: 'token service of nvcr.io',
    sources: ['nvcr-signed-in-realm', 'nvcr-observed'],
  }),
  outbound({
    ...common,
    ...signedIn,
    host: 'api.ngc.nvidia.com',
    duty: 'api',
    purpose: 'API of NGC',
    sources: ['nvcr-observed'],
  }),
];
