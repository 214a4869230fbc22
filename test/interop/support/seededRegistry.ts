/** The images the suites mirror, put into a docker-registry over plain HTTP without the program's own client. */
import type { Digest } from '../../../src/oci/digest.ts';
import type { Reference } from '../../../src/oci/reference.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import type { ReadableRepository } from '../../../src/store/store.ts';
import type { SeededImage } from '../../support/pile.ts';
import { seedArtifact, seedCosignTag, seedFallbackReferrer } from '../../support/seedAttached.ts';
import { seedImage, seedNestedIndex } from '../../support/seedImages.ts';
import type { DockerRegistry } from './dockerRegistry.ts';

/** One line of the list, and what has to stand at the target because of it. */
export interface ListedImage {
  readonly line: string;
  readonly repository: string;
  /** Root digest by tag, signature tags included; empty for an image asked by digest alone. */
  readonly tags: ReadonlyMap<string, Digest>;
  /** Every manifest, signatures included. */
  readonly manifests: ReadonlySet<Digest>;
  readonly blobs: ReadonlyMap<Digest, number>;
}

const both = ['linux/amd64', 'linux/arm64'];
const base = 'base {platform}';

/**
 * Sixteen references of all shapes docker-registry takes (no foreign layers), made once and pushed into `registry`, which must be
 * open to everybody. `layerBytes`: content of most layers.
 */
export async function seedRegistry(
  registry: DockerRegistry,
  options: { readonly layerBytes?: number } = {},
): Promise<ListedImage[]> {
  const memory = openMemory();
  const { layerBytes = 20_000 } = options;
  const image = (reference: string, layers: readonly string[], more: Parameters<typeof seedImage>[2] = {}) =>
    seedImage(memory, reference, { platforms: both, layers, layerBytes, ...more });
  const place = async (
    line: string,
    main: SeededImage,
    { attached = [], tag = main.reference.tag }: Extra = {},
  ): Promise<ListedImage> => {
    for (const part of [...attached, main])
      await pushSeeded(registry.url, { part, from: memory.repository(main.reference) });
    if (tag !== undefined)
      await putManifest(registry.url, { repository: main.reference.repository, part: main, as: tag });
    return listed(line, main, { attached, tag });
  };

  const kubelet = await image('ghcr.io/siderolabs/kubelet:v1.37.1', [base, 'kubelet {platform}'], {
    attestations: true,
  });
  const signatures = [await seedCosignTag(memory, kubelet)];
  const installer = await image('ghcr.io/siderolabs/installer:v1.14.4', ['installer {platform}'], {
    compression: 'zstd',
  });
  const attestation = [await seedCosignTag(memory, installer, 'att')];
  const fallback = await image('ghcr.io/app/fallback:1', [base, 'fallback {platform}']);
  const proxy = await image('registry.k8s.io/kube-proxy:v1.37.1', [base, 'proxy {platform}']);
  const pinned = await image('quay.io/app/pinned', [base, 'pinned {platform}'], { byDigest: true });
  const [apiserver, scheduler] = ['apiserver', 'scheduler'].map((name) => `registry.k8s.io/kube-${name}:v1.37.1`) as [
    string,
    string,
  ];
  return [
    await place('ghcr.io/siderolabs/kubelet:v1.37.1', kubelet, { attached: signatures }),
    await place('ghcr.io/siderolabs/kubelet:v1.37', kubelet, {
      attached: signatures,
      tag: 'v1.37' as Reference['tag'],
    }),
    await place('ghcr.io/siderolabs/installer:v1.14.4', installer, { attached: attestation }),
    await place('ghcr.io/app/fallback:1', fallback, { attached: [await seedFallbackReferrer(memory, fallback)] }),
    await place(apiserver, await image(apiserver, [base, 'go-runner {platform}', 'apiserver {platform}'])),
    await place(scheduler, await image(scheduler, [base, 'go-runner {platform}', 'scheduler {platform}'])),
    await place(`registry.k8s.io/kube-proxy:v1.37.1@${proxy.root.digest}`, proxy),
    await place(
      'registry.k8s.io/pause:3.10',
      await image('registry.k8s.io/pause:3.10', ['pause {platform}'], { platforms: [...both, 'linux/arm/v7'] }),
    ),
    await place(
      'registry.k8s.io/etcd:v3.6.9',
      await image('registry.k8s.io/etcd:v3.6.9', ['etcd {platform}'], { withoutMediaType: true }),
    ),
    await place(
      'registry.k8s.io/coredns/coredns:v1.14.0',
      await image('registry.k8s.io/coredns/coredns:v1.14.0', [base, 'coredns {platform}']),
    ),
    await place('nginx:1.27', await image('docker.io/library/nginx:1.27', ['nginx {platform}'], { docker: true })),
    await place(
      'alpine',
      await image('docker.io/library/alpine:latest', [base], { docker: true, platforms: ['linux/amd64'] }),
    ),
    await place('docker.io/grafana/loki:3.9.0', await image('docker.io/grafana/loki:3.9.0', [base, 'loki {platform}'])),
    await place(
      'quay.io/nested/index:1',
      await seedNestedIndex(memory, 'quay.io/nested/index:1', { layers: [base, 'nested {platform}'], layerBytes }),
    ),
    await place('ghcr.io/app/policy:1', await seedArtifact(memory, 'ghcr.io/app/policy:1')),
    await place(`quay.io/app/pinned@${pinned.root.digest}`, pinned),
  ];
}

