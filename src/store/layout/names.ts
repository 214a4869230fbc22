/** The names of a layout in memory: what `index.json` says, and how it is written back. */
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { isManifestType } from '../../oci/media-type.ts';
import { formatRepository, type RepositoryName, type Tag } from '../../oci/reference.ts';
import { entryFor, type IndexEntry, printIndexFile } from './index-file.ts';

interface Named {
  readonly name: RepositoryName;
  readonly tags: Map<Tag, IndexEntry>;
  /** Manifests nothing else in the repository names. */
  readonly roots: Map<Digest, IndexEntry>;
}

export class LayoutNames {
  readonly #repositories = new Map<string, Named>();
  /** Entries of other tools without a full reference. */
  readonly #others: IndexEntry[] = [];
  readonly #mediaTypes = new Map<Digest, string>();
  readonly #reached = new Map<string, Promise<ReadonlySet<Digest>>>();

  constructor(entries: readonly IndexEntry[]) {
    for (const entry of entries) this.#add(entry);
  }

  text(): string {
    return printIndexFile(this.all());
  }

  /** Every entry, those of other tools last. */
  all(): IndexEntry[] {
    const named = [...this.#repositories.values()];
    return [...named.flatMap(({ tags, roots }) => [...tags.values(), ...roots.values()]), ...this.#others];
  }

  /** Sorted. */
  repositories(): RepositoryName[] {
    return [...this.#repositories.keys()].sort().flatMap((key) => this.#repositories.get(key)?.name ?? []);
  }

  tag(name: RepositoryName, tag: Tag): IndexEntry | undefined {
    return this.#repositories.get(formatRepository(name))?.tags.get(tag);
  }

  /** Sorted; undefined when nothing has the repository's name. */
  tags(name: RepositoryName): Tag[] | undefined {
    const named = this.#repositories.get(formatRepository(name));
    return named === undefined ? undefined : [...named.tags.keys()].sort();
  }

  /** Digests of everything the index names in a repository, and of what it names without a repository. */
  entries(name: RepositoryName): Digest[] {
    const named = this.#repositories.get(formatRepository(name));
    const entries = [...(named?.tags.values() ?? []), ...(named?.roots.values() ?? []), ...this.#others];
    return [...new Set(entries.map((entry) => entry.digest))];
  }

  /** What the repository's entries lead to: computed by `walk`, and again after the repository changed. */
  reached(name: RepositoryName, walk: () => Promise<ReadonlySet<Digest>>): Promise<ReadonlySet<Digest>> {
    const key = formatRepository(name);
    const known = this.#reached.get(key);
    if (known !== undefined) return known;
    const walked = walk();
    this.#reached.set(key, walked);
    walked.catch(() => this.#reached.delete(key));
    return walked;
  }

  /** What the repository's entries lead to may be other than it was: files changed. */
  followAgain(name: RepositoryName): void {
    this.#reached.delete(formatRepository(name));
  }

  /** The media type an entry gives a digest: what a manifest without one is served with. */
  mediaTypeOf(digest: Digest): string | undefined {
    return this.#mediaTypes.get(digest);
  }

  /**
   * Names a manifest. By its digest only while no tag of the repository names it; its children no longer need a name of their own.
   * A manifest whose last tag moves to another one keeps a name by its digest: who pinned it still finds it.
   */
  put(
    name: RepositoryName,
    manifest: { readonly descriptor: Descriptor; readonly tag?: Tag | undefined; readonly children: readonly Digest[] },
  ): void {
    const { descriptor, tag, children } = manifest;
    const before = tag === undefined ? undefined : this.tag(name, tag);
    this.#reached.delete(formatRepository(name));
    const isTagged = tag === undefined && this.#isTagged(name, descriptor.digest);
    if (!isTagged) this.#add(entryFor({ ...name, tag }, descriptor));
    const named = this.#repositories.get(formatRepository(name));
    if (tag !== undefined) named?.roots.delete(descriptor.digest);
    for (const child of children) named?.roots.delete(child);
    if (before === undefined || children.includes(before.digest) || this.#isTagged(name, before.digest)) return;
    this.#add(entryFor(name, before));
  }

  /** Takes a tag away. Its manifest keeps a name by its digest unless another tag of the repository names it. False: there is no such tag. */
  removeTag(name: RepositoryName, tag: Tag): boolean {
    const entry = this.tag(name, tag);
    if (entry === undefined) return false;
    const key = formatRepository(name);
    this.#reached.delete(key);
    this.#repositories.get(key)?.tags.delete(tag);
    if (!this.#isTagged(name, entry.digest)) this.#add(entryFor(name, entry));
    return true;
  }

  /** Takes every name of a manifest out of a repository and gives `children`, which it alone named, names by their digests. */
  remove(name: RepositoryName, digest: Digest, children: readonly Descriptor[]): void {
    const key = formatRepository(name);
    const named = this.#repositories.get(key);
    if (named === undefined) return;
    this.#reached.delete(key);
    named.roots.delete(digest);
    for (const [tag, entry] of named.tags) if (entry.digest === digest) named.tags.delete(tag);
    for (const child of children) if (!this.#isTagged(name, child.digest)) this.#add(entryFor(name, child));
    if (named.tags.size === 0 && named.roots.size === 0) this.#repositories.delete(key);
  }

  /** Whether an entry without a full reference names a digest: such an entry belongs to every repository. */
  isNamedElsewhere(digest: Digest): boolean {
    return this.#others.some((entry) => entry.digest === digest);
  }

  #isTagged(name: RepositoryName, digest: Digest): boolean {
    const named = this.#repositories.get(formatRepository(name));
    return [...(named?.tags.values() ?? [])].some((entry) => entry.digest === digest);
  }

  #add(entry: IndexEntry): void {
    // It becomes a header, and the index may come from anywhere: a manifest must not pass for a web page.
    if (isManifestType(entry.mediaType)) this.#mediaTypes.set(entry.digest, entry.mediaType);
    const { reference } = entry;
    if (reference === undefined) {
      this.#others.push(entry);
      return;
    }
    const { registry, repository } = reference;
    const key = formatRepository(reference);
    const named = this.#repositories.get(key) ?? { name: { registry, repository }, tags: new Map(), roots: new Map() };
    this.#repositories.set(key, named);
    if (reference.tag === undefined) named.roots.set(entry.digest, entry);
    else named.tags.set(reference.tag, entry);
  }
}
