/** The lock read back. It may have been edited or made by someone else: every field is checked before it is believed. */
import { AirgapError } from '../errors.ts';
import type { Mirror, MirrorRule } from '../mirror/rule.ts';
import type { Digest } from '../oci/digest.ts';
import { type Field, readJson } from '../oci/fields.ts';
import { isCanonicalHost } from '../oci/host.ts';
import { isManifestType } from '../oci/media-type.ts';
import { quoteText } from '../oci/quote.ts';
import {
  isRepositoryPath,
  parseReference,
  printReference,
  type Reference,
  type RepositoryName,
} from '../oci/reference.ts';
import { parseRetag, printAsked, type Retag } from '../oci/retag.ts';
import { readDigest, readOneOf, readPath, readTag, refuseTwice } from './checked-fields.ts';
import { readContact } from './contacts.ts';
import type { Lock, LockedImage, LockedTag } from './lock.ts';
import { sortLock } from './print.ts';

const mostImages = 100_000;
const mostEntries = 1_000_000;

/**
 * Reads what printLock() wrote; lists may stand in any order and come back sorted. Throws ERR_LOCK_INVALID naming the
 * document and the field: for a version it does not know, a field that is missing, wrong or unknown, and an image, a mirror or a contact that stands twice.
 */
export function parseLock(text: string, documentName: string): Lock {
  const refuse = (field: string, state: string, hint?: string) => lockError(documentName, { field, state, hint });
  const document = readJson(new TextEncoder().encode(text), refuse);
  readVersion(document, documentName);
  document.onlyKnows(['version', 'rule', 'mirrors', 'images', 'contacts']);
  const images = document.at('images').list(mostImages);
  const contacts = document.at('contacts').list(mostImages);
  const lock: Lock = {
    version: 1,
    rule: readRule(document.at('rule')),
    mirrors: document.at('mirrors').list(mostImages).map(readMirror),
    images: images.map(readImage),
    contacts: contacts.map(readContact),
  };
  refuseTwice(
    images,
    lock.images.map((image) => printAsked({ reference: image.source, retag: image.retag })),
  );
  refuseTwice(
    document.at('mirrors').list(mostImages),
    lock.mirrors.map(({ registry, endpoint, pathPrefix }) => [registry, endpoint, pathPrefix].join(' ')),
  );
  refuseTwice(
    contacts,
    lock.contacts.map(({ host, purpose }) => `${host} ${purpose}`),
  );
  return sortLock(lock);
}

function lockError(
  documentName: string,
  about: { field: string; state: string; hint?: string | undefined },
): AirgapError {
  const what = about.field === '' ? 'it' : `field ${quoteText(about.field)}`;
  return new AirgapError('ERR_LOCK_INVALID', `Cannot read lock ${quoteText(documentName)}: ${what} ${about.state}`, {
    origins: [documentName],
    hint: about.hint ?? 'mirror again to write a new lock, or take an unchanged copy of this one',
  });
}

function readVersion(document: Field, documentName: string): void {
  const field = document.at('version');
  const version = field.count();
  if (version === 1) return;
  throw lockError(documentName, {
    field: field.path,
    state: `is ${version}, and this program reads version 1`,
    hint: 'use the release of airgap that wrote it, or a newer one',
  });
}

function readRule(field: Field): MirrorRule {
  field.onlyKnows(['naming', 'registry', 'prefix']);
  return {
    naming: readOneOf(field.at('naming'), ['replace-host', 'by-registry', 'keep']),
    registry: readHost(field.at('registry'), ''),
    prefix: readPath(field.at('prefix')),
  };
}

function readMirror(field: Field): Mirror {
  field.onlyKnows(['registry', 'endpoint', 'pathPrefix']);
  return {
    registry: readHost(field.at('registry'), '*'),
    endpoint: readEndpoint(field.at('endpoint')),
    pathPrefix: readPath(field.at('pathPrefix')),
  };
}

function readEndpoint(field: Field): string {
  const text = field.text();
  const host = /^https?:\/\/(.*)$/.exec(text)?.[1];
  return host !== undefined && isCanonicalHost(host)
    ? text
    : field.fail('is not http://HOST[:PORT] or https://HOST[:PORT]');
}

