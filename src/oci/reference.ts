/**
 * References: how images are named. The grammar of distribution/reference v0.6, which Docker, containerd and Talos share:
 *
 *     reference       := name [ ":" tag ] [ "@" digest ]
 *     name            := [ host [ ":" port ] "/" ] component { "/" component }
 *     host            := label { "." label } | IPv4 | "[" IPv6 "]"
 *     component       := alnum { ( "." | "_" | "__" | "-" { "-" } ) alnum }      lower case only
 *     tag             := [A-Za-z0-9_] { [A-Za-z0-9._-] }                         at most 128 characters
 *     digest          := "sha256:" 64 hex | "sha512:" 128 hex                    lower case only
 *
 * The first part is a host when it has a dot or a colon or is `localhost`; otherwise the name is one of Docker Hub.
 * A name, host included, is at most 255 characters long.
 */
import { AirgapError } from '../errors.ts';
import { type Digest, isDigest } from './digest.ts';
import { canonicalHost } from './host.ts';
import { quoteText } from './quote.ts';

declare const tagBrand: unique symbol;

/** `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}` (OCI distribution-spec v1.1). Only parseTag() makes one. */
export type Tag = string & { readonly [tagBrand]: true };

export interface RepositoryName {
  /** `host[:port]`, lower case; `docker.io` for Docker Hub under any of its names. */
  readonly registry: string;
  /** Path below the registry, for Docker Hub with `library/` written out. */
  readonly repository: string;
}

/** Keeps a tag and a digest when both were written: the digest decides, the tag is carried along. At least one is there. */
export interface Reference extends RepositoryName {
  readonly tag?: Tag;
  readonly digest?: Digest;
}

/** Longest name in characters, host included. */
export const maxNameLength = 255;

const longestReference = 1024;
const dockerHub = 'docker.io';
const dockerHubAliases: readonly string[] = [dockerHub, 'index.docker.io', 'registry-1.docker.io'];

/** Why a text is no reference, and what to do about it. */
interface Refusal {
  readonly state: string;
  readonly hint?: string;
}

/**
 * Reads a reference as its users write it and normalises it: Docker Hub's names become `docker.io`, its short names get
 * `library/`, hosts become lower case, and without tag and digest the tag is `latest`. printReference() gives text that
 * reads back as the same reference. Takes time linear in the text. Throws ERR_REFERENCE_INVALID with a hint.
 */
export function parseReference(text: string): Reference {
  const { namePart, digestText } = splitDigest(text);
  const digest = digestText === undefined ? undefined : readDigest(text, digestText);
  const { name, tagText } = splitTag(namePart);
  if (tagText !== undefined && !isTag(tagText)) throw invalid(text, describeBadTag(tagText));
  refuseBareHost(text, { name, tagText });
  const repository = readName(text, name);
  if (tagText !== undefined)
    return digest === undefined ? { ...repository, tag: tagText } : { ...repository, tag: tagText, digest };
  return digest === undefined ? { ...repository, tag: 'latest' as Tag } : { ...repository, digest };
}

/** Reads a repository name (`ghcr.io/a/b`, `nginx`) and normalises it like parseReference(). Throws ERR_REFERENCE_INVALID, also for a tag or digest. */
export function parseRepository(text: string): RepositoryName {
  const { namePart, digestText } = splitDigest(text);
  const { name, tagText } = splitTag(namePart);
  if (digestText !== undefined || tagText !== undefined) {
    throw invalid(text, { state: 'a tag or digest stands where only a repository is wanted' });
  }
  return readName(text, name);
}

/** Throws ERR_REFERENCE_INVALID. */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw new AirgapError('ERR_REFERENCE_INVALID', `Cannot read tag ${quoteText(text)}: ${describeBadTag(text).state}`);
}

/** OCI distribution-spec v1.1, "Pulling manifests". */
export function isTag(text: string): text is Tag {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text);
}

/** True for a path of lower-case components of at most 255 characters, as it stands between `/v2/` and `/manifests/`. */
export function isRepositoryPath(text: string): boolean {
  return text.length <= maxNameLength && text.split('/').every(isComponent);
}

/** `host[:port]` in the one way we write it: lower case, Docker Hub as `docker.io`, IPv6 in brackets and shortened. Throws ERR_REFERENCE_INVALID. */
export function normaliseRegistry(host: string): string {
  const read = host.length <= maxNameLength ? canonicalHost(host) : { refused: 'longer than a host can be' };
  if (typeof read === 'string') return dockerHubAliases.includes(read) ? dockerHub : read;
  throw new AirgapError('ERR_REFERENCE_INVALID', `Cannot read registry ${quoteText(masked(host))}: ${read.refused}`, {
    hint: 'write it as HOST or HOST:PORT, for example ghcr.io or 10.5.0.1:6000',
  });
}

