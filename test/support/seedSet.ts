/** One image of every shape, as a small Talos-like site has them. */
import { printReference } from '../../src/oci/reference.ts';
import type { Target } from '../../src/store/store.ts';
import type { SeededImage } from './pile.ts';
import { seedArtifact, seedCosignTag, seedFallbackReferrer, seedReferrer } from './seedAttached.ts';
import { seedImage, seedNestedIndex } from './seedImages.ts';

export interface SeededSet {
  /** What a list would name, by the reference as printed: `ghcr.io/siderolabs/kubelet:v1.37.1`, or with `@` for the one by digest. */
  readonly images: ReadonlyMap<string, SeededImage>;
  /** What belongs to them without being named: signatures, referrers, fallback tags. */
  readonly attached: readonly SeededImage[];
}

const both = ['linux/amd64', 'linux/arm64'] as const;
const base = 'base {platform}';

/**
 * Pushes the whole set: 15 references of six registries, with shared layers, every manifest shape, and signatures of the three kinds.
 * `layerBytes`: content of each layer, default 2048. About 60 manifests and 60 blobs.
 */
export async function seedSet(target: Target, options: { readonly layerBytes?: number } = {}): Promise<SeededSet> {
  const { layerBytes = 2048 } = options;
  const image = (reference: string, layers: readonly string[], more: Parameters<typeof seedImage>[2] = {}) =>
    seedImage(target, reference, { platforms: both, layers, layerBytes, ...more });
  const kubelet = await image('ghcr.io/siderolabs/kubelet:v1.37.1', [base, 'kubelet {platform}'], {
    attestations: true,
  });
  const installer = await image('ghcr.io/siderolabs/installer:v1.14.4', ['installer {platform}'], {
    compression: 'zstd',
  });
  const referred = await image('ghcr.io/app/referred:1', [base, 'referred {platform}']);
  const fallback = await image('ghcr.io/app/fallback:1', [base, 'fallback {platform}']);
  const images = [
    kubelet,
    installer,
    referred,
    fallback,
    await image('registry.k8s.io/kube-apiserver:v1.37.1', [base, 'go-runner {platform}', 'apiserver {platform}']),
    await image('registry.k8s.io/kube-scheduler:v1.37.1', [base, 'go-runner {platform}', 'scheduler {platform}']),
    await image('registry.k8s.io/pause:3.10', ['pause {platform}'], { platforms: [...both, 'linux/arm/v7'] }),
    await image('registry.k8s.io/etcd:v3.6.4', ['etcd {platform}'], { withoutMediaType: true }),
    await image('docker.io/library/nginx:1.27', ['nginx {platform}'], { docker: true }),
    await image('docker.io/library/alpine:3', [base], { docker: true, platforms: ['linux/amd64'] }),
    await seedNestedIndex(target, 'quay.io/nested/index:1', { layers: [base, 'nested {platform}'], layerBytes }),
    await seedArtifact(target, 'ghcr.io/app/policy:1'),
    await image('mcr.local:5000/windows/server:1', ['windows {platform}'], {
      platforms: ['windows/amd64'],
      docker: true,
      foreignLayer: true,
    }),
    await image('quay.io/app/pinned', [base, 'pinned {platform}'], { byDigest: true }),
    await image('quay.io/app/referred:1', [base, 'another {platform}']),
  ];
  const attached = [
    await seedCosignTag(target, kubelet),
    await seedCosignTag(target, installer, 'att'),
    await seedReferrer(target, referred),
    await seedReferrer(target, referred, { artifactType: 'application/vnd.example.signature', text: 'signed' }),
    await seedFallbackReferrer(target, fallback),
  ];
  return { images: new Map(images.map((seeded) => [printReference(seeded.reference), seeded])), attached };
}
