/** What is in the place of a bundle before it is written: finished files, half ones, others. Nothing is changed here. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AirgapError, isAirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';
import { fileSize, onDisk, statsOf } from '../layout/disk.ts';
import type { CallOptions } from '../store.ts';
import type { BundlePlace, BundleWriteOptions } from './bundle.ts';
import { type DonorFile, Donors } from './donors.ts';
import { volumeName } from './find-volumes.ts';
import { journalHead, type ReadJournal, readJournal } from './journal.ts';
import { type OpenedVolume, openVolume } from './open-volume.ts';
import { type BundleSet, shortSetId } from './set.ts';
import { journalOf, partialOf, VolumeFile, type VolumeState } from './volume-file.ts';
import { layOutVolume, volumeFileName } from './volume-layout.ts';

/** A half file that stands where another one will be written. */
export interface SetAside {
  readonly file: DonorFile;
  /** The name it gets before that. */
  readonly aside: string;
}

export interface Standing {
  /** The files of this run, in order. */
  readonly files: readonly VolumeFile[];
  readonly donors: Donors;
  readonly setAside: readonly SetAside[];
  /** Stamps of what will be replaced or is finished, by path: undefined where nothing stands. */
  readonly stamps: ReadonlyMap<string, string | undefined>;
  /** Half files that nobody needs once the bundle is finished; their journals go with them. */
  readonly leftovers: readonly string[];
}

export interface StandingOptions extends CallOptions, Pick<BundleWriteOptions, 'sign' | 'isSignature'> {
  readonly set: BundleSet;
  /** Numbers of the volumes that are written. */
  readonly numbers: readonly number[];
}

/** The path of a volume, or of the bundle itself. */
export function pathOf(place: BundlePlace, volume: { readonly set: BundleSet; readonly number: number }): string {
  return place.kind === 'file' ? place.file : join(place.directory, volumeFileName(volume.set, volume.number));
}

/** Looks at the place. Throws ERR_INPUT_INVALID for whatever stands there and may not be replaced. */
export async function lookAt(place: BundlePlace, options: StandingOptions): Promise<Standing> {
  const look = new Look(place, options);
  const files: VolumeFile[] = [];
  for (const number of options.numbers) files.push(await look.at(number));
  const leftovers = await look.around();
  return { files, donors: look.donors, setAside: look.setAside, stamps: look.stamps, leftovers };
}

class Look {
  readonly donors = new Donors();
  readonly setAside: SetAside[] = [];
  readonly stamps = new Map<string, string | undefined>();
  readonly #place: BundlePlace;
  readonly #options: StandingOptions;

  constructor(place: BundlePlace, options: StandingOptions) {
    this.#place = place;
    this.#options = options;
  }

