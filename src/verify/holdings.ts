/** What a site has, as its receipt states it: asked of the site itself, or known from the lock of what was brought there before. */
import { limitTo } from '../async/limit.ts';
import { AirgapError, isAirgapError } from '../errors.ts';
import { type EventSink, noEvents } from '../events.ts';
import { ReceiptGathering, type ReceiptPlace } from '../lock/gather-receipt.ts';
import type { Lock, LockedImage } from '../lock/lock.ts';
import type { SiteReceipt } from '../lock/receipt.ts';
import { algorithmOf, type Digest } from '../oci/digest.ts';
import { contentNamedBy, documentOf, isForeign } from '../oci/manifest.ts';
import { printReference, type RepositoryName, type Tag } from '../oci/reference.ts';
import { throwIfAborted } from '../store/interruption.ts';
import type { Source } from '../store/store.ts';
import { type Followed, HoldingsWalk, type WalkedRepository } from './holdings-walk.ts';

export interface HoldingsOptions {
  /** What is asked, for readers: as `--to` says it. */
  readonly site: string;
  /** Only repositories below this path are looked at. Default: all. */
  readonly prefix?: string;
  /** The site keeps upstream names, registry included: a layout. Default false. */
  readonly keepsNames?: boolean;
  /** Look at its images alone, where the target has them, in place of everything the target lists. */
  readonly lock?: Lock | undefined;
  /** Questions under way at once. Default 16. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal | undefined;
  readonly events?: EventSink | undefined;
}

type Root = { readonly tag: Tag } | { readonly digest: Digest };

/**
 * Asks a target for everything it has: tags, manifests with what belongs to them, blobs by size. What is not whole is told as a
 * notice, and what of it is not there is left out. Throws ERR_UNSUPPORTED where the target does not list its repositories and no lock
 * is given, what keeps the target from answering, and the first error when nothing at all could be read.
 */
export async function readHoldings(target: Source, options: HoldingsOptions): Promise<SiteReceipt> {
  const events = options.events ?? noEvents;
  const gathering = new ReceiptGathering(options.site);
  const walk = new HoldingsWalk({ ...options, target, gathering });
  const roots = options.lock === undefined ? await rootsListed(target, options) : rootsLocked(options.lock);
  let done = 0;
  const follow = async ({ name, root }: NamedRoot): Promise<Followed> => {
    const repository: WalkedRepository = { name, place: placeOf(name, options) };
    const followed = await walk.follow(repository, root);
    done += 1;
    events({ type: 'verify:progress', done, total: roots.length });
    return followed;
  };
  const followed = await Promise.all(roots.map(follow));
  const receipt = gathering.done();
  if (receipt.manifests.length === 0 && walk.firstProblem !== undefined) throw walk.firstProblem;
  const told = new Set<string>();
  for (const [at, { name, root }] of roots.entries()) {
    const problems = walk.problemsOf(followed[at] ?? { problem: '' }).filter((problem) => !told.has(problem));
    const [first, ...others] = problems;
    if (first === undefined) continue;
    for (const problem of problems) told.add(problem);
    const more = others.length === 0 ? '' : `, and ${others.length} more`;
    const message = `${printReference({ ...name, ...root })} is not whole: ${first}${more}`;
    events({ type: 'notice', message, isWarning: true });
  }
  return receipt;
}

interface NamedRoot {
  readonly name: RepositoryName;
  readonly root: Root;
}

async function rootsListed(target: Source, options: HoldingsOptions): Promise<NamedRoot[]> {
  const { prefix = '', signal, events = noEvents } = options;
  const isBelow = ({ repository }: RepositoryName): boolean => prefix === '' || repository.startsWith(`${prefix}/`);
  const names = (await repositoriesOf(target, options)).filter(isBelow);
  const slots = limitTo(options.concurrency ?? 16);
  const tagged = await Promise.all(names.map((name) => slots(() => tagsOf(target, { name, signal, events }))));
  const untagged: NamedRoot[] = [];
  for await (const { repository, tag, descriptor } of target.indexed?.({ signal }) ?? []) {
    if (repository !== undefined && tag === undefined && isBelow(repository))
      untagged.push({ name: repository, root: { digest: descriptor.digest } });
  }
  return [...tagged.flat(), ...untagged];
}

async function repositoriesOf(target: Source, { site, signal }: HoldingsOptions): Promise<RepositoryName[]> {
  try {
    const names: RepositoryName[] = [];
    for await (const name of target.catalog?.({ signal }) ?? unlisted()) names.push(name);
    return names;
  } catch (error) {
    if (!isAirgapError(error) || !['ERR_UNSUPPORTED', 'ERR_DENIED', 'ERR_UNAUTHORIZED'].includes(error.code))
      throw error;
    throw new AirgapError('ERR_UNSUPPORTED', `Cannot tell what "${site}" has: it does not list its repositories`, {
      cause: error,
      end: 'target',
      hint: 'name what was brought there with --lock FILE, or log in as somebody who may list them',
    });
  }
}

function unlisted(): never {
  throw new AirgapError('ERR_UNSUPPORTED', 'Cannot list repositories: the target has no list');
}

async function tagsOf(
  target: Source,
  about: { readonly name: RepositoryName; readonly signal: AbortSignal | undefined; readonly events: EventSink },
): Promise<NamedRoot[]> {
  const { name, signal, events } = about;
  const roots: NamedRoot[] = [];
  try {
    for await (const tag of target.repository(name).tags?.({ signal }) ?? []) roots.push({ name, root: { tag } });
  } catch (error) {
    throwIfAborted(signal);
    if (!isAirgapError(error) || !['ERR_NOT_FOUND', 'ERR_DENIED', 'ERR_UNAUTHORIZED'].includes(error.code)) throw error;
    // A catalog goes on listing repositories whose last image was deleted.
    if (error.code !== 'ERR_NOT_FOUND') events({ type: 'notice', message: error.message, isWarning: true });
  }
  return roots;
}

function rootsLocked(lock: Lock): NamedRoot[] {
  return lock.images.flatMap(({ target: name, tags, manifests }) => [
    ...tags.map(({ tag }) => ({ name, root: { tag } })),
    ...manifests.map((digest) => ({ name, root: { digest } })),
  ]);
}

function placeOf(name: RepositoryName, { keepsNames, prefix = '' }: HoldingsOptions): ReceiptPlace {
  if (keepsNames === true) return { registry: name.registry, prefix: '', path: name.repository };
  return belowPrefix(name.repository, prefix);
}

function belowPrefix(repository: string, prefix: string): ReceiptPlace {
  const start = prefix === '' ? '' : `${prefix}/`;
  return repository.startsWith(start)
    ? { registry: '', prefix, path: repository.slice(start.length) }
    : { registry: '', prefix: '', path: repository };
}

export interface LockHoldingsOptions {
  /** Where the lock's images come from: their manifests are read there by digest, to know their blobs. */
  readonly source: Source;
  readonly signal?: AbortSignal | undefined;
  readonly events?: EventSink | undefined;
}

/** What a receiver has who took everything of a lock. What cannot be read upstream any more counts as not there, with a notice for each image. */
export async function holdingsOfLock(lock: Lock, options: LockHoldingsOptions): Promise<SiteReceipt> {
  const { rule } = lock;
  const gathering = new ReceiptGathering(rule.naming === 'keep' ? 'a lock' : `a lock of ${rule.registry}`);
  const slots = limitTo(16);
  const image = async (locked: LockedImage): Promise<void> => {
    const { target, tags, manifests } = locked;
    const place =
      rule.naming === 'keep'
        ? { registry: target.registry, prefix: '', path: target.repository }
        : belowPrefix(target.repository, rule.prefix);
    const read = (digest: Digest) => slots(() => readLocked(gathering, { ...options, locked, digest, place }));
    const errors = (await Promise.all(manifests.map(read))).filter((error) => error !== undefined);
    const absent = new Set(errors.map(({ digest }) => digest));
    for (const { tag, digest } of tags) if (!absent.has(digest)) gathering.tag(place, { tag, digest });
    const [first] = errors;
    if (first === undefined) return;
    const message = `${printReference(locked.source)}: the lock names it, and ${errors.length} of its manifests cannot be read any more, so what they need counts as not there: ${first.message}`;
    options.events?.({ type: 'notice', message });
  };
  await Promise.all(lock.images.map(image));
  return gathering.done();
}

async function readLocked(
  gathering: ReceiptGathering,
  wanted: LockHoldingsOptions & {
    readonly locked: LockedImage;
    readonly digest: Digest;
    readonly place: ReceiptPlace;
  },
): Promise<{ readonly digest: Digest; readonly message: string } | undefined> {
  const { locked, digest, place, source, signal } = wanted;
  throwIfAborted(signal);
  try {
    const { bytes, descriptor } = await source.repository(locked.source).manifest(digest, { signal });
    const { manifest } = documentOf(bytes, descriptor.mediaType, { algorithm: algorithmOf(digest) });
    gathering.manifest(place, { digest, size: bytes.length });
    const omitted = new Set(locked.omitted);
    for (const blob of contentNamedBy(manifest).blobs)
      if (!isForeign(blob) && !omitted.has(blob.digest)) gathering.blob(place, blob);
    return undefined;
  } catch (error) {
    if (!isAirgapError(error) || signal?.aborted === true) throw error;
    return { digest, message: error.message };
  }
}

/** What several receipts state together, as that of one site. */
export function mergeReceipts(receipts: readonly SiteReceipt[]): SiteReceipt {
  const gathering = new ReceiptGathering(receipts.map(({ site }) => site).join(', '));
  for (const receipt of receipts) gathering.take(receipt);
  return gathering.done();
}
