/** Sigstore's public service. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const signing = {
  component: 'sigstore',
  who: ['staging'],
  duty: 'api',
  required: false,
  condition: 'signing without a key',
  sources: ['sigstore-signing-config'],
} as const;
const log = { ...signing, condition: 'signing, and verifying with a look into the log' } as const;

/** Verifying needs the trust root alone where signatures carry their proof of the log. */
export const sigstoreDestinations: readonly KnownDestination[] = [
  outbound({
    component: 'sigstore',
    host: 'tuf-repo-cdn.sigstore.dev',
    duty: 'api',
    purpose: 'TUF root of Sigstore',
    condition: 'verification without a key: cosign, the Image Factory, Talos from v1.13',
    sources: ['talos-tuf', 'chainguard-network-2026'],
  }),
  outbound({ ...log, host: 'rekor.sigstore.dev', purpose: 'log of Sigstore (Rekor)' }),
  outbound({ ...log, host: 'log2025-1.rekor.sigstore.dev', purpose: 'log of Sigstore (Rekor v2)' }),
  outbound({ ...signing, host: 'fulcio.sigstore.dev', purpose: 'certificates of Sigstore (Fulcio)' }),
  outbound({ ...signing, host: 'timestamp.sigstore.dev', purpose: 'time stamps of Sigstore' }),
  outbound({ ...signing, host: 'oauth2.sigstore.dev', purpose: 'signing in to Sigstore' }),
];
