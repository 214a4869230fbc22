/** GitHub's container registry. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const registries = ['ghcr.io'];
const sources = ['talos-egress-v1.14', 'talos-egress-v1.11'];

/** It issues its own tokens. */
export const ghcrDestinations: readonly KnownDestination[] = [
  outbound({ component: 'ghcr', host: 'ghcr.io', duty: 'registry', purpose: 'registry ghcr.io', registries, sources }),
  outbound({
    component: 'ghcr',
    host: '*.githubusercontent.com',
    duty: 'blobs',
    purpose: 'blobs of ghcr.io',
    registries,
    sources,
    exact: [{ host: 'pkg-containers.githubusercontent.com', sources: ['omni-egress-proxy', 'trivy-network'] }],
  }),
];
