/** What a registry has: tags of a repository, referrers of a manifest, repositories (OCI distribution-spec v1.1, "Content Discovery"). */
import { type AirgapError, isAirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { catalogPath, referrersPath, tagsPath } from '../../oci/distribution.ts';
import { type Field, readJson } from '../../oci/fields.ts';
import { childrenOf, parseManifest } from '../../oci/manifest.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import { formatRepository, isRepositoryPath, isTag, type RepositoryName, type Tag } from '../../oci/reference.ts';
import type { CallOptions } from '../store.ts';
import type { Ask, Exchange } from './exchange.ts';
import { type PageAnswer, type PageRequest, pages } from './pages.ts';

/** Asked for per page; registries give fewer as they like. */
const pageSize = 1000;
const mostPerPage = 100_000;
/** More referrers than this of one manifest are not believed. */
const mostReferrers = 20_000;

/** Every tag, each once; names that are no tags are left out. Throws ERR_NOT_FOUND for an unknown repository. */
export async function* listTags(exchange: Exchange, options: CallOptions): AsyncGenerator<Tag> {
  const ask: Ask = {
    method: 'GET',
    path: (repository) => tagsPath(repository, { n: pageSize }),
    action: 'list tags of',
    reference: formatRepository(exchange.name),
    signal: options.signal,
  };
  const seen = new Set<string>();
  let plain = false;
  const request = {
    ask,
    refused: (refusal: { readonly status: number; error(): AirgapError }) => {
      // Some registries allow only smaller pages; without a wish they choose themselves.
      if (refusal.status !== 400 || plain) throw refusal.error();
      plain = true;
      return { ...ask, path: (repository: string) => tagsPath(repository), accept: [400, 404, 405, 410, 501] };
    },
  };
  for await (const page of pages(exchange, request)) {
    for (const name of namesIn(exchange, { bytes: page.bytes, field: 'tags', ask })) {
      if (!isTag(name) || seen.has(name)) continue;
      seen.add(name);
      yield name;
    }
  }
}

/** Descriptors by API, each digest once. Undefined when the host has no such API, which is remembered unless it may have been about this repository. */
export async function listReferrers(
  exchange: Exchange,
  subject: Digest,
  options: CallOptions,
): Promise<readonly Descriptor[] | undefined> {
  if (!exchange.features.referrers) return undefined;
  const ask: Ask = {
    method: 'GET',
    path: (repository) => referrersPath(repository, subject),
    headers: { accept: mediaTypes.ociIndex },
    action: 'list referrers of',
    reference: exchange.printed(subject),
    signal: options.signal,
  };
  const found = new Map<Digest, Descriptor>();
  let missing = false;
  const refused = (refusal: { readonly status: number; has(code: string): boolean; error(): AirgapError }) => {
    if (refusal.status === 400 && !refusal.has('UNSUPPORTED')) throw refusal.error();
    missing = true;
    const aboutRepository = refusal.has('NAME_UNKNOWN') || refusal.has('MANIFEST_UNKNOWN');
    if (!aboutRepository) exchange.features.referrers = false;
    return undefined;
  };
  for await (const page of pages(exchange, { ask, refused })) {
    // A web page for every path it does not know is how some hosts say that.
    if (page.mediaType === 'text/html' && found.size === 0) {
      exchange.features.referrers = false;
      return undefined;
    }
    for (const descriptor of descriptorsIn(exchange, { bytes: page.bytes, ask }))
      found.set(descriptor.digest, descriptor);
    if (found.size > mostReferrers) throw exchange.broken(ask, `there are more than ${mostReferrers}`);
  }
  return missing ? undefined : [...found.values()];
}

/** Repositories of the registry, without the endpoint's prefix; what lies outside the prefix is left out. Throws ERR_UNSUPPORTED where it will not tell. */
export async function* listRepositories(exchange: Exchange, options: CallOptions): AsyncGenerator<RepositoryName> {
  const { registry } = exchange.name;
  const ask: Ask = {
    method: 'GET',
    path: () => catalogPath({ n: pageSize }),
    scopes: ['registry:catalog:*'],
    action: 'list repositories of',
    reference: registry,
    signal: options.signal,
  };
  const prefix = (await exchange.endpoint()).pathPrefix;
  const start = prefix === '' ? '' : `${prefix}/`;
  const refused = (refusal: { error(): AirgapError }) => {
    throw unlisted(exchange, ask, refusal.error());
  };
  for await (const page of lettingIn(exchange, ask, refused)) {
    for (const name of namesIn(exchange, { bytes: page.bytes, field: 'repositories', ask })) {
      if (!name.startsWith(start) || !isRepositoryPath(name)) continue;
      yield { registry, repository: name.slice(start.length) };
    }
  }
}

/** Pages of a list that many registries show to their administrators only. */
async function* lettingIn(exchange: Exchange, ask: Ask, refused: PageRequest['refused']): AsyncGenerator<PageAnswer> {
  try {
    yield* pages(exchange, { ask, refused });
  } catch (thrown) {
    const denied = isAirgapError(thrown) && (thrown.code === 'ERR_DENIED' || thrown.code === 'ERR_UNAUTHORIZED');
    throw denied ? unlisted(exchange, ask, thrown) : thrown;
  }
}

function unlisted(exchange: Exchange, ask: Ask, cause: AirgapError): AirgapError {
  const answered = cause.status === undefined ? '' : ` (answer ${cause.status})`;
  return exchange.broken(ask, `this registry does not list them${answered}`, { code: 'ERR_UNSUPPORTED', cause });
}

/** The texts of a list in a JSON object; an absent or null list is an empty one, as registries written in Go give it. */
function namesIn(
  exchange: Exchange,
  page: { readonly bytes: Uint8Array; readonly field: string; readonly ask: Ask },
): string[] {
  const refuse = (field: string, state: string) =>
    exchange.broken(page.ask, `the answer is wrong: ${field === '' ? 'it' : `"${field}"`} ${state}`);
  const list: Field = readJson(page.bytes, refuse).at(page.field);
  return list.optional((field) => field.list(mostPerPage).map((entry) => entry.text())) ?? [];
}

function descriptorsIn(
  exchange: Exchange,
  page: { readonly bytes: Uint8Array; readonly ask: Ask },
): readonly Descriptor[] {
  try {
    return childrenOf(parseManifest(page.bytes, mediaTypes.ociIndex));
  } catch (thrown) {
    throw exchange.explained(thrown, { reference: page.ask.reference });
  }
}
