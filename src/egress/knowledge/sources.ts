/** The documents that the knowledge base is from. */
import { AirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';
import type { KnownSource } from './known.ts';
import { sideroSources } from './sidero-sources.ts';

/** By owner, as the entries stand in their files. */
export const knownSources: readonly KnownSource[] = [
  ...sideroSources,
  {
    id: 'chainguard-network-2026',
    title: 'Chainguard Containers: network requirements',
    address: 'chainguard-dev/edu content/chainguard/containers/network-requirements.md @ 6bd6322fd27b',
    date: '2026-08-28',
    by: 'owner',
  },
  {
    id: 'chainguard-network-2025',
    title: 'Chainguard Containers: network requirements',
    address: 'chainguard-dev/edu content/chainguard/containers/network-requirements.md @ 08c15e65',
    date: '2025-06-17',
    by: 'owner',
  },
  {
    id: 'chainguard-network-2024',
    title: 'Chainguard Images: network requirements',
    address: 'https://edu.chainguard.dev/chainguard/chainguard-images/reference/network-requirements/',
    date: '2024-03-28',
    by: 'owner',
  },
  {
    id: 'docker-allow-list',
    title: 'Docker Desktop: allowlist',
    address: 'https://github.com/docker/docs/pull/25122',
    date: '2026-05',
    by: 'owner',
  },
  {
    id: 'docker-allow-list-2026-06',
    title: 'Docker Desktop: allowlist, the hosts at Cloudflare taken off',
    address: 'https://github.com/docker/docs/pull/25304',
    date: '2026-06-08',
    by: 'owner',
  },
  {
    id: 'docker-r2-host',
    title: 'Docker Desktop: allowlist, the R2 host corrected',
    address: 'https://github.com/docker/docs/pull/21964',
    date: '2025-02-04',
    by: 'owner',
  },
  {
    id: 'trivy-network',
    title: 'Trivy: connectivity and network considerations',
    address: 'https://trivy.dev/docs/latest/advanced/air-gap',
    date: '2026',
    by: 'third-party',
  },
  {
    id: 'redhat-quay-hosts',
    title: 'Red Hat: firewall changes for container image pulls',
    address: 'https://access.redhat.com/node/7001746',
    date: '2025-04-01',
    by: 'owner',
  },
  {
    id: 'openshift-firewall',
    title: 'OpenShift 4.14: configuring your firewall',
    address: 'https://docs.openshift.com/container-platform/4.14/installing/install_config/configuring-firewall.html',
    date: '2025',
    by: 'owner',
  },
  {
    id: 'registry-k8s-io-readme',
    title: 'registry.k8s.io: README (stability), cmd/archeio',
    address: 'https://github.com/kubernetes/registry.k8s.io#stability @ 093d55a6',
    date: '2026-08-06',
    by: 'owner',
  },
  {
    id: 'registry-k8s-io-regions',
    title: 'registry.k8s.io: regions of its backends',
    address: 'kubernetes/k8s.io terraform.tfvars @ 0af1bd5',
    date: '2026-08',
    by: 'owner',
  },
  {
    id: 'registry-k8s-io-buckets',
    title: 'registry.k8s.io: buckets for clients in AWS',
    address: 'kubernetes/registry.k8s.io cmd/archeio/internal/app/buckets.go @ 012f74b4d792',
    date: '2026-08-06',
    by: 'owner',
  },
  {
    id: 'registry-k8s-io-cdn',
    title: 'kubernetes/k8s.io: the CDN of registry.k8s.io moves to Fastly',
    address: 'https://github.com/kubernetes/k8s.io/pull/9865',
    date: '2026-08-24',
    by: 'owner',
  },
  {
    id: 'google-gcr-hosts',
    title: 'Artifact Registry: gcr.io repositories',
    address: 'https://docs.cloud.google.com/artifact-registry/docs/transition/gcr-repositories',
    date: '2025-03-18',
    by: 'owner',
  },
  {
    id: 'mcr-endpoints',
    title: 'Microsoft Artifact Registry: endpoints',
    address: 'microsoft/containerregistry docs/mcr-endpoints-guidance.md @ 51c7a0931fdc',
    date: '2022-05-25',
    by: 'owner',
  },
  {
    id: 'eks-anywhere-hosts',
    title: 'EKS Anywhere: requirements, hosts to be reached',
    address: 'https://anywhere.eks.amazonaws.com/docs/getting-started/vsphere/vsphere-prereq/',
    date: '2026',
    by: 'owner',
  },
  {
    id: 'nvcr-realm',
    title: 'rules_oci: nvcr.io issues tokens on its own host',
    address: 'https://github.com/bazel-contrib/rules_oci/pull/511',
    date: '2024-02-23',
    by: 'third-party',
  },
  {
    id: 'nvcr-signed-in-realm',
    title: 'oras-dotnet: the token service of signed-in pulls from nvcr.io',
    address: 'https://github.com/oras-project/oras-dotnet/pull/401',
    date: '2026-06-30',
    by: 'third-party',
  },
  {
    id: 'nvidia-omniverse-ports',
    title: 'NVIDIA Omniverse Nucleus: ports, outbound connectivity',
    address: 'https://docs.omniverse.nvidia.com/nucleus/latest/ports_connectivity.html',
    date: '2024-07',
    by: 'owner',
  },
  {
    id: 'nvcr-observed',
    title: 'Egress lists in public repositories that name layers.nvcr.io, where nvcr.io redirects to',
    address: 'https://github.com/search?q=layers.nvcr.io&type=code',
    date: '2026-10',
    by: 'third-party',
  },
  {
    id: 'sigstore-signing-config',
    title: 'Sigstore: services of the public instance',
    address: 'sigstore/root-signing targets/signing_config.v0.2.json @ 3520aedde4ad',
    date: '2025-10-06',
    by: 'owner',
  },
  {
    id: 'rfc8915',
    title: 'RFC 8915: Network Time Security',
    address: 'https://www.rfc-editor.org/rfc/rfc8915#section-7.6',
    date: '2020-09',
    by: 'third-party',
  },
];

const byId = new Map(knownSources.map((source) => [source.id, source]));

/** Throws ERR_USAGE for an id that no source has. */
export function sourceById(id: string): KnownSource {
  const source = byId.get(id);
  if (source !== undefined) return source;
  throw new AirgapError(
    'ERR_USAGE',
    `Cannot name source ${quoteText(id, 80)}: the knowledge base has none of that name`,
  );
}
