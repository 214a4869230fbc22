/**
 * Referrers for targets without the referrers API. What the source lists by API would be lost there, so a client keeps an index under
 * the tag `sha256-<hex>` of the subject instead (OCI distribution-spec v1.1, "Unavailable Referrers API"). Nodes look there too.
 */
import type { Descriptor } from '../oci/descriptor.ts';
import { algorithmOf, type Digest, hexOf } from '../oci/digest.ts';
import { documentOf, type ManifestDocument } from '../oci/manifest.ts';
import { mediaTypes } from '../oci/media-type.ts';
import { parseTag, type Tag } from '../oci/reference.ts';
import type { ResolvedImage, TagAssignment } from '../resolve/resolved.ts';
import type { CallOptions, Target } from '../store/store.ts';

/** Images with a fallback index for every subject that needs one; the others as they are. Asks the target once whether it has the API. */
export async function withFallbackTags(
  images: readonly ResolvedImage[],
  { target, ...call }: CallOptions & { readonly target: Target },
): Promise<readonly ResolvedImage[]> {
  const first = images.find((image) => (image.referrers?.length ?? 0) > 0);
  if (first === undefined) return images;
  const answer = await target.repository(first.target).referrers?.(first.root.digest, call);
  return answer === undefined ? images.map(addFallbackTags) : images;
}

function addFallbackTags(image: ResolvedImage): ResolvedImage {
  const taken = new Set(image.tags.map(({ tag }) => tag));
  const known = new Set(image.manifests.map(({ descriptor }) => descriptor.digest));
  const manifests: ManifestDocument[] = [];
  const tags: TagAssignment[] = [];
  for (const [subject, descriptors] of bySubject(image)) {
    const tag = fallbackTag(subject);
    const there = descriptors.filter(({ digest }) => known.has(digest));
    if (taken.has(tag) || there.length === 0) continue;
    const index = indexOf(there);
    manifests.push(index);
    tags.push({ tag, digest: index.descriptor.digest, role: 'signature' });
  }
  if (tags.length === 0) return image;
  return { ...image, manifests: [...image.manifests, ...manifests], tags: [...image.tags, ...tags] };
}

function fallbackTag(subject: Digest): Tag {
  return parseTag(`${algorithmOf(subject)}-${hexOf(subject)}`.slice(0, 128));
}

function bySubject(image: ResolvedImage): Map<Digest, Descriptor[]> {
  const subjects = new Map<Digest, Descriptor[]>();
  for (const { subject, descriptor } of image.referrers ?? []) {
    const known = subjects.get(subject) ?? [];
    if (!known.some(({ digest }) => digest === descriptor.digest)) known.push(descriptor);
    subjects.set(subject, known);
  }
  return subjects;
}

/** The same referrers give the same bytes. */
function indexOf(descriptors: readonly Descriptor[]): ManifestDocument {
  const manifests = [...descriptors]
    .sort((a, b) => (a.digest < b.digest ? -1 : 1))
    .map(({ mediaType, digest, size, artifactType, annotations }) => ({
      mediaType,
      digest,
      size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations: sortedRecord(annotations) }),
    }));
  const text = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
  return documentOf(Buffer.from(text), mediaTypes.ociIndex);
}

function sortedRecord(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
