/** A walk through what a site has: every tag, every manifest that follows from it, every blob. Only what answers is stated. */
import { type Limit, limitTo } from '../async/limit.ts';
import { type AirgapError, type ErrorCode, isAirgapError } from '../errors.ts';
import type { ReceiptGathering, ReceiptPlace } from '../lock/gather-receipt.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { algorithmOf, type Digest } from '../oci/digest.ts';
import { contentNamedBy, documentOf, isForeign } from '../oci/manifest.ts';
import { isManifestType } from '../oci/media-type.ts';
import { formatRepository, type RepositoryName, type Tag } from '../oci/reference.ts';
import { throwIfAborted } from '../store/interruption.ts';
import type { Source } from '../store/store.ts';

/** Manifests in all, and levels of indexes and referrers, before something is taken to be wrong. */
const mostManifests = 200_000;
const mostLevels = 10;

/** Errors about one thing; any other one ends the walk. */
const aboutOneThing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_NOT_FOUND',
  'ERR_UNAUTHORIZED',
  'ERR_DENIED',
  'ERR_PROTOCOL',
  'ERR_UNSUPPORTED',
  'ERR_DIGEST_MISMATCH',
  'ERR_SIZE_MISMATCH',
]);

export interface WalkedRepository {
  readonly name: RepositoryName;
  readonly place: ReceiptPlace;
}

export interface HoldingsWalkOptions {
  readonly target: Source;
  readonly gathering: ReceiptGathering;
  /** Questions under way at once. Default 16. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A manifest that was asked for. */
interface Node {
  /** False until it was read. */
  isThere: boolean;
  /** What is wrong with it and its blobs, one line each. */
  readonly problems: string[];
  readonly children: string[];
  readonly referrers: string[];
}

interface Parts {
  readonly digest: Digest;
  readonly manifests: readonly Digest[];
  readonly blobs: readonly Descriptor[];
}

type Answer<T> = { readonly answer: T } | { readonly problem: string };

/** Where a walk began. */
export type Followed = { readonly root: string } | { readonly problem: string };

export class HoldingsWalk {
  readonly #options: HoldingsWalkOptions;
  readonly #slots: Limit;
  readonly #nodes = new Map<string, Node>();
  readonly #blobs = new Map<string, Promise<boolean>>();
  #stopped = false;
  /** The first error about one thing. */
  firstProblem: AirgapError | undefined;

  constructor(options: HoldingsWalkOptions) {
    this.#options = options;
    this.#slots = limitTo(options.concurrency ?? 16);
  }

  /** Follows what a tag or a digest stands for. Throws what ends the walk. */
  async follow(
    repository: WalkedRepository,
    root: { readonly tag: Tag } | { readonly digest: Digest },
  ): Promise<Followed> {
    try {
      if ('digest' in root) {
        await this.#visit(repository, { digest: root.digest, level: 0 });
        return { root: keyOf(repository, root.digest) };
      }
      const found = await this.#ask(() => this.#read(repository, root.tag), `tag "${root.tag}"`);
      if ('problem' in found) return found;
      const { digest } = found.answer;
      this.#options.gathering.tag(repository.place, { tag: root.tag, digest });
      await this.#visit(repository, { digest, level: 0, found });
      return { root: keyOf(repository, digest) };
    } catch (error) {
      this.#stopped = true;
      throw error;
    }
  }

  /** What of it is not there. To be asked when every follow() is through. */
  problemsOf(followed: Followed): string[] {
    if ('problem' in followed) return [followed.problem];
    const problems: string[] = [];
    const waiting = [followed.root];
    const seen = new Set<string>();
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      const node = seen.has(key) ? undefined : this.#nodes.get(key);
      seen.add(key);
      if (node === undefined) continue;
      problems.push(...node.problems);
      // Platforms are left out on purpose; an index of which nothing is there is not.
      const here = node.children.filter((child) => this.#nodes.get(child)?.isThere === true);
      waiting.push(...(here.length === 0 ? node.children : here), ...node.referrers);
    }
    return problems;
  }

