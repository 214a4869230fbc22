/**
 * All blobs of a run. Each crosses the upstream link once; other repositories of the target get it by mount, and where mounts are
 * refused by a copy inside the target.
 *
 * Why nothing can deadlock: a transfer holds one slot of its upstream host (its worker) and then one of the target, always in this
 * order, and both counts are one less than what the transport gives `bulk` requests, so a request of a transfer waits for small requests at
 * most, which wait for nothing. Extra ranges take a connection only if one is free. Images wait for placements, but hold nothing.
 * A copy inside the target reads and writes at one host: its read does not queue for a slot (`FetchOptions.whilePushing`), as its
 * write may hold the last one; and only half as many of them run at once.
 */
import { type Limit, limitTo } from '../async/limit.ts';
import { type AirgapError, type End, toAirgapError } from '../errors.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { CopyContext } from './context.ts';
import { byHost, HostQueue, preferenceOf } from './order.ts';
import { PlacementBoard } from './placements.ts';
import { asFinal, contentInTarget, held, isIntegrity, nameOf, transfer } from './transfer.ts';
import { UpstreamContent } from './upstream.ts';
import { type BlobWork, homeOf, type Work } from './work.ts';

export class BlobCopier {
  readonly board: PlacementBoard;
  readonly #context: CopyContext;
  readonly #work: Work;
  readonly #intoTarget: Limit;
  /** Apart, so that small blobs do not wait behind large ones: they are in memory, and their requests are short. */
  readonly #heldIntoTarget: Limit;
  readonly #insideTarget: Limit;
  readonly #imageOf: ReadonlyMap<string, string>;

  /** `imageOf` names, for messages, the first image that needs a digest. */
  constructor(work: Work, options: { readonly context: CopyContext; readonly imageOf: ReadonlyMap<string, string> }) {
    this.#work = work;
    this.#context = options.context;
    this.#imageOf = options.imageOf;
    const { transfersIntoTarget } = options.context.settings;
    this.#intoTarget = limitTo(transfersIntoTarget);
    this.#heldIntoTarget = limitTo(transfersIntoTarget);
    this.#insideTarget = limitTo(Math.ceil(transfersIntoTarget / 2));
    this.board = new PlacementBoard(work.blobs);
  }

