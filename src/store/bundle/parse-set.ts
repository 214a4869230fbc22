/** `airgap/set.json` and `airgap/volume.json` read back. They may have been made by anyone: every field is checked before it is believed. */
import { type Digest, isDigest } from '../../oci/digest.ts';
import { type Field, readJson } from '../../oci/fields.ts';
import { quoteText } from '../../oci/quote.ts';
import { formatRepository, isRepositoryPath, parseRepository } from '../../oci/reference.ts';
import { mostVolumes } from './packing.ts';
import { printSet, setIdOf } from './print-set.ts';
import { refused } from './refuse.ts';
import type { BaseBlob, BundleSet, BundleVolume, SetBlob, SetFile, SetPart } from './set.ts';
import { entryNames } from './set.ts';

/** Largest document of a bundle that is read whole, in bytes: a set of some 150 000 blobs. */
export const documentLimit = 32 * 1024 * 1024;
const harmlessSize = 1024 * 1024;
const mostEntries = 1_000_000;
const mostFiles = 1000;

/** Reads `airgap/set.json` of the file at `path`. Throws ERR_INPUT_INVALID naming the field, and when it is not written as printSet() writes it, under its own id. */
export function parseSet(bytes: Uint8Array, path: string): BundleSet {
  const document = readDocument(bytes, { path, entry: entryNames.set });
  document.onlyKnows(['version', 'id', 'volumes', 'volumeSize', 'talos', 'files', 'manifests', 'blobs', 'base']);
  const volumes = readVolumes(document.at('volumes'));
  const volumeSize = document.at('volumeSize').optional((field) => field.count());
  const talos = document.at('talos').optional(readTalos);
  const set: BundleSet = {
    version: 1,
    id: readId(document.at('id')),
    volumes,
    ...(volumeSize === undefined ? {} : { volumeSize }),
    ...(talos === undefined ? {} : { talos }),
    files: sorted(document.at('files').list(mostFiles), { read: readFile, key: (file) => file.name }),
    manifests: sorted(document.at('manifests').list(mostEntries), { read: readManifest, key: (one) => one.digest }),
    blobs: sorted(document.at('blobs').list(mostEntries), {
      read: (field) => readBlob(field, volumes),
      key: (blob) => blob.digest,
    }),
    base: sorted(document.at('base').list(mostEntries), { read: readBase, key: (blob) => blob.digest }),
  };
  refuseTwice(document, set);
  if (setIdOf(set) !== set.id) document.at('id').fail('is not that of its content');
  if (printSet(set) !== Buffer.from(bytes).toString('utf8')) {
    throw refused(path, 'is not written as airgap writes it', { entry: entryNames.set });
  }
  return set;
}

/** Reads `airgap/volume.json` of the file at `path`. Throws ERR_INPUT_INVALID naming the field. */
export function parseVolume(bytes: Uint8Array, path: string): BundleVolume {
  const document = readDocument(bytes, { path, entry: entryNames.volume });
  document.onlyKnows(['version', 'set', 'number', 'volumes', 'content']);
  const volumes = readVolumes(document.at('volumes'));
  return {
    version: 1,
    set: readId(document.at('set')),
    number: readNumber(document.at('number'), volumes),
    volumes,
    content: document
      .at('content')
      .list(mostEntries)
      .map((field) => {
        field.onlyKnows(['digest', 'start', 'length', 'checksum']);
        return {
          digest: readDigest(field.at('digest')),
          start: field.at('start').count(),
          length: field.at('length').count(),
          checksum: readDigest(field.at('checksum')),
        };
      }),
  };
}

/**
 * Throws ERR_INPUT_INVALID for a large document of little else than brackets: read, it would take very much more memory than the file.
 * Documents of bundles have one bracket in some fifty bytes.
 */
export function refuseBomb(bytes: Uint8Array, where: { readonly path: string; readonly entry: string }): void {
  if (bytes.length < harmlessSize) return;
  let brackets = 0;
  for (const byte of bytes) if (byte === 0x7b || byte === 0x5b) brackets += 1;
  if (brackets > bytes.length / 16) throw refused(where.path, 'has too many objects and lists', { entry: where.entry });
}

function readDocument(bytes: Uint8Array, where: { path: string; entry: string }): Field {
  refuseBomb(bytes, where);
  const refuse = (field: string, state: string) =>
    refused(where.path, field === '' ? state : `has a field ${quoteText(field)} that ${state}`, { entry: where.entry });
  const document = readJson(bytes, refuse);
  const version = document.at('version').count();
  if (version === 1) return document;
  throw refused(where.path, `has version ${version}, and this program reads version 1`, {
    entry: where.entry,
    hint: 'use the release of airgap that wrote it, or a newer one',
  });
}