  async at(number: number): Promise<VolumeFile> {
    const { set, sign } = this.#options;
    const path = pathOf(this.#place, { set, number });
    const layout = layOutVolume(set, { number, signed: sign !== undefined });
    const head = journalHead(layout, set.id);
    this.stamps.set(path, await stampOf(path));
    const isFinished = await this.#isFinished(path, number);
    const state: VolumeState = isFinished ? { kind: 'finished' } : await this.#half(path, head);
    return new VolumeFile(path, { layout, setId: set.id, state });
  }

  /** Whether the finished file stands. Another bundle in the place of a file is a donor and will be replaced. */
  async #isFinished(path: string, number: number): Promise<boolean> {
    const opened = await openStanding(path, this.#options);
    if (opened === undefined) return false;
    const { set, volume } = opened;
    const isSame = set.id === this.#options.set.id && volume.number === number;
    if (isSame && this.#isSignedAsAsked(opened)) return true;
    if (!isSame && this.#place.kind === 'volumes') throw ofAnotherSet(path, set.id);
    this.donors.addVolume({ path }, opened);
    return false;
  }

  #isSignedAsAsked({ signature, setBytes }: OpenedVolume): boolean {
    const { sign, isSignature } = this.#options;
    if (sign === undefined || signature === undefined) return sign === undefined && signature === undefined;
    return isSignature?.(setBytes, signature) ?? true;
  }

  async #half(path: string, head: string): Promise<VolumeState> {
    const partial = partialOf(path);
    const journal = await readHalf(partial);
    if (journal?.head === head) {
      for (const digest of journal.bad) this.donors.refuse(digest);
      return { kind: 'begun', journal };
    }
    if (journal !== undefined) {
      const file: DonorFile = { path: partial };
      this.donors.addPartial(file, journal);
      this.setAside.push({ file, aside: asideOf(path, journal) });
    }
    return { kind: 'new' };
  }

  /** Half files of other contents beside those of this run: donors, and gone when the bundle is finished. */
  async around(): Promise<string[]> {
    const { set } = this.#options;
    const place = this.#place;
    const directory = place.kind === 'file' ? dirname(place.file) : place.directory;
    const own = Array.from({ length: set.volumes }, (_, index) => basename(pathOf(place, { set, number: index + 1 })));
    const names =
      (await statsOf(directory)) === undefined ? [] : await onDisk(`look at "${directory}"`, readdir(directory));
    if (place.kind === 'volumes') {
      for (const name of names)
        if (volumeName.test(name) && !own.includes(name)) await refuseStranger(join(directory, name));
    }
    const kept = new Set(own.map(partialOf));
    const halves = new Set(names.flatMap((name) => /^.*\.partial(?=$|\.journal$)/.exec(name)?.[0] ?? []));
    const leftovers: string[] = [];
    for (const name of [...halves].sort()) {
      if (!isOurs(name, place) || kept.has(name)) continue;
      const path = join(directory, name);
      const journal = await readHalf(path);
      if (journal !== undefined) this.donors.addPartial({ path }, journal);
      leftovers.push(path);
    }
    return leftovers;
  }
}

/** A text that differs when another file stands there, or it was written to; undefined for nothing. */
export async function stampOf(path: string): Promise<string | undefined> {
  const stats = await statsOf(path);
  return stats === undefined ? undefined : `${stats.size}-${stats.mtimeMs}`;
}

/** Undefined when nothing stands there. */
async function openStanding(path: string, options: CallOptions): Promise<OpenedVolume | undefined> {
  const stats = await statsOf(path);
  if (stats === undefined) return undefined;
  if (!stats.isFile())
    throw refuse(path, stats.isDirectory() ? 'a directory stands there' : 'what stands there is no file');
  try {
    const opened = await openVolume(path, { signal: options.signal });
    if (opened.set !== undefined) return opened;
  } catch (error) {
    if (!isAirgapError(error) || error.code !== 'ERR_INPUT_INVALID') throw error;
    throw refuse(path, 'a file that is no whole bundle stands there', error);
  }
  throw refuse(path, 'a tar that is no bundle of this program stands there');
}

/** In a directory of volumes only volumes of one set may stand: whoever reads it takes every tar in it. */
async function refuseStranger(path: string): Promise<void> {
  const opened = await openStanding(path, {});
  if (opened !== undefined) throw ofAnotherSet(path, opened.set.id);
}

function ofAnotherSet(path: string, id: string): AirgapError {
  const state = `the directory has "${basename(path)}" of set ${shortSetId(id)}`;
  return new AirgapError('ERR_INPUT_INVALID', `Cannot write bundle ${quoteText(dirname(path), 400)}: ${state}`, {
    hint: 'empty the directory, or name another one',
  });
}

function refuse(path: string, state: string, cause?: unknown): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot write bundle ${quoteText(path, 400)}: ${state}`, {
    hint: 'move it away, or name another place',
    cause,
  });
}

/** The journal of a half file that has the size it says. */
async function readHalf(partial: string): Promise<ReadJournal | undefined> {
  const journal = await readJournal(journalOf(partial));
  return journal !== undefined && (await fileSize(partial)) === journal.size ? journal : undefined;
}

/** Only names that this program gives: the half file of another bundle beside this one is nobody's leftover. */
function isOurs(name: string, place: BundlePlace): boolean {
  if (place.kind === 'volumes') return /^airgap-[0-9a-f]{8}-\d+of\d+\.tar(?:\.[0-9a-f]{8})?\.partial$/.test(name);
  const begin = `${basename(place.file)}.`;
  return name.startsWith(begin) && /^[0-9a-f]{8}\.partial$/.test(name.slice(begin.length));
}

/** A name of its own for each layout, so that several half files can wait beside each other. */
function asideOf(path: string, journal: ReadJournal): string {
  return partialOf(`${path}.${createHash('sha256').update(journal.head).digest('hex').slice(0, 8)}`);
}
