/** Taking manifests and blobs out of a layout. Names go first and are on disk before the answer; files go only when no name leads to them. */
import { AirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { formatRepository, type RepositoryName } from '../../oci/reference.ts';
import type { LayoutNames } from './names.ts';
import { factsOf, type LayoutParts, reachable, walk } from './reach.ts';

/** What is to go, and out of which repository. */
export interface Removal {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

/** The file stays, as another repository may name it; `airgap gc` removes what nothing names. Throws ERR_DENIED while an index of the repository lists the manifest. */
export async function removeManifest(parts: LayoutParts, { name, digest }: Removal): Promise<boolean> {
  const names = await parts.names();
  if (!(await reachable(parts, names, name)).has(digest)) return false;
  const others = await walk(
    parts,
    names.entries(name).filter((entry) => entry !== digest),
  );
  if (others.has(digest)) throw needed(parts, { digest, state: `an index of ${formatRepository(name)} lists it` });
  if (names.isNamedElsewhere(digest)) throw needed(parts, { digest, state: 'an entry without a repository names it' });
  const children: Descriptor[] = [];
  for (const part of (await factsOf(parts, digest))?.parts ?? []) {
    if (part.role !== 'manifest' || others.has(part.digest)) continue;
    const facts = await factsOf(parts, part.digest);
    if (facts === undefined) continue;
    const mediaType = names.mediaTypeOf(part.digest) ?? facts.mediaType;
    children.push({ mediaType, digest: part.digest, size: facts.size });
  }
  names.remove(name, digest, children);
  await parts.changed(true);
  return true;
}

/** Throws ERR_DENIED while a manifest of any repository needs the blob, or is it. */
export async function removeBlob(parts: LayoutParts, { name, digest }: Removal): Promise<boolean> {
  const { blobs } = parts;
  if (blobs.remove === undefined || (await blobs.size(digest)) === undefined) return false;
  const names = await parts.names();
  const user = await userOf(parts, { names, digest, name });
  if (user !== undefined) throw needed(parts, { digest, state: `${user} needs it` });
  // A removal of names that is not on disk yet would lead to a file that is gone.
  await parts.settled?.();
  parts.facts.delete(digest);
  return blobs.remove(digest);
}

/** The manifest that needs a blob, with its repository. Entries of other tools belong to every repository: the named one is looked through even when it is empty. */
async function userOf(
  parts: LayoutParts,
  { names, digest, name }: Removal & { readonly names: LayoutNames },
): Promise<string | undefined> {
  for (const repository of [...names.repositories(), name]) {
    for (const manifest of await reachable(parts, names, repository)) {
      const isUser = parts.facts.get(manifest)?.parts.some((part) => part.digest === digest) === true;
      if (isUser || manifest === digest) return `${formatRepository(repository)}@${manifest}`;
    }
  }
  return undefined;
}

function needed(parts: LayoutParts, { digest, state }: { digest: Digest; state: string }): AirgapError {
  return new AirgapError('ERR_DENIED', `Cannot remove "${digest}" from ${parts.place}: ${state}`, {
    digest,
    hint: 'remove what needs it first',
  });
}
