/**
 * A site's receipt: what a receiver has, so that a delta can leave it out. Format: docs/receipts-and-deltas.md. It may have been edited
 * or made by someone else: every field is checked before it is believed.
 */
import { AirgapError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { type Field, readJson } from '../oci/fields.ts';
import { isCanonicalHost } from '../oci/host.ts';
import { quoteText } from '../oci/quote.ts';
import { isRepositoryPath, type Tag } from '../oci/reference.ts';
import { readDigest, readPath, readTag, refuseTwice } from './checked-fields.ts';

/** A repository of the site. */
export interface ReceiptRepository {
  /** The upstream registry, where the site keeps names as they are upstream (a layout, a bundle); empty at a registry. */
  readonly registry: string;
  /** The path that was asked below, which every name at this registry begins with; empty for none. */
  readonly prefix: string;
  /** What follows it. */
  readonly path: string;
  /** Sorted. */
  readonly tags: readonly { readonly tag: Tag; readonly digest: Digest }[];
}

/** A manifest or a blob, and where it is. */
export interface ReceiptContent {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Positions in the list of repositories, ascending; at least one. */
  readonly in: readonly number[];
}

/** What stands at a site. Only what was really found there. */
export interface SiteReceipt {
  readonly version: 1;
  /** What was asked, for readers: `10.5.0.1:6000/infra`, `oci:airgap-mirror`. */
  readonly site: string;
  /** Sorted by name. */
  readonly repositories: readonly ReceiptRepository[];
  /** Sorted by digest. */
  readonly manifests: readonly ReceiptContent[];
  /** Configs and layers, sorted by digest. */
  readonly blobs: readonly ReceiptContent[];
}

/** The repository's name as the site has it: `infra/siderolabs/kubelet`, or with its upstream registry `ghcr.io/siderolabs/kubelet`. */
export function receiptName({ registry, prefix, path }: Omit<ReceiptRepository, 'tags'>): string {
  return [registry, prefix, path].filter((part) => part !== '').join('/');
}

/** What tells repositories of a receipt apart. */
export function receiptKey({ registry, prefix, path }: Omit<ReceiptRepository, 'tags'>): string {
  return `${registry}\n${prefix}\n${path}`;
}

/** JSON with one line for each repository and each content, keys in a fixed order, lists sorted: the same holdings give the same bytes. */
export function printReceipt(receipt: SiteReceipt): string {
  const { site, repositories, manifests, blobs } = sortReceipt(receipt);
  const fields = [
    '"version":1',
    `"site":${JSON.stringify(site)}`,
    `"repositories":${listText(repositories.map(orderRepository))}`,
    `"manifests":${listText(manifests.map(orderContent))}`,
    `"blobs":${listText(blobs.map(orderContent))}`,
  ];
  return `{\n${fields.join(',\n')}\n}\n`;
}

function listText(entries: readonly object[]): string {
  return entries.length === 0 ? '[]' : `[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]`;
}

function orderRepository({ registry, prefix, path, tags }: ReceiptRepository): ReceiptRepository {
  return { registry, prefix, path, tags: tags.map(({ tag, digest }) => ({ tag, digest })) };
}

function orderContent({ digest, size, in: places }: ReceiptContent): ReceiptContent {
  return { digest, size, in: places };
}

/** The same receipt in the order it is printed in. */
export function sortReceipt(receipt: SiteReceipt): SiteReceipt {
  const order = receipt.repositories.map((repository, at) => ({ repository, at, key: receiptKey(repository) }));
  order.sort((one, other) => compare(one.key, other.key));
  const positions = new Map(order.map(({ at }, position) => [at, position]));
  const sortContents = (contents: readonly ReceiptContent[]): ReceiptContent[] =>
    contents
      .map((content) => ({
        ...content,
        in: content.in.flatMap((at) => positions.get(at) ?? []).sort((one, other) => one - other),
      }))
      .sort((one, other) => compare(one.digest, other.digest));
  return {
    version: 1,
    site: receipt.site,
    repositories: order.map(({ repository }) => ({
      ...repository,
      tags: [...repository.tags].sort((one, other) => compare(one.tag, other.tag)),
    })),
    manifests: sortContents(receipt.manifests),
    blobs: sortContents(receipt.blobs),
  };
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

const mostRepositories = 100_000;
const mostEntries = 1_000_000;
const longestSite = 4096;

/**
 * Reads what printReceipt() wrote; lists may stand in any order and come back sorted. Throws ERR_INPUT_INVALID naming the document
 * (`shown`) and the field: for a version it does not know, a field that is missing, wrong or unknown, and what stands twice.
 */
export function parseReceipt(text: string, shown: string): SiteReceipt {
  const document = readJson(new TextEncoder().encode(text), (field, state) => receiptError(shown, { field, state }));
  readVersion(document, shown);
  document.onlyKnows(['version', 'site', 'repositories', 'manifests', 'blobs']);
  const repositories = document.at('repositories').list(mostRepositories);
  const read: SiteReceipt = {
    version: 1,
    site: readSite(document.at('site')),
    repositories: repositories.map(readRepository),
    manifests: readContents(document.at('manifests'), repositories.length),
    blobs: readContents(document.at('blobs'), repositories.length),
  };
  refuseTwice(repositories, read.repositories.map(receiptKey));
  return sortReceipt(read);
}

function receiptError(
  shown: string,
  about: { readonly field: string; readonly state: string; readonly hint?: string },
): AirgapError {
  const what = about.field === '' ? 'it' : `field ${quoteText(about.field)}`;
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read receipt ${quoteText(shown)}: ${what} ${about.state}`, {
    origins: [shown],
    hint: about.hint ?? 'airgap receipt --to LOCATION writes a new one at the receiver; an airgap.lock will do as well',
  });
}

function readVersion(document: Field, shown: string): void {
  const field = document.at('version');
  const version = field.count();
  if (version === 1) return;
  throw receiptError(shown, {
    field: field.path,
    state: `is ${version}, and this program reads version 1`,
    hint: 'use the release of airgap that wrote it, or a newer one',
  });
}

function readSite(field: Field): string {
  const text = field.text();
  return text.length <= longestSite ? text : field.fail(`is longer than ${longestSite} characters`);
}

function readRepository(field: Field): ReceiptRepository {
  field.onlyKnows(['registry', 'prefix', 'path', 'tags']);
  const registry = field.at('registry').text();
  if (registry !== '' && !isCanonicalHost(registry)) field.at('registry').fail('is not HOST[:PORT] in lower case');
  const prefix = readPath(field.at('prefix'));
  if (registry !== '' && prefix !== '') field.at('prefix').fail('does not go with an upstream registry');
  const path = field.at('path').text();
  if (!isRepositoryPath(path)) field.at('path').fail('is not a path of a repository');
  const entries = field.at('tags').list(mostEntries);
  const tags = entries.map(readTagEntry);
  refuseTwice(
    entries,
    tags.map(({ tag }) => tag),
  );
  return { registry, prefix, path, tags };
}

function readTagEntry(field: Field): ReceiptRepository['tags'][number] {
  field.onlyKnows(['tag', 'digest']);
  return { tag: readTag(field.at('tag')), digest: readDigest(field.at('digest')) };
}

function readContents(field: Field, repositories: number): ReceiptContent[] {
  const entries = field.list(mostEntries);
  const contents = entries.map((entry) => readContent(entry, repositories));
  refuseTwice(
    entries,
    contents.map(({ digest }) => digest),
  );
  return contents;
}

function readContent(field: Field, repositories: number): ReceiptContent {
  field.onlyKnows(['digest', 'size', 'in']);
  const places = field.at('in').list(mostRepositories);
  if (places.length === 0) field.at('in').fail('names no repository');
  const found = places.map((place) => {
    const position = place.count();
    return position < repositories
      ? position
      : place.fail(`is ${position}, and there are ${repositories} repositories`);
  });
  refuseTwice(places, found.map(String));
  return { digest: readDigest(field.at('digest')), size: field.at('size').count(), in: found };
}
