/** Manifests as they are pushed, and what is taken away (distribution-spec v1.1, "Pushing Manifests" and "Content Management"). */
import { isAirgapError } from '../errors.ts';
import { algorithmOf, type Digest, digestOf, isDigest } from '../oci/digest.ts';
import { manifestPath } from '../oci/distribution.ts';
import { type ImageIndex, type ImageManifest, parseManifest } from '../oci/manifest.ts';
import { isTag, type Tag } from '../oci/reference.ts';
import { type ManifestPart, manifestLimit, peekManifest } from '../store/peek.ts';
import type { WritableRepository } from '../store/store.ts';
import type { Exchange } from './exchange.ts';
import { orNotFound, quoted } from './finder.ts';
import type { WireName } from './names.ts';
import { Refusal, refusals } from './refusal.ts';
import { type Workshop, writable } from './writing.ts';

/** Most tags one request may write. */
const mostTags = 100;

/** PUT of a manifest by tag or digest. Everything it names must be here, but what foreign layers name (and, when sparse, children). By digest, each `tag` of the query is written as well and answered in `OCI-Tag`. */
export async function putManifest(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; reference: Tag | Digest },
): Promise<void> {
  const { wire, reference } = asked;
  const tags = tagsOf(exchange, reference);
  if ((exchange.contentLength ?? 0) > manifestLimit) {
    throw new Refusal(refusals.tooLarge, `a manifest has at most ${manifestLimit} bytes`);
  }
  const bytes = await exchange.body(manifestLimit);
  const digest = digestOf(bytes, isDigest(reference) ? algorithmOf(reference) : 'sha256');
  if (isDigest(reference) && digest !== reference)
    throw new Refusal(refusals.digestInvalid, `the manifest's digest is ${digest}`);
  const manifest = readManifest(bytes, exchange.header('content-type'));
  const repository = writable(workshop, wire);
  const descriptor = { mediaType: manifest.mediaType, digest, size: bytes.length };
  await workshop.turns.add(async () => {
    await refuseIncomplete(workshop, { wire, repository, parts: peekManifest(bytes)?.parts ?? [] });
    const { signal } = exchange;
    const [first, ...more] = tags;
    await repository.pushManifest(descriptor, bytes, { tag: first, signal });
    // The manifest is there by now: the rest are names alone, which a store can write together.
    await Promise.all(more.map((tag) => repository.pushManifest(descriptor, bytes, { tag, signal })));
    await workshop.target.flush?.();
  });
  workshop.names.forget();
  exchange.send(201, {
    location: manifestPath(wire.name, digest),
    'docker-content-digest': digest,
    ...(manifest.subject === undefined || repository.referrers === undefined
      ? {}
      : { 'oci-subject': manifest.subject.digest }),
    ...(isDigest(reference) && tags.length > 0 ? { 'oci-tag': tags.join(', ') } : {}),
  });
}

/** The tag in the path, or with a digest there the tags in the query. */
function tagsOf(exchange: Exchange, reference: Tag | Digest): Tag[] {
  if (!isDigest(reference)) return [reference];
  const wanted = [...new Set(exchange.query.getAll('tag'))];
  const bad = wanted.find((tag) => !isTag(tag));
  if (bad !== undefined) throw new Refusal(refusals.manifestInvalid, `${quoted(bad)} is no tag`);
  if (wanted.length > mostTags)
    throw new Refusal(refusals.manifestInvalid, `at most ${mostTags} tags are written at once`);
  return wanted.filter(isTag);
}

function readManifest(bytes: Uint8Array, contentType: string | undefined): ImageManifest | ImageIndex {
  try {
    return parseManifest(bytes, contentType);
  } catch (error) {
    if (isAirgapError(error)) throw new Refusal(refusals.manifestInvalid, error.message);
    throw error;
  }
}

interface Incomplete {
  readonly wire: WireName;
  readonly repository: WritableRepository;
  readonly parts: readonly ManifestPart[];
}

async function refuseIncomplete(workshop: Workshop, { wire, repository, parts }: Incomplete): Promise<void> {
  const absent: Digest[] = [];
  for (const part of parts) {
    if (part.role === 'foreign' || (part.role === 'manifest' && workshop.sparse)) continue;
    const there =
      part.role === 'manifest'
        ? await orNotFound(repository.resolve(part.digest))
        : await workshop.finder.blobSize(repository, part.digest);
    if (there === undefined) absent.push(part.digest);
  }
  if (absent.length === 0) return;
  const detail = absent.map((missing) => ({ digest: missing }));
  throw new Refusal(refusals.manifestBlobUnknown, `${quoted(wire.name)} lacks ${absent.join(', ')}`, { detail });
}

/** DELETE of a tag, or of a manifest by digest with every tag that stands for it. */
export async function deleteManifest(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; reference: Tag | Digest },
): Promise<void> {
  const { wire, reference } = asked;
  const { signal } = exchange;
  const removed = await removeFirst(workshop, wire, (repository) =>
    isDigest(reference)
      ? repository.removeManifest?.(reference, { signal })
      : repository.removeTag?.(reference, { signal }),
  );
  if (!removed) throw new Refusal(refusals.manifestUnknown, `${quoted(wire.name)} has no ${quoted(reference)}`);
  workshop.names.forget();
  exchange.send(202, {});
}

/** DELETE of a blob. Refused with 403 while a manifest needs it. */
export async function deleteBlob(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; digest: Digest },
): Promise<void> {
  const { wire, digest } = asked;
  const { signal } = exchange;
  const removed = await removeFirst(workshop, wire, (repository) => repository.removeBlob?.(digest, { signal }));
  if (!removed) throw new Refusal(refusals.blobUnknown, `${quoted(wire.name)} has no blob ${digest}`);
  exchange.send(202, {});
}

/** Asks the repositories the name means by itself, never one of another registry that only has the same path. Throws a refusal where the store removes nothing. */
function removeFirst(
  workshop: Workshop,
  wire: WireName,
  remove: (repository: WritableRepository) => Promise<boolean> | undefined,
): Promise<boolean> {
  return workshop.turns.remove(async () => {
    for (const name of workshop.names.exact(wire)) {
      const removing = remove(workshop.target.repository(name));
      if (removing === undefined) throw new Refusal(refusals.methodNotAllowed, 'this store removes nothing');
      if (await removing) return true;
    }
    return false;
  });
}