  /** Resolves when every placement is decided; failures are on the board, not thrown. */
  async run(): Promise<void> {
    const wanted = this.#work.blobs.filter((blob) => blob.missing.length > 0);
    const inside = wanted.filter((blob) => homeOf(blob) !== undefined);
    const fromUpstream = wanted.filter((blob) => homeOf(blob) === undefined);
    const hosts = [...byHost(fromUpstream).values()].map((blobs) => this.#serveHost(new HostQueue(blobs)));
    await Promise.all([...hosts, ...inside.map((blob) => this.#spread(blob, homeOf(blob)))]);
  }

  async #serveHost(queue: HostQueue): Promise<void> {
    const workers = Math.max(1, Math.min(this.#context.settings.transfersPerHost, queue.length));
    await Promise.all(Array.from({ length: workers }, (_, worker) => this.#workOff(queue, worker)));
  }

  /** Spreading to further repositories goes on beside the next transfer: it uses the target only. */
  async #workOff(queue: HostQueue, worker: number): Promise<void> {
    const spreading: Promise<void>[] = [];
    for (;;) {
      const blob = queue.next(preferenceOf(worker));
      if (blob === undefined) break;
      const home = await this.#bring(blob);
      if (home !== undefined && blob.missing.length > 1) spreading.push(this.#spread(blob, home));
    }
    await Promise.all(spreading);
  }

  /** Brings a blob into the first target repository that takes it, and returns that one. */
  async #bring(blob: BlobWork): Promise<RepositoryName | undefined> {
    const { digest } = blob.descriptor;
    let last: AirgapError | undefined;
    for (const to of blob.missing) {
      try {
        this.#context.hopeless.check(blob.from[0]?.registry);
        await this.#fromUpstream(blob, to);
        this.board.settle(to, digest, 'copied');
        this.#done(blob, { to, outcome: 'copied' });
        return to;
      } catch (error) {
        last = this.#failure(error, { blob, to, end: 'source' });
        this.board.fail(to, digest, last);
        if (last.end !== 'target' || isIntegrity(last)) break;
      }
    }
    if (last === undefined) return undefined;
    for (const to of blob.missing) this.board.fail(to, digest, last);
    this.#context.events({ type: 'blob:failed', digest, code: last.code });
    return undefined;
  }

  async #fromUpstream(blob: BlobWork, to: RepositoryName): Promise<void> {
    const { descriptor, from } = blob;
    const image = this.#imageOf.get(descriptor.digest) ?? nameOf(to, descriptor);
    const upstream = new UpstreamContent({ descriptor, from, image }, this.#context);
    this.#context.events({
      type: 'blob:start',
      digest: descriptor.digest,
      size: descriptor.size,
      image,
      host: upstream.host,
    });
    if (descriptor.size > this.#context.settings.heldBytes) {
      await this.#intoTarget(() => transfer({ descriptor, content: upstream, to, image }, this.#context));
      return;
    }
    const content = await this.#hold(upstream, blob);
    await this.#heldIntoTarget(() => transfer({ descriptor, content, to, image }, this.#context));
  }

  /** Small blobs are fetched before they take a slot of the target; wrong bytes are fetched once more. */
  async #hold(upstream: UpstreamContent, { descriptor }: BlobWork) {
    try {
      return await held(descriptor, upstream);
    } catch (error) {
      if (!isIntegrity(error)) throw error;
    }
    try {
      return await held(descriptor, upstream);
    } catch (error) {
      throw isIntegrity(error) ? asFinal(error) : error;
    }
  }

  /** Places a blob that stands at `home` into the repositories that still miss it. */
  async #spread(blob: BlobWork, home: RepositoryName | undefined): Promise<void> {
    if (home === undefined) return;
    const others = blob.missing.filter((to) => !this.board.isSettled(to, blob.descriptor.digest));
    await Promise.all(others.map((to) => this.#place(blob, { home, to })));
  }

  async #place(blob: BlobWork, way: { readonly home: RepositoryName; readonly to: RepositoryName }): Promise<void> {
    const { descriptor } = blob;
    const { home, to } = way;
    try {
      if (!(await this.#intoTarget(() => this.#mounted(blob, way)))) {
        const content = contentInTarget(descriptor, { from: home, context: this.#context });
        const image = this.#imageOf.get(descriptor.digest) ?? nameOf(to, descriptor);
        const work = () => transfer({ descriptor, content, to, image }, this.#context);
        await this.#insideTarget(() => this.#intoTarget(work));
      }
      this.board.settle(to, descriptor.digest, 'mounted');
      this.#done(blob, { to, outcome: 'mounted' });
    } catch (error) {
      this.board.fail(to, descriptor.digest, this.#failure(error, { blob, to, end: 'target' }));
    }
  }

  async #mounted(
    blob: BlobWork,
    { home, to }: { readonly home: RepositoryName; readonly to: RepositoryName },
  ): Promise<boolean> {
    this.#context.hopeless.check();
    const repository = this.#context.target.repository(to);
    return (await repository.mount?.(blob.descriptor, home, { signal: this.#context.signal })) === true;
  }

  /** `end`: where the bytes came from, for errors about the bytes themselves. */
  #failure(
    error: unknown,
    where: { readonly blob: BlobWork; readonly to: RepositoryName; readonly end: End },
  ): AirgapError {
    const { blob, to, end } = where;
    const known = toAirgapError(error, 'ERR_PROTOCOL', `Cannot copy blob "${nameOf(to, blob.descriptor)}"`);
    const registry = blob.from[0]?.registry;
    this.#context.hopeless.note(known, registry);
    const host = end === 'source' ? registry : to.registry;
    const origin = isIntegrity(known) && known.end === undefined && host !== undefined ? { end, host } : {};
    return known.with({ digest: blob.descriptor.digest, ...origin });
  }

  #done(blob: BlobWork, at: { readonly to: RepositoryName; readonly outcome: 'copied' | 'mounted' }): void {
    const { digest, size } = blob.descriptor;
    this.#context.events({ type: 'blob:done', digest, size, outcome: at.outcome, repository: at.to.repository });
  }
}
