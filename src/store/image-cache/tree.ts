/** The files of an image cache, wherever they are: in a directory, in the layer of an OCI image, or partly in each. Paths come from `names.ts` alone. */
import type { FilePart } from '../layout/read-part.ts';

export interface CacheEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

export interface CacheTree {
  /** Bytes of a file; undefined when there is none. */
  size(path: string): Promise<number | undefined>;
  /** A small file whole, unchecked; undefined when there is none or it is larger than `limit` bytes. */
  read(path: string, limit: number): Promise<Buffer | undefined>;
  /** The bytes of a file that is there. Nothing is opened before the first is asked for. */
  content(path: string, part: FilePart): AsyncIterable<Uint8Array>;
  /** What is directly in a folder, sorted by name; empty when it is not there. */
  entries(folder: string): Promise<readonly CacheEntry[]>;
  /** A text that differs whenever the file may have changed; undefined when there is none. */
  stamp(path: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Two trees as one; what both have is read from the first. */
export class LayeredTree implements CacheTree {
  readonly #upper: CacheTree;
  readonly #lower: CacheTree;

  constructor(upper: CacheTree, lower: CacheTree) {
    this.#upper = upper;
    this.#lower = lower;
  }

  async size(path: string): Promise<number | undefined> {
    return (await this.#upper.size(path)) ?? this.#lower.size(path);
  }

  async read(path: string, limit: number): Promise<Buffer | undefined> {
    return (await this.#holder(path)).read(path, limit);
  }

  async *content(path: string, part: FilePart): AsyncGenerator<Uint8Array> {
    yield* (await this.#holder(path)).content(path, part);
  }

  async entries(folder: string): Promise<readonly CacheEntry[]> {
    const [upper, lower] = await Promise.all([this.#upper.entries(folder), this.#lower.entries(folder)]);
    const byName = new Map([...lower, ...upper].map((entry) => [entry.name, entry]));
    return [...byName.values()].sort(byNameOrder);
  }

  async stamp(path: string): Promise<string | undefined> {
    return (await this.#holder(path)).stamp(path);
  }

  async close(): Promise<void> {
    await Promise.all([this.#upper.close(), this.#lower.close()]);
  }

  async #holder(path: string): Promise<CacheTree> {
    return (await this.#upper.size(path)) === undefined ? this.#lower : this.#upper;
  }
}

/** Every file at or below a folder, in no particular order. */
export async function* filesBelow(tree: CacheTree, folder: string): AsyncGenerator<string> {
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { name, kind } of await tree.entries(next)) {
      if (kind === 'folder') waiting.push(`${next}/${name}`);
      else yield `${next}/${name}`;
    }
  }
}

/** The order of entries(). */
export function byNameOrder(a: CacheEntry, b: CacheEntry): number {
  return a.name < b.name ? -1 : 1;
}