function readId(field: Field): string {
  const id = field.text();
  return /^[0-9a-f]{64}$/.test(id) ? id : field.fail('is not 64 hex digits');
}

function readVolumes(field: Field): number {
  const volumes = field.count();
  return volumes >= 1 && volumes <= mostVolumes ? volumes : field.fail(`is not from 1 to ${mostVolumes}`);
}

function readNumber(field: Field, volumes: number): number {
  const number = field.count();
  return number >= 1 && number <= volumes ? number : field.fail(`is not from 1 to ${volumes}`);
}

function readTalos(field: Field): string {
  const text = field.text();
  return /^v[0-9][0-9A-Za-z.+-]{0,60}$/.test(text) ? text : field.fail('is no version, as in v1.14.4');
}

function readDigest(field: Field): Digest {
  const text = field.text();
  return isDigest(text) ? text : field.fail('is not a sha256 or sha512 digest in lower-case hex');
}

function readFile(field: Field): SetFile {
  field.onlyKnows(['name', 'size', 'digest']);
  return {
    name: readFileName(field.at('name')),
    size: field.at('size').count(),
    digest: readDigest(field.at('digest')),
  };
}

/** Apart from what has its own place: blobs, and what the bundle says about itself. */
function readFileName(field: Field): string {
  const name = field.text();
  const isPlain = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,199}){0,7}$/.test(name);
  return isPlain && !/^(?:blobs|airgap)(?:\/|$)/.test(name) ? name : field.fail('is no name that a file can have here');
}

function readManifest(field: Field): { readonly digest: Digest; readonly size: number } {
  field.onlyKnows(['digest', 'size']);
  return { digest: readDigest(field.at('digest')), size: field.at('size').count() };
}

function readBlob(field: Field, volumes: number): SetBlob {
  field.onlyKnows(['digest', 'size', 'parts']);
  const size = field.at('size').count();
  const parts = field
    .at('parts')
    .list(volumes)
    .map((part): SetPart => {
      part.onlyKnows(['volume', 'start', 'length']);
      const volume = readNumber(part.at('volume'), volumes);
      return { volume, start: part.at('start').count(), length: part.at('length').count() };
    });
  refuseGaps(field.at('parts'), { parts, size });
  return { digest: readDigest(field.at('digest')), size, parts };
}

/** Parts follow each other from the first byte to the last, each in a volume of its own. */
function refuseGaps(field: Field, { parts, size }: { parts: readonly SetPart[]; size: number }): void {
  let end = 0;
  for (const part of parts) {
    if (part.start !== end) field.fail(part.start < end ? 'overlaps' : 'has a gap');
    if (part.length === 0 && size > 0) field.fail('has an empty part');
    end += part.length;
  }
  if (parts.length === 0) field.fail('is empty');
  if (end !== size) field.fail(`adds up to ${end} bytes where the blob has ${size}`);
  if (new Set(parts.map((part) => part.volume)).size !== parts.length) field.fail('names a volume twice');
}

function readBase(field: Field): BaseBlob {
  field.onlyKnows(['digest', 'size', 'upstream', 'repositories']);
  return {
    digest: readDigest(field.at('digest')),
    size: field.at('size').count(),
    upstream: readNames(field.at('upstream'), isFullRepository),
    repositories: readNames(field.at('repositories'), isRepositoryPath),
  };
}

function readNames(field: Field, isName: (text: string) => boolean): string[] {
  return sorted(field.list(mostEntries), {
    read: (name) => {
      const text = name.text();
      return isName(text) ? text : name.fail('is no repository');
    },
    key: (name) => name,
  });
}

/** With its registry written out. */
function isFullRepository(text: string): boolean {
  try {
    return formatRepository(parseRepository(text)) === text;
  } catch {
    return false;
  }
}

/** A list as it has to stand: in order, nothing twice. */
function sorted<T>(fields: readonly Field[], how: { read: (field: Field) => T; key: (value: T) => string }): T[] {
  let before: string | undefined;
  return fields.map((field) => {
    const value = how.read(field);
    const key = how.key(value);
    if (before !== undefined && key <= before) field.fail(key === before ? 'stands there twice' : 'is out of order');
    before = key;
    return value;
  });
}

/** One digest is one thing: content has one place. */
function refuseTwice(document: Field, set: BundleSet): void {
  const manifests = new Set(set.manifests.map((manifest) => manifest.digest));
  const both = set.blobs.find((blob) => manifests.has(blob.digest));
  if (both !== undefined) document.at('blobs').fail(`names the manifest ${both.digest}`);
  const blobs = new Set(set.blobs.map((blob) => blob.digest));
  const here = set.base.find((blob) => blobs.has(blob.digest) || manifests.has(blob.digest));
  if (here !== undefined) document.at('base').fail(`names ${here.digest}, which is in the bundle`);
}
