/** One writing of a bundle: what was found in its place, what is still to come, and how it ends. */
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AirgapError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { throwIfAborted } from '../interruption.ts';
import { onDisk, syncDirectory } from '../layout/disk.ts';
import { LayoutNames } from '../layout/names.ts';
import { manifestLimit } from '../peek.ts';
import type { BundleContents, BundlePlace, BundleReservation, BundleWriteOptions } from './bundle.ts';
import { bundleNames } from './bundle-names.ts';
import type { BundlePlan } from './bundle-plan.ts';
import { printSet } from './print-set.ts';
import { placeInFile, type ShelvedContent } from './read-shelf.ts';
import type { BundleSet } from './set.ts';
import { lookAt, type Standing, stampOf } from './standing.ts';
import { journalOf, partialOf, type VolumeFile } from './volume-file.ts';
import { signSet, volumeHead } from './volume-head.ts';
import { manifestEntryName } from './volume-layout.ts';
import { WantedBlob } from './wanted-blob.ts';
import { WriteShelf } from './write-shelf.ts';

interface RunOptions {
  readonly place: BundlePlace;
  /** For messages. */
  readonly shown: string;
  readonly contents: BundleContents;
  readonly writing: BundleWriteOptions;
  readonly signal: AbortSignal | undefined;
}

/** Looks at the place, and hashes what an earlier run wrote without saying that it was right. */
export async function beginRun(plan: BundlePlan, options: RunOptions): Promise<BundleRun> {
  const { place, writing, signal } = options;
  const { sign, isSignature } = writing;
  const numbers = numbersOf(plan.set, writing.onlyVolume);
  const standing = await lookAt(place, { set: plan.set, numbers, sign, isSignature, signal });
  const run = new BundleRun(plan, { ...options, standing });
  // That may note in a journal what it found.
  if (writing.dryRun !== true) await run.shelf.checkWritten(signal);
  return run;
}

function numbersOf(set: BundleSet, only: number | undefined): number[] {
  if (only === undefined) return Array.from({ length: set.volumes }, (_, index) => index + 1);
  if (Number.isSafeInteger(only) && only >= 1 && only <= set.volumes) return [only];
  const state = set.volumes === 1 ? 'there is one volume' : `there are ${set.volumes} volumes`;
  throw new AirgapError('ERR_USAGE', `Cannot write volume ${only}: ${state}`, {
    hint: `name one from 1 to ${set.volumes}`,
  });
}

export class BundleRun {
  readonly shelf: WriteShelf;
  readonly names: LayoutNames;
  readonly #plan: BundlePlan;
  readonly #options: RunOptions & { readonly standing: Standing };
  readonly #wanted = new Map<Digest, WantedBlob>();
  #preparing: Promise<void> | undefined;

  constructor(plan: BundlePlan, options: RunOptions & { readonly standing: Standing }) {
    this.#plan = plan;
    this.#options = options;
    const { set } = plan;
    const { donors, files } = options.standing;
    const sizes = new Map(set.blobs.map(({ digest, size }) => [digest, size]));
    for (const file of files) this.#want(file, sizes);
    const others = [
      ...options.contents.known,
      ...set.base,
      ...set.blobs.filter(({ digest }) => !this.#wanted.has(digest)),
    ];
    this.shelf = new WriteShelf({
      place: options.shown,
      wanted: this.#wanted,
      elsewhere: new Map(others.map(({ digest, size }) => [digest, size])),
      manifests: this.#finishedManifests(),
      planned: new Set(set.manifests.map(({ digest }) => digest)),
      donors,
      prepare: () => this.#prepare(),
    });
    this.names = this.#isComplete ? bundleNames(options.contents.images) : new LayoutNames([]);
  }

  get reservation(): BundleReservation {
    const { files } = this.#options.standing;
    const left = files.filter((file) => !file.isFinished);
    return {
      set: this.#plan.set,
      bytes: files.reduce((total, file) => total + file.layout.size, 0),
      newBytes: left.reduce((total, file) => total + file.layout.size - file.bytes, 0),
      isComplete: this.#isComplete,
    };
  }

  /** Everything that is missing is copied from donors or refused; then the files are completed and get their names. */
  async finish(signal: AbortSignal | undefined): Promise<{ readonly path: string; readonly size: number }[]> {
    const { files } = this.#options.standing;
    const left = files.filter((file) => !file.isFinished);
    if (left.length > 0) {
      await this.#prepare();
      await this.shelf.copyDonated({ signal });
      await this.#refuseMissing();
      await this.#complete(left, signal);
    }
    await this.#clean();
    return files.map(({ path, layout }) => ({ path, size: layout.size }));
  }

  async close(): Promise<void> {
    const closing = this.#options.standing.files.map((file) => file.close());
    const failed = (await Promise.allSettled(closing)).find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  get #isComplete(): boolean {
    return this.#options.standing.files.every((file) => file.isFinished);
  }

  #want(file: VolumeFile, sizes: ReadonlyMap<Digest, number>): void {
    for (const segment of file.layout.segments) {
      const { digest } = segment;
      const blob = this.#wanted.get(digest) ?? new WantedBlob({ digest, size: sizes.get(digest) ?? segment.blobSize });
      this.#wanted.set(digest, blob);
      blob.add({ file, segment });
    }
  }

