/** Sigstore's public service. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

/** Verifying needs the trust root alone. */
export const sigstoreDestinations: readonly KnownDestination[] = [
  outbound({
    component: 'sigstore',
    host: 'tuf-repo-cdn.sigstore.dev',
    duty: 'api',
    purpose: 'TUF root of Sigstore',
    condition: 'verification without a key: cosign, the Image Factory, Talos from v1.13',
    sources: ['talos-tuf', 'chainguard-network-2026'],
  }),
];
