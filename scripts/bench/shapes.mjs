/**
 * What the image sets look like: which images there are, which layers each platform has and how large they are.
 * Everything follows from a seed, so the same set has the same digests everywhere.
 */

/** Numbers from 0 to 1 in a fixed order (mulberry32). */
export function sequence(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

const MB = 1_000_000;
const twoPlatforms = ['amd64', 'arm64'];

/**
 * Shaped like the images of a Talos release with some workload: 18 tags in 17 repositories, 53 manifests, 112 blobs,
 * 1,213 MB, and 1,466 MB when nothing that images share is reused.
 */
const talosImages = [
  ['ghcr.io/siderolabs/installer-base', 'v1.14.4', 'installer'],
  ['ghcr.io/siderolabs/installer', 'v1.14.4', 'installer'],
  ['ghcr.io/siderolabs/kubelet', 'v1.37.1', 'base'],
  ['ghcr.io/siderolabs/kubelet', 'v1.36.4', 'base'],
  ['ghcr.io/siderolabs/flannel', 'v0.28.0', 'own'],
  ['ghcr.io/siderolabs/iscsi-tools', 'v0.2.0', 'own'],
  ['registry.k8s.io/kube-apiserver', 'v1.37.1', 'base'],
  ['registry.k8s.io/kube-controller-manager', 'v1.37.1', 'base'],
  ['registry.k8s.io/kube-scheduler', 'v1.37.1', 'base'],
  ['registry.k8s.io/kube-proxy', 'v1.37.1', 'base'],
  ['registry.k8s.io/coredns/coredns', 'v1.14.0', 'base'],
  ['registry.k8s.io/etcd', '3.6.9-0', 'base'],
  ['registry.k8s.io/metrics-server/metrics-server', 'v0.9.0', 'base'],
  ['quay.io/cilium/operator-generic', 'v1.19.1', 'base'],
  ['docker.io/grafana/loki', '3.9.0', 'base'],
  ['docker.io/rancher/local-path-provisioner', 'v0.0.36', 'base'],
  ['registry.k8s.io/pause', '3.10', 'three'],
  ['ghcr.io/siderolabs/talosctl-all', 'v1.14.4', 'single'],
];

function talos(scale) {
  const random = sequence(1);
  const shared = {
    base: (arch) => [
      { key: `base-a-${arch}`, size: 1.2 * MB },
      { key: `base-b-${arch}`, size: 1.1 * MB },
    ],
    installer: (arch) => [{ key: `installer-${arch}`, size: 101.2 * MB }],
  };
  // Sizes of the layers that only one image has: many small, some large, together what is missing from 1,213 MB.
  const own = Array.from({ length: 70 }, () => Math.exp(random() * 5.2));
  const whole = own.reduce((sum, weight) => sum + weight, 0);
  const sizes = own.map((weight) => (weight / whole) * 1005.6 * MB);
  let next = 0;
  const ownLayers = (count) =>
    Array.from({ length: count }, () => {
      const layer = { key: `own-${next}`, size: sizes[next] };
      next += 1;
      return layer;
    });
  return talosImages.map(([repository, tag, kind]) => {
    const architectures = kind === 'three' ? [...twoPlatforms, 's390x'] : kind === 'single' ? ['amd64'] : twoPlatforms;
    const platforms = architectures.map((arch) => {
      const few = kind === 'three' && arch !== 'amd64';
      return { arch, layers: [...(shared[kind]?.(arch) ?? []), ...ownLayers(few ? 1 : 2)] };
    });
    return { repository, tag, index: kind !== 'single', platforms: scaled(platforms, scale) };
  });
}

/** 500 images of one manifest and two blobs each. */
function many(scale) {
  const random = sequence(2);
  return Array.from({ length: Math.max(1, Math.round(500 * scale)) }, (_, number) => {
    const name = String(number).padStart(3, '0');
    const layers = [{ key: `small-${name}`, size: 4000 + Math.floor(random() * 36_000) }];
    return {
      repository: `registry.example.com/apps/app-${name}`,
      tag: 'v1',
      index: false,
      platforms: [{ arch: 'amd64', layers }],
    };
  });
}

/** One image with one layer of 1 GB. */
function large(scale) {
  const platforms = [{ arch: 'amd64', layers: [{ key: 'large', size: 1000 * MB }] }];
  return [
    { repository: 'registry.example.com/data/model', tag: 'v1', index: false, platforms: scaled(platforms, scale) },
  ];
}

function scaled(platforms, scale) {
  const layers = (list) => list.map(({ key, size }) => ({ key, size: Math.max(64, Math.round(size * scale)) }));
  return platforms.map((platform) => ({ ...platform, layers: layers(platform.layers) }));
}

export const shapes = { talos, many, large };