function readImage(field: Field): LockedImage {
  field.onlyKnows(imageFields);
  const digest = readDigest(field.at('digest'));
  const retag = field.at('retag').optional(readRetag);
  const narrowedFrom = field.at('narrowedFrom').optional(readDigest);
  const image: LockedImage = {
    source: readSource(field.at('source')),
    target: readTarget(field.at('target')),
    ...(retag && { retag }),
    digest,
    mediaType: readMediaType(field.at('mediaType')),
    size: field.at('size').count(),
    totalSize: field.at('totalSize').count(),
    tags: readTags(field.at('tags')),
    signatures: readOneOf(field.at('signatures'), ['found', 'none', 'unknown', 'not-asked']),
    manifests: readDigests(field.at('manifests')),
    omitted: readDigests(field.at('omitted')),
    ...(narrowedFrom && { narrowedFrom }),
    origins: field
      .at('origins')
      .list(mostEntries)
      .map((origin) => origin.text()),
  };
  refuseOtherPlace(image, field.at('retag'));
  if (!image.manifests.includes(digest)) field.at('manifests').fail(`lacks the image itself, ${digest}`);
  return image;
}

const imageFields: readonly string[] = [
  'source',
  'target',
  'retag',
  'digest',
  'mediaType',
  'size',
  'totalSize',
  'tags',
  'signatures',
  'manifests',
  'omitted',
  'narrowedFrom',
  'origins',
];

function readSource(field: Field): Reference {
  const text = field.text();
  let reference: Reference;
  try {
    reference = parseReference(text);
  } catch {
    return field.fail(`is no image reference: ${quoteText(text)}`);
  }
  return printReference(reference) === text
    ? reference
    : field.fail(`is not written in full, as ${printReference(reference)}`);
}

/** `HOST[:PORT]/REPOSITORY`: the host always stands there, also one that a reference could not tell from a repository. */
function readTarget(field: Field): RepositoryName {
  const text = field.text();
  const slash = text.indexOf('/');
  const target = { registry: text.slice(0, Math.max(slash, 0)), repository: text.slice(slash + 1) };
  return isCanonicalHost(target.registry) && isRepositoryPath(target.repository)
    ? target
    : field.fail('is not HOST[:PORT]/REPOSITORY in lower case');
}

function readRetag(field: Field): Retag {
  const text = field.text();
  try {
    return parseRetag(text);
  } catch {
    return field.fail(`is no REPOSITORY[:TAG]: ${quoteText(text)}`);
  }
}

/** A retag says the same as the target and the tags. */
function refuseOtherPlace({ retag, target, tags }: LockedImage, field: Field): void {
  if (retag === undefined) return;
  if (`/${target.repository}`.endsWith(`/${retag.repository}`) && isTagOf(tags, retag)) return;
  field.fail('is not where the image stands by its target and its tags');
}

function isTagOf(tags: readonly LockedTag[], { tag }: Retag): boolean {
  return tag === undefined || tags.some((entry) => entry.tag === tag);
}

function readTags(field: Field): LockedTag[] {
  const entries = field.list(mostEntries);
  const tags = entries.map(readLockedTag);
  refuseTwice(
    entries,
    tags.map((tag) => tag.tag),
  );
  return tags;
}

function readLockedTag(field: Field): LockedTag {
  field.onlyKnows(['tag', 'digest', 'role']);
  return {
    tag: readTag(field.at('tag')),
    digest: readDigest(field.at('digest')),
    role: readOneOf(field.at('role'), ['image', 'signature']),
  };
}

function readDigests(field: Field): Digest[] {
  const entries = field.list(mostEntries);
  const digests = entries.map(readDigest);
  refuseTwice(entries, digests);
  return digests;
}

function readMediaType(field: Field): string {
  const text = field.text();
  return isManifestType(text) ? text : field.fail(`is not the type of a manifest: ${quoteText(text)}`);
}

/** A host, or the one other text that is allowed in its place. */
function readHost(field: Field, other: string): string {
  const text = field.text();
  return text === other || isCanonicalHost(text) ? text : field.fail('is not HOST[:PORT] in lower case');
}
