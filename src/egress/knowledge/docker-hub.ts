/** Docker Hub. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const registries = ['docker.io'];
const common = { component: 'dockerhub', sources: ['docker-allow-list'] } as const;
const blobs = { ...common, duty: 'blobs', purpose: 'blobs of docker.io', registries } as const;
/** Taken off Docker's list in June 2026; whether no answer leads there any more is not said. */
const former = {
  required: false,
  condition: "Docker's list has it no more since June 2026: some blobs may still be there",
} as const;

/** Its registry, token service, content hosts, and the hardened images. */
export const dockerHubDestinations: readonly KnownDestination[] = [
  outbound({ ...common, host: 'registry-1.docker.io', duty: 'registry', purpose: 'registry docker.io', registries }),
  outbound({ ...common, host: 'auth.docker.io', duty: 'token', purpose: 'token service of docker.io', registries }),
  outbound({
    ...blobs,
    host: 'production.cloudfront.docker.com',
    sources: ['docker-allow-list-2026-06', 'docker-allow-list'],
  }),
  outbound({ ...blobs, ...former, host: 'production.cloudflare.docker.com' }),
  outbound({
    ...blobs,
    ...former,
    host: 'docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com',
  }),
  outbound({
    ...common,
    host: 'dhi.io',
    duty: 'registry',
    purpose: 'registry dhi.io',
    required: false,
    condition: 'Docker Hardened Images; where its blobs are is on no page',
  }),
  outbound({
    ...common,
    host: 'registry.scout.docker.com',
    duty: 'registry',
    purpose: 'attestations of Docker Hardened Images',
    required: false,
  }),
  outbound({
    ...blobs,
    host: 'docker-images-prod.r2.cloudflarestorage.com',
    sources: ['docker-r2-host'],
    superseded: {
      by: ['docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com'],
      since: '2025-02-04',
      reason: 'an error of the page: the account was missing in the name',
    },
  }),
  outbound({
    ...common,
    host: 'hub.docker.com',
    who: ['staging'],
    duty: 'console',
    purpose: 'pages and API of Docker Hub',
    required: false,
  }),
];
