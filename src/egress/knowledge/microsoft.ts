/** Microsoft's registry. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const world = { component: 'mcr', registries: ['mcr.microsoft.com'], sources: ['mcr-endpoints'] } as const;
const china = { ...world, registries: ['mcr.azure.cn'], required: false, condition: 'China' } as const;

/** Public images need no token. */
export const microsoftDestinations: readonly KnownDestination[] = [
  outbound({ ...world, host: 'mcr.microsoft.com', duty: 'registry', purpose: 'registry mcr.microsoft.com' }),
  outbound({ ...world, host: '*.data.mcr.microsoft.com', duty: 'blobs', purpose: 'blobs of mcr.microsoft.com' }),
  outbound({ ...china, host: 'mcr.azure.cn', duty: 'registry', purpose: 'registry mcr.azure.cn' }),
  outbound({ ...china, host: '*.data.mcr.azure.cn', duty: 'blobs', purpose: 'blobs of mcr.azure.cn' }),
];
