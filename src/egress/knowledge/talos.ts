/** What Talos Linux, the discovery service and the Image Factory are reached at. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const egress = ['talos-egress-v1.14', 'talos-egress-v1.11'];
const registries = ['factory.talos.dev'];

/** Sidero Labs' own services, for Talos. */
export const talosDestinations: readonly KnownDestination[] = [
  outbound({
    component: 'discovery',
    host: 'discovery.talos.dev',
    who: ['nodes'],
    duty: 'api',
    purpose: 'discovery service',
    condition: 'unless discovery is off or self-hosted',
    sources: egress,
  }),
  outbound({
    component: 'factory',
    host: 'factory.talos.dev',
    duty: 'registry',
    purpose: 'registry factory.talos.dev',
    registries,
    sources: egress,
  }),
  outbound({
    component: 'factory',
    host: '*.factory.talos.dev',
    duty: 'blobs',
    purpose: 'builds of the Image Factory',
    registries,
    sources: ['talos-egress-v1.14'],
    exact: [
      {
        host: 'cdn.factory.talos.dev',
        sources: ['omni-egress-proxy'],
        condition: 'as Sidero Labs observed it: other names below factory.talos.dev may come',
      },
    ],
  }),
  outbound({
    component: 'factory',
    host: '*.r2.cloudflarestorage.com',
    duty: 'blobs',
    purpose: 'blobs of factory.talos.dev',
    registries,
    sources: ['talos-egress-v1.14'],
  }),
  outbound({
    component: 'factory',
    host: '*.azurefd.net',
    duty: 'blobs',
    purpose: 'blobs of factory.talos.dev',
    registries,
    sources: ['talos-egress-v1.11'],
    superseded: {
      by: ['*.r2.cloudflarestorage.com'],
      since: '2026-05-04',
      reason: 'the factory serves its assets from R2 instead of Azure Front Door',
    },
  }),
];
