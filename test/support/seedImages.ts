/** Small, real, seeded images in any target: what the suites mirror. The same seed gives the same bytes. `seedSet.ts` has one of every shape. */
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { type Platform, parsePlatform } from '../../src/oci/platform.ts';
import { parseReference, type Reference, type Tag } from '../../src/oci/reference.ts';
import type { Target } from '../../src/store/store.ts';
import { type Compression, makeLayer } from './layers.ts';
import { Pile, type SeededImage } from './pile.ts';

export interface ImageOptions {
  /** One: a plain image manifest. More: an index. Default linux/amd64 alone. */
  readonly platforms?: readonly string[];
  /** Seeds of the layers, bottom first. Equal seeds are equal layers in every image; `{platform}` stands for the platform. Default one of its own. */
  readonly layers?: readonly string[];
  /** Bytes of content of each layer. Default 2048. */
  readonly layerBytes?: number;
  readonly compression?: Compression;
  /** Docker schema 2 media types instead of OCI ones. */
  readonly docker?: boolean;
  /** Adds a BuildKit attestation child (unknown/unknown) for each platform. Needs more than one platform. */
  readonly attestations?: boolean;
  /** Adds a layer that is named with `urls` and not pushed. */
  readonly foreignLayer?: boolean;
  /** Leaves `mediaType` out of the manifests, as OCI allows. */
  readonly withoutMediaType?: boolean;
}

/** Pushes one image. `reference` is read as users write it; with `byDigest` its tag is not written. */
export async function seedImage(
  target: Target,
  reference: string,
  options: ImageOptions & { readonly byDigest?: boolean } = {},
): Promise<SeededImage> {
  const { tag, ...rest } = parseReference(reference);
  const asked: Reference = options.byDigest === true || tag === undefined ? rest : { ...rest, tag };
  const pile = new Pile(target.repository(asked));
  const platforms = (options.platforms ?? ['linux/amd64']).map(parsePlatform);
  const [only] = platforms;
  if (only !== undefined && platforms.length === 1) {
    return pile.done(asked, await pushPlatform(pile, { reference, platform: only, options, tag: asked.tag }));
  }
  const children: Descriptor[] = [];
  for (const platform of platforms)
    children.push({ ...(await pushPlatform(pile, { reference, platform, options })), platform });
  if (options.attestations === true) {
    for (const child of [...children]) children.push(await pushAttestation(pile, child));
  }
  return pile.done(asked, await pushIndex(pile, children, { ...options, tag: asked.tag }));
}

interface PlatformImage {
  readonly reference: string;
  readonly platform: Platform;
  readonly options: ImageOptions;
  readonly tag?: Tag | undefined;
}

async function pushPlatform(pile: Pile, image: PlatformImage): Promise<Descriptor> {
  const { options, platform } = image;
  const docker = options.docker === true;
  const name = Object.values(platform).join('-');
  const layers: Descriptor[] = [];
  const diffIds: Digest[] = [];
  for (const seed of options.layers ?? [`${image.reference} {platform}`]) {
    const layer = makeLayer(seed.replace('{platform}', name), {
      size: options.layerBytes ?? 2048,
      compression: options.compression ?? 'gzip',
    });
    layers.push(await pile.blob(layerType(options), layer.bytes));
    diffIds.push(layer.diffId);
  }
  if (options.foreignLayer === true) layers.push(addForeign(pile, image.reference));
  const config = Buffer.from(
    JSON.stringify({
      ...platform,
      created: '2020-01-01T00:00:00Z',
      config: { Labels: { seed: image.reference } },
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  );
  const configType = docker ? 'application/vnd.docker.container.image.v1+json' : mediaTypes.ociConfig;
  const mediaType = docker ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const document = {
    schemaVersion: 2,
    ...(options.withoutMediaType === true ? {} : { mediaType }),
    config: await pile.blob(configType, config),
    layers,
  };
  return pile.manifest(document, { mediaType, tag: image.tag });
}

function layerType(options: ImageOptions): string {
  if (options.docker === true) return 'application/vnd.docker.image.rootfs.diff.tar.gzip';
  const suffix = options.compression === 'none' ? '' : `+${options.compression ?? 'gzip'}`;
  return `application/vnd.oci.image.layer.v1.tar${suffix}`;
}

function addForeign(pile: Pile, seed: string): Descriptor {
  const { bytes } = makeLayer(`foreign ${seed}`, { size: 512 });
  const foreign: Descriptor = {
    mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    digest: digestOf(bytes),
    size: bytes.length,
    urls: ['https://go.invalid/layer.tar.gz'],
  };
  pile.foreign.push(foreign);
  return foreign;
}

async function pushAttestation(pile: Pile, child: Descriptor): Promise<Descriptor> {
  const statement = Buffer.from(
    JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.1', subject: [{ digest: child.digest }] }),
  );
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'unknown',
      os: 'unknown',
      rootfs: { type: 'layers', diff_ids: [digestOf(statement)] },
    }),
  );
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: await pile.blob(mediaTypes.ociConfig, config),
    layers: [await pile.blob('application/vnd.in-toto+json', statement)],
  };
  return {
    ...(await pile.manifest(document, { mediaType: mediaTypes.ociManifest })),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.digest': child.digest, 'vnd.docker.reference.type': 'attestation-manifest' },
  };
}

/** Pushes an index of these manifests, with a tag where one is given. */
export async function pushIndex(
  pile: Pile,
  manifests: readonly Descriptor[],
  options: ImageOptions & { tag?: Tag | undefined },
): Promise<Descriptor> {
  const mediaType = options.docker === true ? mediaTypes.dockerList : mediaTypes.ociIndex;
  const typed = options.withoutMediaType === true ? {} : { mediaType };
  return pile.manifest({ schemaVersion: 2, ...typed, manifests }, { mediaType, tag: options.tag });
}

/** An index that names the roots of other images, whose content it pushes into its own repository too. */
export async function seedNestedIndex(
  target: Target,
  reference: string,
  options: ImageOptions = {},
): Promise<SeededImage> {
  const asked = parseReference(reference);
  const pile = new Pile(target.repository(asked));
  const inner: Descriptor[] = [];
  for (const platform of (options.platforms ?? ['linux/amd64', 'linux/arm64']).map(parsePlatform)) {
    inner.push({ ...(await pushPlatform(pile, { reference, platform, options })), platform });
  }
  const [first, ...others] = inner;
  if (first === undefined) throw new Error('a nested index needs a platform');
  const nested = await pushIndex(pile, others, options);
  return pile.done(asked, await pushIndex(pile, [first, nested], { ...options, tag: asked.tag }));
}