/** The reference in full: `registry/repository[:tag][@digest]`. */
export function printReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${formatRepository(reference)}${tag}${digest}`;
}

/** `ghcr.io/a/b`. */
export function formatRepository(name: RepositoryName): string {
  return `${name.registry}/${name.repository}`;
}

/** The order of printed references, by code unit: the same on every machine. */
export function compareReferences(one: Reference, other: Reference): number {
  const left = printReference(one);
  const right = printReference(other);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function splitDigest(text: string): { namePart: string; digestText: string | undefined } {
  refuseForeignText(text);
  const at = text.indexOf('@');
  return at < 0
    ? { namePart: text, digestText: undefined }
    : { namePart: text.slice(0, at), digestText: text.slice(at + 1) };
}

function splitTag(namePart: string): { name: string; tagText: string | undefined } {
  const colon = namePart.lastIndexOf(':');
  if (colon < 0 || colon < namePart.lastIndexOf('/') || namePart.endsWith(']')) {
    return { name: namePart, tagText: undefined };
  }
  return { name: namePart.slice(0, colon), tagText: namePart.slice(colon + 1) };
}

function refuseForeignText(text: string): void {
  if (text === '') throw invalid(text, { state: 'it is empty' });
  if (text.length > longestReference) throw invalid(text, { state: `it is ${text.length} characters long` });
  const scheme = /^([A-Za-z][A-Za-z0-9+-]{0,15}):\/\//.exec(text)?.[0];
  if (scheme !== undefined) {
    throw invalid(text, { state: 'it is a URL', hint: `leave out ${scheme} and write REGISTRY/REPOSITORY:TAG` });
  }
  if (/\s/.test(text))
    throw invalid(text, { state: 'it has blanks in it', hint: 'write one reference, without blanks' });
  if (text.includes('@') && text.includes('/', text.indexOf('@'))) {
    throw invalid(text, {
      state: 'a slash stands after "@"',
      hint: 'only a digest may follow "@"; user names and passwords are no part of a reference',
    });
  }
}

function readDigest(text: string, digestText: string): Digest {
  if (isDigest(digestText)) return digestText;
  if (isDigest(digestText.toLowerCase())) {
    throw invalid(text, { state: 'its digest has upper-case letters', hint: 'digests are written in lower case' });
  }
  throw invalid(text, {
    state: 'what stands after "@" is no digest',
    hint: 'write sha256: and 64 hex digits, or sha512: and 128',
  });
}

function describeBadTag(tagText: string): Refusal {
  if (tagText === '') return { state: 'the tag is empty', hint: 'write a tag after ":" or leave out the ":"' };
  if (tagText.length > 128) return { state: `the tag is ${tagText.length} characters long, at most 128 are allowed` };
  return {
    state: 'the tag has characters that tags cannot have',
    hint: 'tags are letters, digits, "_", "." and "-", and do not begin with "." or "-"',
  };
}

/** `10.5.0.1:6000` or `registry.local:5000` would be an image of Docker Hub with a number as its tag; a host without a repository is what was meant. */
function refuseBareHost(text: string, parts: { name: string; tagText: string | undefined }): void {
  const { name, tagText } = parts;
  if (name.includes('/')) return;
  const isPort = tagText !== undefined && /^[0-9]{2,5}$/.test(tagText);
  const isAddress = name === 'localhost' || /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/.test(name) || name.startsWith('[');
  if (!isAddress && !(isPort && name.includes('.'))) return;
  throw invalid(text, {
    state: 'it is a host without a repository',
    hint: isComponent(name)
      ? `write HOST/REPOSITORY:TAG; for an image of Docker Hub write docker.io/library/${name}`
      : 'write HOST/REPOSITORY:TAG',
  });
}

function readName(text: string, name: string): RepositoryName {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  if (!isHostPart(first)) return checkedName(text, { registry: dockerHub, path: name });
  const read = first.length <= maxNameLength ? canonicalHost(first) : { refused: 'longer than a host can be' };
  if (typeof read !== 'string') throw invalid(text, { state: `its host is ${read.refused}` });
  const registry = dockerHubAliases.includes(read) ? dockerHub : read;
  return checkedName(text, { registry, path: name.slice(slash + 1) });
}

function isHostPart(first: string): boolean {
  return first.includes('.') || first.includes(':') || first.toLowerCase() === 'localhost';
}

function checkedName(text: string, name: { registry: string; path: string }): RepositoryName {
  const { registry, path } = name;
  if (path === '') throw invalid(text, { state: 'the repository is missing', hint: 'write REGISTRY/REPOSITORY:TAG' });
  if (/^[0-9a-f]{64}$/.test(path)) {
    throw invalid(text, { state: 'it is a bare hash', hint: 'write REGISTRY/REPOSITORY@sha256:HASH' });
  }
  const repository = registry === dockerHub && !path.includes('/') ? `library/${path}` : path;
  const length = registry.length + 1 + repository.length;
  if (length > maxNameLength) {
    throw invalid(text, { state: `its name is ${length} characters long, at most ${maxNameLength} are allowed` });
  }
  if (!isRepositoryPath(repository)) throw invalid(text, describeBadPath(path));
  return { registry, repository };
}

function describeBadPath(path: string): Refusal {
  if (isRepositoryPath(path.toLowerCase())) {
    return {
      state: 'the repository has upper-case letters',
      hint: `repositories are lower case: ${path.toLowerCase()}`,
    };
  }
  if (path.split('/').includes('')) return { state: 'two slashes stand together or one stands at an end' };
  return {
    state: 'the repository has characters or an order of characters that repositories cannot have',
    hint: 'use a-z and 0-9, parted by ".", "_", "__" or "-", and "/" between the parts',
  };
}

/** Deterministic, so without backtracking: after a separator only a letter or digit goes on. */
function isComponent(text: string): boolean {
  return /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/.test(text);
}

function invalid(text: string, refusal: Refusal): AirgapError {
  const message = `Cannot read reference ${quoteText(masked(text))}: ${refusal.state}`;
  return new AirgapError('ERR_REFERENCE_INVALID', message, refusal.hint === undefined ? {} : { hint: refusal.hint });
}

/** Without what may be a password: `USER:PASSWORD@HOST` is shown as `***@HOST`. */
function masked(text: string): string {
  const at = text.lastIndexOf('@');
  const scheme = /^[A-Za-z][A-Za-z0-9+-]{0,15}:\/\//.exec(text)?.[0] ?? '';
  const before = text.slice(scheme.length, Math.max(at, scheme.length));
  if (at < 0 || !before.includes(':') || /^(?:sha|md)[0-9]+:/i.test(text.slice(at + 1))) return text;
  return `${scheme}***${text.slice(at)}`;
}
