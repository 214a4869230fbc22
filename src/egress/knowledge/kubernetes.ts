/** registry.k8s.io: a redirector in front of registries and buckets that are its own business, by its README. */
import { outbound } from './entry.ts';
import type { ExactHost, KnownDestination } from './known.ts';

const registries = ['registry.k8s.io', 'k8s.gcr.io'];
const common = { component: 'kubernetes', registries } as const;
const anyTime = 'which of them answers depends on where you are; best effort, as the owner may change them at any time';
const onlyAws = 'only clients in AWS';

const googleRegions =
  'asia-east1 asia-northeast1 asia-northeast2 asia-south1 australia-southeast1 europe-north1 europe-southwest1 europe-west1 ' +
  'europe-west2 europe-west4 europe-west8 europe-west9 southamerica-west1 us-central1 us-east1 us-east4 us-east5 us-south1 ' +
  'us-west1 us-west2';

const awsRegions =
  'af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ' +
  'ap-southeast-5 ap-southeast-6 ap-southeast-7 ap-south-1 ap-south-2 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 ' +
  'eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 ' +
  'us-east-2 us-west-1 us-west-2';

/** The redirector, its regional registries, its CDN, its buckets. */
export const kubernetesDestinations: readonly KnownDestination[] = [
  outbound({
    ...common,
    host: 'registry.k8s.io',
    duty: 'registry',
    purpose: 'registry registry.k8s.io',
    sources: ['talos-egress-v1.14', 'talos-egress-v1.11', 'registry-k8s-io-readme'],
  }),
  outbound({
    ...common,
    host: 'k8s.gcr.io',
    duty: 'registry',
    purpose: 'registry k8s.gcr.io',
    registries: ['k8s.gcr.io'],
    condition: 'images still named so: superseded by registry.k8s.io, to which it redirects',
    sources: ['talos-image-lists', 'talos-airgapped-v0.14'],
    until: '1.2',
  }),
  outbound({
    ...common,
    host: '*.pkg.dev',
    duty: 'blobs',
    purpose: 'manifests and blobs of registry.k8s.io',
    alternatives: 'regions of registry.k8s.io',
    sources: ['talos-egress-v1.14', 'registry-k8s-io-regions', 'talos-egress-v1.11'],
    exact: googleRegions.split(' ').map(
      (region): ExactHost => ({
        host: `${region}-docker.pkg.dev`,
        sources: ['registry-k8s-io-regions'],
        condition: anyTime,
      }),
    ),
  }),
  ...['cdn.registry.k8s.io', 'd1be1w964nk82h.cloudfront.net'].map((host) =>
    outbound({
      ...common,
      host,
      duty: 'blobs',
      purpose: 'blobs of registry.k8s.io',
      condition:
        'clients outside AWS and Google Cloud; moving from CloudFront to cdn.registry.k8s.io since August 2026',
      sources: [
        'registry-k8s-io-cdn',
        'registry-k8s-io-readme',
        ...(host === 'cdn.registry.k8s.io' ? ['omni-egress-proxy'] : []),
      ],
    }),
  ),
  ...awsRegions.split(' ').map(bucketOf),
];

function bucketOf(region: string): KnownDestination {
  const bucket = region === 'eu-west-2' ? '767373bbdcb8270361b96548387bf2a9ad0d48758c35' : 'prod-registry-k8s-io';
  const domain = `s3.dualstack.${region}.amazonaws.com`;
  const exact = `${bucket}-${region}.${domain}`;
  const entry = outbound({
    ...common,
    host: exact,
    duty: 'blobs',
    purpose: 'blobs of registry.k8s.io',
    alternatives: 'buckets of registry.k8s.io',
    required: false,
    condition: onlyAws,
    sources: ['registry-k8s-io-buckets'],
  });
  if (region !== 'us-east-1') return entry;
  return {
    ...entry,
    host: `*.${domain}`,
    sources: ['talos-egress-v1.14', 'talos-egress-v1.11'],
    exact: [{ host: exact, sources: ['registry-k8s-io-buckets'] }],
  };
}
