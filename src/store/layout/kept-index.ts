/** The index of a layout as its writer left it: written anew only over what that writer knows. */
import { join } from 'node:path';
import { AirgapError } from '../../errors.ts';
import { partialDirectory } from './blob-files.ts';
import { fileStamp, replaceFile } from './disk.ts';
import type { IndexEntry } from './index-file.ts';
import { LayoutNames } from './names.ts';

/** What the file says now. Throws for what is no layout. */
export type ReadEntries = (directory: string) => Promise<readonly IndexEntry[]>;

export class KeptIndex {
  readonly #directory: string;
  readonly #read: ReadEntries;
  #stamp: string;
  #text: string;

  /** `stamp`: what stampOf() said just before `names` were read. */
  constructor(
    directory: string,
    known: { readonly stamp: string; readonly names: LayoutNames; readonly read: ReadEntries },
  ) {
    this.#directory = directory;
    this.#read = known.read;
    this.#stamp = known.stamp;
    this.#text = known.names.text();
  }

  /**
   * Writes the file. Throws ERR_INPUT_INVALID when somebody else has written it, or another disk lies in its place: their names would
   * be lost. A file that only looks other, as on FAT after a while, is no reason.
   */
  async save(text: string): Promise<void> {
    const path = join(this.#directory, 'index.json');
    if ((await stampOf(path)) !== this.#stamp) await this.#refuseForeign();
    await replaceIndex(this.#directory, text);
    this.#text = text;
    this.#stamp = await stampOf(path);
  }

  async #refuseForeign(): Promise<void> {
    if (new LayoutNames(await this.#read(this.#directory)).text() === this.#text) return;
    const state = 'somebody else has changed its index.json, or it is another layout by now';
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot write to layout "${this.#directory}": ${state}`, {
      hint: 'start again: that reads it anew, and what has arrived is kept',
    });
  }
}

/** Writes the index of a layout, whatever it said before. After a crash the old one is there or the new one. */
export function replaceIndex(directory: string, text: string): Promise<void> {
  const temporary = join(directory, partialDirectory, 'index.json');
  return replaceFile(join(directory, 'index.json'), { bytes: text, temporary });
}

/** Differs when a file was replaced; empty when there is none. */
export async function stampOf(path: string): Promise<string> {
  return (await fileStamp(path)) ?? '';
}