  #finishedManifests(): Map<Digest, ShelvedContent> {
    const file = this.#options.standing.files.find((one) => one.isFinished);
    const entries = new Map(file?.layout.head.map((entry) => [entry.name, entry]));
    const manifests = new Map<Digest, ShelvedContent>();
    for (const { digest, size } of this.#plan.set.manifests) {
      const offset = entries.get(manifestEntryName(digest))?.offset;
      if (file === undefined || offset === undefined) continue;
      const place = placeInFile(() => file.path, offset);
      manifests.set(digest, { digest, size, pieces: [{ volume: file.layout.number, start: 0, length: size, place }] });
    }
    return manifests;
  }

  /** Half files of other contents make way; their journals first, as a half file without one tells nothing. */
  #prepare(): Promise<void> {
    const work = async () => {
      for (const { file, aside } of this.#options.standing.setAside) {
        const moved = rename(journalOf(file.path), journalOf(aside)).then(() => rename(file.path, aside));
        await onDisk(`move "${file.path}"`, moved);
        file.path = aside;
      }
    };
    this.#preparing ??= work();
    return this.#preparing;
  }

  async #refuseMissing(): Promise<void> {
    const missing: Digest[] = [...this.#wanted.values()].filter((blob) => !blob.isDone).map((blob) => blob.digest);
    for (const { digest } of this.#plan.set.manifests) {
      if ((await this.shelf.size(digest)) === undefined) missing.push(digest);
    }
    const [first] = missing;
    if (first === undefined) return;
    const state = `${missing.length} of its manifests and blobs did not come, "${first}" among them`;
    throw new AirgapError('ERR_PROTOCOL', `Cannot finish ${this.#options.shown}: ${state}`, {
      digest: first,
      hint: 'run again: what came is kept',
    });
  }

  /** No file gets its name before all of them are on disk. */
  async #complete(files: readonly VolumeFile[], signal: AbortSignal | undefined): Promise<void> {
    const { sign } = this.#options.writing;
    const signature = sign === undefined ? undefined : signSet(Buffer.from(printSet(this.#plan.set)), sign);
    const manifests = new Map(this.#plan.set.manifests.map(({ digest }) => [manifestEntryName(digest), digest]));
    for (const file of files) {
      throwIfAborted(signal);
      const manifest = async (entry: string) => {
        const digest = manifests.get(entry);
        const bytes = digest === undefined ? undefined : await this.shelf.read(digest, manifestLimit);
        if (bytes === undefined) throw new Error(`entry ${entry} has no content`);
        return bytes;
      };
      const checksumOf = (digest: Digest, start: number) => file.checksumOf({ digest, start });
      await file.complete(volumeHead({ plan: this.#plan, layout: file.layout, signature, checksumOf, manifest }));
    }
    for (const file of files) await this.#name(file);
    for (const directory of new Set(files.map((file) => dirname(file.path)))) {
      await onDisk(`write "${directory}"`, syncDirectory(directory));
    }
  }

  /** What came into the place since the beginning is not replaced. */
  async #name(file: VolumeFile): Promise<void> {
    if ((await stampOf(file.path)) !== this.#options.standing.stamps.get(file.path)) {
      throw new AirgapError(
        'ERR_INPUT_INVALID',
        `Cannot write bundle "${file.path}": another file came there meanwhile`,
        {
          hint: 'move it away and run again',
        },
      );
    }
    await onDisk(`write "${file.path}"`, rename(partialOf(file.path), file.path));
    file.renamed();
  }

  /** Journals go last: until then a run that was killed between two names finds what it needs. */
  async #clean(): Promise<void> {
    const { files, leftovers, setAside } = this.#options.standing;
    const halves = [...files.map(({ path }) => partialOf(path)), ...leftovers, ...setAside.map(({ aside }) => aside)];
    for (const half of halves) {
      await onDisk(`remove "${half}"`, rm(half, { force: true }));
      await onDisk(`remove "${half}"`, rm(journalOf(half), { force: true }));
    }
  }
}
