/** What has to be true after every case, whatever went wrong. Each function gives a sentence for what is wrong, or nothing. */
import type { AirgapError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { blobsOf, childrenOf, parseManifest } from '../../src/oci/manifest.ts';
import { isManifestType } from '../../src/oci/media-type.ts';
import { printReference, type RepositoryName } from '../../src/oci/reference.ts';
import type { ReadableRepository, Target } from '../../src/store/store.ts';
import { readVerified } from '../../src/store/verified.ts';
import type { SeededImage } from '../support/pile.ts';
import type { CaseRun, Mirrored } from './stage.ts';
import { targetRegistry } from './stage.ts';

const limit = 1024 * 1024 * 1024;

/** Tags of the target whose image is not all there, byte for byte. */
export async function halfImages(store: Target): Promise<string[]> {
  const wrong: string[] = [];
  for await (const name of store.catalog?.() ?? []) {
    const repository = store.repository(name);
    for await (const tag of repository.tags?.() ?? []) {
      const root = await repository.resolve(tag);
      const lost = await missingUnder(repository, root);
      if (lost !== undefined) wrong.push(`tag ${name.repository}:${tag} stands on half an image: ${lost}`);
    }
  }
  return wrong;
}

async function missingUnder(repository: ReadableRepository, descriptor: Descriptor): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readVerified(repository, descriptor, { limit });
  } catch (error) {
    return `${descriptor.digest}: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (!isManifestType(descriptor.mediaType)) return undefined;
  const manifest = parseManifest(bytes, descriptor.mediaType);
  for (const part of [...childrenOf(manifest), ...blobsOf(manifest)]) {
    const lost = await missingUnder(repository, part);
    if (lost !== undefined) return lost;
  }
  return undefined;
}

/** What of an image is not at the target as it was upstream. */
export async function differences(store: Target, image: SeededImage): Promise<string[]> {
  const place: RepositoryName = { registry: targetRegistry, repository: image.reference.repository };
  const repository = store.repository(place);
  const wrong: string[] = [];
  const { tag } = image.reference;
  const standing = tag === undefined ? image.root.digest : await tagged(repository, tag);
  if (standing !== image.root.digest) wrong.push(`${printReference(image.reference)} stands for ${standing}`);
  for (const part of [...image.manifests.map(({ descriptor }) => descriptor), ...image.blobs]) {
    const lost = await missingUnder(repository, part);
    if (lost !== undefined) wrong.push(`${printReference(image.reference)} lacks ${lost}`);
  }
  return wrong;
}

async function tagged(repository: ReadableRepository, tag: NonNullable<SeededImage['reference']['tag']>) {
  return await repository.resolve(tag).then(
    ({ digest }): Digest | 'nothing' => digest,
    () => 'nothing' as const,
  );
}

/** Differences of every image that the run calls complete. */
export async function brokenPromises(
  run: Mirrored,
  at: { readonly store: Target; readonly images: readonly SeededImage[] },
): Promise<string[]> {
  const complete = (run.result?.receipt.images ?? []).flatMap((image) =>
    image.status === 'complete' ? [printReference(image.image.reference)] : [],
  );
  const wrong: string[] = [];
  for (const image of at.images) {
    if (complete.includes(printReference(image.reference))) wrong.push(...(await differences(at.store, image)));
  }
  return wrong;
}

const everywhere = ['ERR_NO_SPACE', 'ERR_INTERRUPTED'];
/** Answers that break the protocol: what to do is not for us to say. */
const nothingToDo = ['ERR_PROTOCOL', 'ERR_SIZE_MISMATCH', 'ERR_NOT_FOUND'];
const aboutBytes = ['ERR_DIGEST_MISMATCH', 'ERR_SIZE_MISMATCH'];

/** What an error does not say although its reader needs it: the image, the host, the digest of wrong bytes, what to do. */
export function silentErrors(run: Pick<CaseRun, 'errors' | 'thrown'>): string[] {
  return run.errors.flatMap((error) =>
    missingWords(error, run.thrown !== undefined).map(
      (word) => `${error.code} "${error.message}" does not name ${word}`,
    ),
  );
}

function missingWords(error: AirgapError, ofTheRun: boolean): string[] {
  const words: string[] = [];
  if (!ofTheRun && error.reference === undefined) words.push('the image');
  if (!ofTheRun && /@sha/.test(error.reference ?? '')) words.push(`the image but ${error.reference}`);
  if (error.host === undefined && !everywhere.includes(error.code)) words.push('the host');
  if (error.digest === undefined && aboutBytes.includes(error.code)) words.push('the digest');
  if (error.hint === undefined && !nothingToDo.includes(error.code)) words.push('what to do');
  if (error.message.includes('\n')) words.push('its matter in one line');
  return words;
}
