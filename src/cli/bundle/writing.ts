/** A mirror into a bundle: what goes in is laid out before the first byte is fetched, and the bundle becomes visible when everything is in it. */
import type { MirrorResult } from '../../corridor.ts';
import type { Lock } from '../../lock/lock.ts';
import { parseLock } from '../../lock/parse.ts';
import { printLock } from '../../lock/print.ts';
import { parseReceipt, type SiteReceipt } from '../../lock/receipt.ts';
import type { Mirror } from '../../mirror/rule.ts';
import { childrenOf } from '../../oci/manifest.ts';
import { type Delta, splitDelta } from '../../plan/delta.ts';
import { lockOf } from '../../plan/lock-of.ts';
import { releaseOrigins } from '../../plan/origins.ts';
import type { Plan } from '../../plan/plan.ts';
import type { ResolvedImage } from '../../resolve/resolved.ts';
import type { BundledImage, BundleReservation, BundleWriter } from '../../store/bundle/bundle.ts';
import { entryNames } from '../../store/bundle/set.ts';
import type { Source } from '../../store/store.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { holdingsOfLock, mergeReceipts } from '../../verify/holdings.ts';
import { atTarget } from '../failures.ts';
import { readInputFile } from '../files.ts';
import type { MirrorEmission } from '../mirror-emission.ts';
import { patchText, ruleFor } from '../placing.ts';
import type { Session } from '../session.ts';

/** The name of the Talos configuration inside a bundle. */
const patchName = 'airgap-talos.yaml';

export interface BundleWritingOptions {
  readonly session: Session;
  readonly writer: BundleWriter;
  readonly source: Source;
  /** As nodes will use them; empty when the endpoint is not known. */
  readonly mirrors: readonly Mirror[];
  /** The release the images are for, where an input told. */
  readonly talos: TalosVersion | undefined;
  /** What else nodes are told. */
  readonly emission: Pick<MirrorEmission, 'version' | 'form' | 'settings'>;
}

/** What became of the bundle. */
export interface WrittenBundle {
  /** Absent while it is not finished. */
  readonly files?: readonly { readonly path: string; readonly size: number }[];
  readonly reservation: BundleReservation;
  readonly delta: Delta | undefined;
}

export class BundleWriting {
  readonly #options: BundleWritingOptions;
  #have: readonly (Lock | SiteReceipt)[] = [];
  #reserved: { readonly reservation: BundleReservation; readonly delta: Delta | undefined } | undefined;

  constructor(options: BundleWritingOptions) {
    this.#options = options;
  }

  /** Reads what the receiver has, before anybody is asked for anything. Throws ERR_INPUT_INVALID, ERR_LOCK_INVALID for files that cannot be read. */
  async readHave(): Promise<void> {
    this.#have = await Promise.all(this.#options.session.settings.bundle.haveFiles.map(readHaveFile));
  }

  /** Decides where everything goes. Throws ERR_USAGE for volumes that are too small. */
  async reserve(plan: Plan): Promise<void> {
    const { writer, session } = this.#options;
    const have = await this.#holdings();
    const delta = have === undefined ? undefined : splitDelta(plan, have);
    const laidOut = writer.reserve(
      {
        images: (delta?.images ?? plan.images).map(bundledImage),
        blobs: delta?.blobs ?? plan.blobs.map((blob) => blob.descriptor),
        files: this.#files(plan),
        base: delta?.base ?? [],
        known: delta?.known ?? [],
        ...this.#talos(),
      },
      { signal: session.signal },
    );
    this.#reserved = { reservation: await laidOut.catch(atTarget), delta };
  }

  /** What was reserved. To be asked after reserve(). */
  get reserved(): { readonly reservation: BundleReservation; readonly delta: Delta | undefined } {
    if (this.#reserved === undefined) throw new Error('nothing was reserved yet');
    return this.#reserved;
  }

  /** Makes the bundle visible when every planned image is in it; otherwise what came waits for the next run. */
  async finish(result: MirrorResult): Promise<WrittenBundle> {
    const isWhole =
      result.receipt.images.every(({ status }) => status === 'complete') && result.verification.findings.length === 0;
    if (!isWhole || result.plan.images.length === 0) return this.reserved;
    const { writer, session } = this.#options;
    const { files } = await writer.finish({ signal: session.signal }).catch(atTarget);
    return { ...this.reserved, files };
  }

  /** The lock says what the bundle holds and names no host: the same content is the same bytes. */
  #files(plan: Plan): { readonly name: string; readonly bytes: Uint8Array }[] {
    const { mirrors, session, emission } = this.#options;
    const rule = ruleFor(session.settings.to, false);
    const lock = pinned(lockOf(plan.images, { rule, mirrors, contacts: [], carried: [] }));
    const files = [{ name: entryNames.lock, bytes: Buffer.from(printLock(lock)) }];
    if (mirrors.length === 0) return files;
    const registries = lock.images.map((image) => image.source.registry);
    const { version, form, settings } = emission;
    const text = patchText({ mirrors, registries, version, form, settings }, patchName);
    return [...files, { name: patchName, bytes: Buffer.from(text) }];
  }

  #talos(): { readonly talos?: string } {
    const version = this.#options.session.settings.configVersion ?? this.#options.talos;
    return version === undefined ? {} : { talos: printTalosVersion(version) };
  }

  async #holdings(): Promise<SiteReceipt | undefined> {
    const { session, source } = this.#options;
    if (this.#have.length === 0) return undefined;
    const options = { source, signal: session.signal, events: session.reporter.event };
    const receipts: SiteReceipt[] = [];
    for (const one of this.#have) receipts.push('mirrors' in one ? await holdingsOfLock(one, options) : one);
    return mergeReceipts(receipts);
  }
}

async function readHaveFile(file: string): Promise<Lock | SiteReceipt> {
  const text = Buffer.from(await readInputFile(file, file)).toString('utf8');
  return isLock(text) ? parseLock(text, file) : parseReceipt(text, file);
}

/** A lock names mirrors, a receipt does not. Whatever is neither is refused by the reader of receipts. */
function isLock(text: string): boolean {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === 'object' && document !== null && 'mirrors' in document;
  } catch {
    return false;
  }
}

/**
 * Every image by its digest, as a lock asks for it, and of who asked only the release: whether a list of any name, a lock or another bundle
 * was the input, the bundle is the same, and nothing of this machine is in it.
 */
function pinned(lock: Lock): Lock {
  return {
    ...lock,
    images: lock.images.map((image) => ({
      ...image,
      source: { ...image.source, digest: image.digest },
      origins: releaseOrigins(image.origins),
    })),
  };
}

function bundledImage(image: ResolvedImage): BundledImage {
  const { registry, repository } = image.target;
  return {
    name: { registry, repository },
    manifests: image.manifests.map(({ descriptor, manifest }) => ({
      descriptor,
      children: childrenOf(manifest).map(({ digest }) => digest),
    })),
    tags: image.tags.map(({ tag, digest }) => ({ tag, digest })),
  };
}
