/** Chainguard's own hosts and those of others it uses. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const current = ['chainguard-network-2026', 'chainguard-network-2025'];
const always = [...current, 'chainguard-network-2024'];
const registries = ['cgr.dev'];
const packages = { component: 'chainguard', duty: 'packages', required: false } as const;
const signingIn = 'signing in: images of an organisation';

/** Superseded ones too. */
export const chainguardDestinations: readonly KnownDestination[] = [
  outbound({
    component: 'chainguard',
    host: 'cgr.dev',
    duty: 'registry',
    purpose: 'registry cgr.dev',
    registries,
    sources: always,
  }),
  outbound({
    component: 'chainguard',
    host: '*.r2.cloudflarestorage.com',
    duty: 'blobs',
    purpose: 'blobs of cgr.dev',
    registries,
    sources: ['chainguard-network-2025', 'chainguard-network-2024'],
    exact: [
      {
        host: '9236a389bd48b984df91adc1bc924620.r2.cloudflarestorage.com',
        sources: always,
        condition: 'the name may change',
      },
    ],
  }),
  ...['enforce.dev', 'issuer.enforce.dev', 'console-api.enforce.dev'].map((host) =>
    outbound({
      component: 'chainguard',
      host,
      duty: host.startsWith('console-') ? 'api' : 'token',
      purpose: host.startsWith('console-') ? 'registry API of cgr.dev' : 'token service of cgr.dev',
      registries,
      required: false,
      condition: signingIn,
      sources: always,
    }),
  ),
  outbound({
    component: 'chainguard',
    host: 'dl.enforce.dev',
    who: ['staging'],
    duty: 'tools',
    purpose: 'downloads of chainctl',
    required: false,
    sources: always,
  }),
  outbound({
    component: 'chainguard',
    host: 'console.chainguard.dev',
    who: ['staging'],
    duty: 'console',
    purpose: 'Chainguard console',
    required: false,
    sources: current,
  }),
  outbound({
    component: 'chainguard',
    host: 'data.chainguard.dev',
    who: ['staging'],
    duty: 'console',
    purpose: 'API of the Chainguard console',
    required: false,
    sources: current,
  }),
  outbound({ ...packages, host: 'apk.cgr.dev', purpose: 'APK packages', sources: current }),
  outbound({ ...packages, host: 'virtualapk.cgr.dev', purpose: 'APK packages', sources: current }),
  outbound({ ...packages, host: 'packages.cgr.dev', purpose: 'extra APK packages', sources: always }),
  outbound({ ...packages, host: 'packages.wolfi.dev', purpose: 'APK packages of Wolfi', sources: always }),
  outbound({
    ...packages,
    host: 'libraries.cgr.dev',
    purpose: 'libraries of languages',
    sources: ['chainguard-network-2025'],
  }),
  outbound({
    ...packages,
    host: 'tarballs.cgr.dev',
    purpose: 'source archives that SBOMs name',
    sources: ['chainguard-network-2026'],
  }),
  outbound({
    component: 'chainguard',
    host: 'support.chainguard.dev',
    who: ['staging'],
    duty: 'support',
    purpose: 'support for customers',
    required: false,
    sources: current,
  }),
  outbound({
    component: 'chainguard',
    host: 'tuf-repo-cdn.sigstore.dev',
    who: ['staging'],
    duty: 'api',
    purpose: 'TUF root of Sigstore',
    required: false,
    condition: 'chainctl verifies signatures',
    sources: ['chainguard-network-2026'],
  }),
  ...supersededOnes(),
];

function supersededOnes(): KnownDestination[] {
  const old = { component: 'chainguard', required: false, sources: ['chainguard-network-2024'] } as const;
  const since = '2025-06-17';
  return [
    outbound({
      ...old,
      host: 'console.enforce.dev',
      duty: 'console',
      purpose: 'Chainguard console',
      superseded: { by: ['console.chainguard.dev'], since, reason: 'the console moved to chainguard.dev' },
    }),
    outbound({
      ...old,
      host: 'ghcr.io',
      duty: 'packages',
      purpose: 'development of Wolfi',
      superseded: { by: [], since, reason: 'the page lists it no more; pulling from cgr.dev does not use it' },
    }),
    outbound({
      ...old,
      host: 'chainguardhelp.zendesk.com',
      duty: 'support',
      purpose: 'support for customers',
      superseded: { by: ['support.chainguard.dev'], since, reason: 'support moved to chainguard.dev' },
    }),
    outbound({
      ...old,
      host: 'storage.googleapis.com',
      duty: 'tools',
      purpose: 'downloads of chainctl',
      superseded: {
        by: ['dl.enforce.dev'],
        since,
        reason: 'the page lists it no more; chainctl comes from dl.enforce.dev',
      },
    }),
    outbound({
      ...old,
      host: '*.rc.cloudflarestorage.com',
      duty: 'blobs',
      purpose: 'blobs of cgr.dev',
      superseded: {
        by: ['*.r2.cloudflarestorage.com'],
        since,
        reason: "a typing error in the page's prose: rc for r2; no such domain is used",
      },
    }),
  ];
}
