/** What belongs to an image without being named by it: artifacts, signatures, referrers and the fallback tag. */
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { hexOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference, parseTag, type Reference } from '../../src/oci/reference.ts';
import type { Target } from '../../src/store/store.ts';
import { Pile, type SeededImage } from './pile.ts';
import { pushIndex } from './seedImages.ts';

export interface ArtifactOptions {
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What the artifact's one layer says. Default: its reference. */
  readonly text?: string;
}

/** An artifact with the empty config (image-spec v1.1, "Guidelines for Artifact Usage"). Without a tag in `reference` it is pushed by digest: write `name@`. */
export async function seedArtifact(
  target: Target,
  reference: string,
  options: ArtifactOptions = {},
): Promise<SeededImage> {
  const { tag, ...name } = parseReference(reference.replace(/@$/, ''));
  const asked: Reference = reference.endsWith('@') || tag === undefined ? name : { ...name, tag };
  const pile = new Pile(target.repository(asked));
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: options.artifactType ?? 'application/vnd.example.policy',
    config: await pile.blob(mediaTypes.ociEmpty, Buffer.from('{}')),
    layers: [await pile.blob('text/plain', Buffer.from(options.text ?? reference))],
    ...(options.subject === undefined ? {} : { subject: bare(options.subject) }),
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  };
  return pile.done(asked, await pile.manifest(document, { mediaType: mediaTypes.ociManifest, tag: asked.tag }));
}

/** A signature as cosign writes it: an image under the tag `sha256-<hex>.sig` beside the image. */
export async function seedCosignTag(
  target: Target,
  image: SeededImage,
  suffix: 'sig' | 'att' | 'sbom' = 'sig',
): Promise<SeededImage> {
  const { registry, repository } = image.reference;
  const tag = parseTag(`sha256-${hexOf(image.root.digest)}.${suffix}`);
  const pile = new Pile(target.repository({ registry, repository }));
  const payload = Buffer.from(JSON.stringify({ critical: { image: { 'docker-manifest-digest': image.root.digest } } }));
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: await pile.blob(mediaTypes.ociConfig, Buffer.from('{"architecture":"","os":"","config":{}}')),
    layers: [
      {
        ...(await pile.blob('application/vnd.dev.cosign.simplesigning.v1+json', payload)),
        annotations: { 'dev.cosignproject.cosign/signature': 'MEUCIQ==' },
      },
    ],
  };
  const root = await pile.manifest(document, { mediaType: mediaTypes.ociManifest, tag });
  return pile.done({ registry, repository, tag }, root);
}

/** An artifact with a subject, listed by the referrers API where the target has it. */
export async function seedReferrer(
  target: Target,
  image: SeededImage,
  options: ArtifactOptions = {},
): Promise<SeededImage> {
  const { registry, repository } = image.reference;
  return seedArtifact(target, `${registry}/${repository}@`, {
    artifactType: 'application/spdx+json',
    text: `about ${image.root.digest}`,
    ...options,
    subject: image.root,
  });
}

/** The referrers fallback (distribution-spec v1.1, "Referrers Tag Schema"): an artifact without a subject field that the tag `sha256-<hex>` lists. */
export async function seedFallbackReferrer(target: Target, image: SeededImage): Promise<SeededImage> {
  const { registry, repository } = image.reference;
  const artifactType = 'application/spdx+json';
  const artifact = await seedArtifact(target, `${registry}/${repository}@`, {
    artifactType,
    text: `fallback ${image.root.digest}`,
  });
  const pile = new Pile(target.repository({ registry, repository }));
  const tag = parseTag(`sha256-${hexOf(image.root.digest)}`);
  const root = await pushIndex(pile, [{ ...artifact.root, artifactType }], { tag });
  return {
    reference: { registry, repository, tag },
    root,
    manifests: [...artifact.manifests, ...pile.manifests],
    blobs: artifact.blobs,
    foreign: [],
  };
}

function bare(descriptor: Descriptor): Descriptor {
  return { mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size };
}
