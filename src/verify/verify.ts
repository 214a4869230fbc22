/**
 * The independent witness: asks the target the way a node will, and says what does not stand. It shares no code and no answer
 * with the copier.
 */
import type { EventSink } from '../events.ts';
import type { Lock, LockedImage } from '../lock/lock.ts';
import { type Mirror, mirrorFor, repositoryAtMirror } from '../mirror/rule.ts';
import { formatRepository, type Reference, type RepositoryName } from '../oci/reference.ts';
import type { Retag } from '../oci/retag.ts';
import type { Source } from '../store/store.ts';
import { type CatalogFinding, findExtras } from './catalog.ts';
import { checkImage, type ExpectedImage, findingAbout } from './image.ts';
import type { Finding, Verification } from './verification.ts';
import { Witness } from './witness.ts';

export interface VerifyOptions {
  readonly target: Source;
  /** What `--to` says, for the commands that repair. */
  readonly repairTarget: string;
  /** Read and hash every blob. Default false: manifests are read and hashed, blobs are asked for their size. */
  readonly deep?: boolean;
  /** Questions under way at once. Default 16. */
  readonly concurrency?: number;
  /** Also look for what the lock does not know. Default false. */
  readonly catalog?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly events?: EventSink | undefined;
}

/** A reference and where it should live. */
export interface PlacedImage {
  readonly source: Reference;
  readonly target: RepositoryName;
  /** Where it was asked for with one: nodes name it by this place, and no mirror leads there. */
  readonly retag?: Retag;
}

/**
 * Holds a lock against the target: every tag by the way a node takes, every manifest and blob. Each repository's content is
 * asked for once. Throws only when `signal` ends it.
 */
export function verifyLock(lock: Lock, options: VerifyOptions): Promise<Verification> {
  const mirrors = lock.rule.naming === 'keep' ? [] : lock.mirrors;
  const expected = lock.images.map((image) => expectedOf(image, mirrors));
  return verifyExpected(expected, { ...options, mirrors, prefix: lock.rule.naming === 'keep' ? '' : lock.rule.prefix });
}

/** The same for images of which no lock tells the digest: their tags have to be there, and what they stand for has to be complete. */
export function verifyPlaced(
  images: readonly PlacedImage[],
  options: VerifyOptions & { readonly mirrors?: readonly Mirror[]; readonly prefix?: string },
): Promise<Verification> {
  const mirrors = options.mirrors ?? [];
  const expected = images.map((image): ExpectedImage => {
    const { source, retag } = image;
    const pinned = source.digest;
    const { tag } = retag ?? source;
    const tags = tag === undefined ? [] : [{ tag, ...(pinned === undefined ? {} : { digest: pinned }) }];
    const place = nodePlace(image, mirrors);
    return {
      source,
      ...(retag && { retag }),
      place,
      tags,
      manifests: pinned === undefined ? [] : [pinned],
      omitted: new Set(),
    };
  });
  return verifyExpected(expected, { ...options, mirrors, prefix: options.prefix ?? '' });
}

function expectedOf(image: LockedImage, mirrors: readonly Mirror[]): ExpectedImage {
  const pinned = image.source.digest === undefined ? [] : [image.source.digest];
  return {
    source: image.source,
    ...(image.retag && { retag: image.retag }),
    place: nodePlace(image, mirrors),
    tags: image.tags,
    manifests: [...new Set([...image.manifests, image.digest, ...pinned])],
    omitted: new Set(image.omitted),
  };
}

/**
 * The repository a node asks for by the emitted configuration. The path comes from the mirror; the host is the one the target
 * was opened with, as nodes may know it by another name. A retag is asked for where it is: what names it names the target.
 */
function nodePlace({ source, target, retag }: PlacedImage, mirrors: readonly Mirror[]): RepositoryName {
  const mirror = retag === undefined ? mirrorFor(mirrors, source.registry) : undefined;
  if (mirror === undefined) return { registry: target.registry, repository: target.repository };
  return { registry: target.registry, repository: repositoryAtMirror(mirror, source).repository };
}

export interface ExpectedOptions extends VerifyOptions {
  /** As nodes use them; without any the places of the lock are taken as they are. */
  readonly mirrors: readonly Mirror[];
  /** Path under which the catalog is searched for what the lock does not know. */
  readonly prefix: string;
}

async function verifyExpected(images: readonly ExpectedImage[], options: ExpectedOptions): Promise<Verification> {
  const run = new VerificationRun({ ...options, total: images.length });
  for (const image of images) run.expect(image);
  return await run.finish();
}

/** A verification that learns its images one after the other, so that checking goes on while others are still being copied. */
export class VerificationRun {
  readonly #options: ExpectedOptions & { readonly total: number };
  readonly #witness: Witness;
  readonly #images: ExpectedImage[] = [];
  readonly #checks: Promise<Finding[]>[] = [];
  #done = 0;

  /** `total` is the number of images for progress events. */
  constructor(options: ExpectedOptions & { readonly total: number }) {
    this.#options = options;
    this.#witness = new Witness(options);
  }

  /** Starts checking a locked image and returns at once. */
  add(image: LockedImage): void {
    this.expect(expectedOf(image, this.#options.mirrors));
  }

  /** The same for an image described otherwise. */
  expect(image: ExpectedImage): void {
    const check = this.#check(image);
    check.catch(() => {});
    this.#images.push(image);
    this.#checks.push(check);
  }

  /** Waits for every check. Throws only when `signal` ends it. */
  async finish(): Promise<Verification> {
    const { target, signal, prefix } = this.#options;
    const findings = (await Promise.all(this.#checks)).flat();
    const catalog: CatalogFinding = this.#options.catalog
      ? await findExtras(this.#known(), { target, prefix, signal })
      : { extras: [] };
    return {
      images: this.#images.length,
      ...(await this.#witness.counts()),
      deep: this.#witness.deep,
      findings: findings.sort(compareFindings),
      extras: catalog.extras,
      ...(catalog.note === undefined ? {} : { catalogNote: catalog.note }),
    };
  }

  /** With what their tags turned out to stand for: without a lock that is how signatures are told to belong to them. */
  #known(): ExpectedImage[] {
    return this.#images.map((image) => ({
      ...image,
      manifests: [...image.manifests, ...this.#witness.manifestsAsked(image.place)],
    }));
  }

  async #check(image: ExpectedImage): Promise<Finding[]> {
    const { events, repairTarget, total } = this.#options;
    const findings = await checkImage(image, { witness: this.#witness, repairTarget });
    this.#done += 1;
    events?.({ type: 'verify:progress', done: this.#done, total });
    return [...unserved(image, this.#options), ...findings];
  }
}

/** A node without a mirror for a registry asks upstream, which it cannot reach. */
function unserved(image: ExpectedImage, { mirrors, repairTarget }: ExpectedOptions): Finding[] {
  if (mirrors.length === 0 || image.retag !== undefined || mirrorFor(mirrors, image.source.registry) !== undefined)
    return [];
  const message = `no mirror serves "${image.source.registry}", so nodes do not look in "${formatRepository(image.place)}"`;
  return [findingAbout(image, { kind: 'tag-missing', message, digest: undefined, repairTarget })];
}

function compareFindings(a: Finding, b: Finding): number {
  const left = `${a.image} ${a.digest ?? ''} ${a.message}`;
  const right = `${b.image} ${b.digest ?? ''} ${b.message}`;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
