/** gcr.io and Artifact Registry. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const sources = ['talos-egress-v1.14', 'talos-egress-v1.11'];
const regional = ['us.gcr.io', 'eu.gcr.io', 'asia.gcr.io'];
const containerRegistries = ['gcr.io', ...regional];
const everyRegistry = [...containerRegistries, '*-docker.pkg.dev'];

/** They issue their own tokens. */
export const googleDestinations: readonly KnownDestination[] = [
  outbound({
    component: 'gcr',
    host: 'gcr.io',
    duty: 'registry',
    purpose: 'registry gcr.io',
    registries: ['gcr.io'],
    condition: 'Talos up to v1.11 has etcd from there',
    sources: [...sources, 'talos-image-lists'],
  }),
  ...regional.map((host) =>
    outbound({
      component: 'gcr',
      host,
      duty: 'registry',
      purpose: `registry ${host}`,
      registries: [host],
      required: false,
      condition: `images named ${host}`,
      sources: ['google-gcr-hosts'],
    }),
  ),
  outbound({
    component: 'gcr',
    host: 'storage.googleapis.com',
    duty: 'blobs',
    purpose: 'blobs of gcr.io',
    registries: everyRegistry,
    sources,
  }),
  outbound({
    component: 'gcr',
    host: '*.pkg.dev',
    duty: 'registry',
    purpose: 'Artifact Registry, and blobs of gcr.io',
    registries: everyRegistry,
    sources,
  }),
];
