/** A bundle as a source: read in place, by index, whether it is one file or volumes of a set, all of them or some. Format: docs/bundle-format.md. */
import { readJson } from '../../oci/fields.ts';
import { quoteText } from '../../oci/quote.ts';
import { checkLayoutFile, parseIndexFile } from '../layout/index-file.ts';
import { LayoutNames } from '../layout/names.ts';
import type { BundleReadOptions, BundleSource } from './bundle.ts';
import { BundleStore } from './bundle-store.ts';
import { contentOfArchive, contentOfSet } from './content-of.ts';
import { findVolumes } from './find-volumes.ts';
import { digestOfEntry, type OpenedVolume, openVolume } from './open-volume.ts';
import { documentLimit, refuseBomb } from './parse-set.ts';
import { copyAgainHint, dockerArchiveHint, refused } from './refuse.ts';
import { checkSignature } from './signature.ts';
import { Staging } from './staging.ts';
import type { TarFile } from './tar-file.ts';
import { manifestEntryName } from './volume-layout.ts';

/**
 * Opens a single bundle, one volume of a set, a directory of volumes (any of a set, by any names that end in `.tar`), or a tar of an
 * OCI layout made by another tool. Only headers and indexes are read, nothing is written. Files are looked up again at every read:
 * a disk that is gone and a file that was replaced are told. Throws ERR_INPUT_INVALID, naming file, entry and reason, for everything
 * that cannot be trusted: no tar, a damaged one, another set, the same volume twice, and, with `verifyKey`, no or a wrong signature.
 */
export async function openBundle(path: string, options: BundleReadOptions = {}): Promise<BundleSource> {
  const files = await findVolumes(path);
  const volumes: OpenedVolume[] = [];
  for (const file of files) {
    const opened = await openVolume(file, { signal: options.signal, known: volumes[0], cutShort: options.cutShort });
    if (opened.set !== undefined) {
      refuseUnlessFits(opened, volumes);
      volumes.push(opened);
    } else if (files.length === 1) return archiveOf(path, opened.tar, options);
    else throw refused(file, 'it is no volume of a set', { hint: 'move it out of the directory, or name one file' });
  }
  const [first] = volumes;
  if (first === undefined) throw refused(path, 'there is nothing to read');
  return setOf(path, { first, volumes }, options);
}

/** Throws ERR_INPUT_INVALID for a volume of another set, and one that is there twice. */
function refuseUnlessFits(opened: OpenedVolume, before: readonly OpenedVolume[]): void {
  const { tar, set, volume } = opened;
  const [first] = before;
  if (first !== undefined && first.set.id !== set.id) {
    const state = `it is of set ${set.id.slice(0, 16)}, and "${first.tar.path}" of set ${first.set.id.slice(0, 16)}`;
    throw refused(tar.path, state, { hint: 'keep each set in a directory of its own, or name one volume' });
  }
  const same = before.find((other) => other.volume.number === volume.number);
  if (same === undefined) return;
  const state = `it is volume ${volume.number} of ${volume.volumes}, and so is "${same.tar.path}"`;
  throw refused(tar.path, state, { hint: 'keep one of them' });
}

async function setOf(
  path: string,
  { first, volumes }: { readonly first: OpenedVolume; readonly volumes: readonly OpenedVolume[] },
  options: BundleReadOptions,
): Promise<BundleSource> {
  const signature = signatureOf(volumes, options);
  if (signature === 'verified') await checkManifests(first, options);
  const content = contentOfSet(first.set, volumes);
  const staging = options.staging === undefined ? undefined : new Staging(options.staging, first.set.id);
  await staging?.add(content.values());
  return new BundleStore({
    place: placeOf(path),
    set: first.set,
    volumes,
    tars: volumes.map(({ tar }) => tar),
    content,
    names: await namesIn(first.tar),
    signature,
    staging,
  });
}

async function archiveOf(path: string, tar: TarFile, options: BundleReadOptions): Promise<BundleSource> {
  if (options.verifyKey !== undefined) {
    throw refused(tar.path, 'it is not signed', {
      hint: 'another tool made it: what it holds cannot be trusted by a key',
    });
  }
  const names = await namesIn(tar);
  return new BundleStore({
    place: placeOf(path),
    set: undefined,
    volumes: [],
    tars: [tar],
    content: contentOfArchive(tar),
    names,
    signature: 'absent',
    staging: undefined,
  });
}

function placeOf(path: string): string {
  return `bundle ${quoteText(path, 400)}`;
}

/** Every volume has a signature of its own over the same bytes. Throws ERR_INPUT_INVALID for one that is missing or wrong, when a key is given. */
function signatureOf(volumes: readonly OpenedVolume[], options: BundleReadOptions): BundleSource['signature'] {
  const { verifyKey, verifyKeyName = 'PUB' } = options;
  if (verifyKey === undefined) return volumes.some(({ signature }) => signature !== undefined) ? 'unchecked' : 'absent';
  for (const { tar, setBytes, signature } of volumes) {
    const hint = 'nothing was written: get the bundle again from where it comes, and the key from who signs';
    if (signature === undefined) throw refused(tar.path, 'it is not signed', { hint });
    if (checkSignature({ publicKeyPem: verifyKey, shown: verifyKeyName, bytes: setBytes, signature })) continue;
    throw refused(
      tar.path,
      `its signature is not by key ${quoteText(verifyKeyName)}, or it was changed after it was signed`,
      { hint },
    );
  }
  return 'verified';
}

/** Who asks for a signature wants to hear of changed manifests before anything is written; they are small and lie side by side. */
async function checkManifests({ tar, set }: OpenedVolume, options: BundleReadOptions): Promise<void> {
  for (const { digest } of set.manifests) {
    const name = manifestEntryName(digest);
    const actual = await digestOfEntry(tar, { name, digest, signal: options.signal });
    if (actual === digest) continue;
    throw refused(tar.path, `was changed: it has digest ${actual}`, { entry: name, hint: copyAgainHint });
  }
}

/** Reads `oci-layout` and `index.json`. Throws ERR_INPUT_INVALID when they are missing or wrong. */
async function namesIn(tar: TarFile): Promise<LayoutNames> {
  const layout = await tar.read('oci-layout', 4096);
  const index = await tar.read('index.json', documentLimit);
  if (layout === undefined || index === undefined)
    throw noLayout(tar, layout === undefined ? 'oci-layout' : 'index.json');
  checkLayoutFile(layout.toString('utf8'), `${tar.path}: oci-layout`);
  refuseBomb(index, { path: tar.path, entry: 'index.json' });
  readJson(index, (_, state) => refused(tar.path, state, { entry: 'index.json' }));
  return new LayoutNames(parseIndexFile(index.toString('utf8'), `${tar.path}: index.json`));
}

function noLayout(tar: TarFile, name: string) {
  if (tar.entries.has('manifest.json')) {
    return refused(tar.path, 'it is an archive of docker save, no OCI layout', { hint: dockerArchiveHint });
  }
  return refused(tar.path, `it is no OCI layout: it has no ${name}`, {
    hint: 'name a bundle or a tar of an OCI layout',
  });
}