interface Extra {
  readonly attached?: readonly SeededImage[];
  readonly tag?: Reference['tag'];
}

function listed(line: string, main: SeededImage, { attached = [], tag }: Extra): ListedImage {
  const parts = [main, ...attached];
  const tagged = attached.flatMap((part) =>
    part.reference.tag === undefined ? [] : [[part.reference.tag, part.root.digest] as const],
  );
  return {
    line,
    repository: main.reference.repository,
    tags: new Map([...(tag === undefined ? [] : [[tag, main.root.digest] as const]), ...tagged]),
    manifests: new Set(parts.flatMap((part) => part.manifests.map(({ descriptor }) => descriptor.digest))),
    blobs: new Map(parts.flatMap((part) => part.blobs.map(({ digest, size }) => [digest, size]))),
  };
}

interface Push {
  readonly part: SeededImage;
  readonly from: ReadableRepository;
}

/** Blobs by POST and PUT, then manifests by digest, then the tag (OCI distribution-spec v1.1, "Pushing"). */
export async function pushSeeded(url: string, { part, from }: Push): Promise<void> {
  const { repository, tag } = part.reference;
  for (const blob of part.blobs) {
    if ((await fetch(`${url}/v2/${repository}/blobs/${blob.digest}`, { method: 'HEAD' })).ok) continue;
    const bytes: Uint8Array[] = [];
    for await (const chunk of await from.fetch(blob)) bytes.push(chunk);
    const session = await expectStatus(fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' }), 202);
    const place = new URL(session.headers.get('location') ?? '', url);
    place.searchParams.set('digest', blob.digest);
    await expectStatus(
      fetch(place, {
        method: 'PUT',
        body: Buffer.concat(bytes),
        headers: { 'content-type': 'application/octet-stream' },
      }),
      201,
    );
  }
  for (const { descriptor } of part.manifests)
    await putManifest(url, { repository, part, as: descriptor.digest, digest: descriptor.digest });
  if (tag !== undefined) await putManifest(url, { repository, part, as: tag });
}

interface ManifestPut {
  readonly repository: string;
  readonly part: SeededImage;
  readonly as: string;
  /** Default: the root. */
  readonly digest?: Digest;
}

async function putManifest(
  url: string,
  { repository, part, as, digest = part.root.digest }: ManifestPut,
): Promise<void> {
  const manifest = part.manifests.find(({ descriptor }) => descriptor.digest === digest);
  if (manifest === undefined) throw new Error(`${digest} was not seeded`);
  const headers = { 'content-type': manifest.descriptor.mediaType };
  await expectStatus(
    fetch(`${url}/v2/${repository}/manifests/${as}`, { method: 'PUT', body: Buffer.from(manifest.bytes), headers }),
    201,
  );
}

async function expectStatus(answer: Promise<Response>, status: number): Promise<Response> {
  const response = await answer;
  if (response.status !== status)
    throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return response;
}