  /** Visits once. Nobody waits for another visit: what hangs together in a circle would wait for ever. */
  async #visit(
    repository: WalkedRepository,
    wanted: { readonly digest: Digest; readonly level: number; readonly found?: Answer<Parts> },
  ): Promise<void> {
    const { digest, level } = wanted;
    const key = keyOf(repository, digest);
    if (this.#nodes.has(key) || this.#stopped) return;
    const node: Node = { isThere: false, problems: [], children: [], referrers: [] };
    this.#nodes.set(key, node);
    if (this.#nodes.size > mostManifests || level > mostLevels) {
      node.problems.push(`manifest ${digest}: more hangs together than is followed`);
      return;
    }
    const found = wanted.found ?? (await this.#ask(() => this.#read(repository, digest), `manifest ${digest}`));
    if ('problem' in found) {
      node.problems.push(found.problem);
      return;
    }
    node.isThere = true;
    const { manifests, blobs } = found.answer;
    const referrers = await this.#referrers(repository, digest);
    node.children.push(...manifests.map((child) => keyOf(repository, child)));
    node.referrers.push(...referrers.map((referrer) => keyOf(repository, referrer)));
    await Promise.all([
      ...[...manifests, ...referrers].map((next) => this.#visit(repository, { digest: next, level: level + 1 })),
      ...blobs.map((blob) => this.#blob(repository, { blob, node })),
    ]);
  }

  async #read({ name, place }: WalkedRepository, wanted: Tag | Digest): Promise<Parts> {
    const { descriptor, bytes } = await this.#options.target.repository(name).manifest(wanted, this.#call());
    const { digest } = descriptor;
    const { manifest } = documentOf(bytes, descriptor.mediaType, { algorithm: algorithmOf(digest) });
    this.#options.gathering.manifest(place, { digest, size: bytes.length });
    const { manifests, blobs } = contentNamedBy(manifest);
    return { digest, manifests: manifests.map((child) => child.digest), blobs };
  }

  async #referrers({ name }: WalkedRepository, digest: Digest): Promise<readonly Digest[]> {
    const repository = this.#options.target.repository(name);
    const found = await this.#ask(async () => await repository.referrers?.(digest, this.#call()), 'referrers');
    if ('problem' in found) return [];
    return (found.answer ?? []).filter(({ mediaType }) => isManifestType(mediaType)).map((one) => one.digest);
  }

  async #blob(
    repository: WalkedRepository,
    { blob, node }: { readonly blob: Descriptor; readonly node: Node },
  ): Promise<void> {
    const key = `${keyOf(repository, blob.digest)} ${blob.size}`;
    const answer = this.#blobs.get(key) ?? this.#askBlob(repository, blob);
    this.#blobs.set(key, answer);
    if (!(await answer) && !isForeign(blob)) node.problems.push(`blob ${blob.digest} is not there`);
  }

  async #askBlob({ name, place }: WalkedRepository, blob: Descriptor): Promise<boolean> {
    const found = await this.#ask(() => this.#options.target.repository(name).exists(blob, this.#call()), 'blob');
    const isThere = 'answer' in found && found.answer;
    if (isThere) this.#options.gathering.blob(place, blob);
    return isThere;
  }

  #call(): { readonly signal: AbortSignal | undefined } {
    return { signal: this.#options.signal };
  }

  #ask<T>(question: () => Promise<T>, what: string): Promise<Answer<T>> {
    const { signal } = this.#options;
    return this.#slots(async () => {
      throwIfAborted(signal);
      try {
        return { answer: await question() };
      } catch (error) {
        if (!isAirgapError(error) || !aboutOneThing.has(error.code) || signal?.aborted === true) throw error;
        this.firstProblem ??= error;
        const isAbsent = error.code === 'ERR_NOT_FOUND';
        return { problem: isAbsent ? `${what} is not there` : `${what}: ${error.message}` };
      }
    });
  }
}

function keyOf({ name }: WalkedRepository, digest: Digest): string {
  return `${formatRepository(name)}@${digest}`;
}
