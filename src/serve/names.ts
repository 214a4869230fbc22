/**
 * From the name in a path to the repository in the store. A store of several registries keeps full upstream names; who asks
 * may say the registry in the path (`ghcr.io/siderolabs/kubelet`), beside it (`?ns=ghcr.io`, as containerd does), or not at all.
 */
import {
  formatRepository,
  isRepositoryPath,
  normaliseRegistry,
  parseRepository,
  type RepositoryName,
} from '../oci/reference.ts';
import type { Source } from '../store/store.ts';
import { willNotList } from './refusal.ts';

/** A store that cannot say when it changed is listed again after this long. */
const staleAfterMs = 10_000;

export interface WireName {
  readonly name: string;
  /** The upstream registry the `ns` parameter names, normalised. */
  readonly ns: string | undefined;
}

interface Index {
  readonly revision: string;
  readonly readAt: number;
  readonly names: readonly RepositoryName[];
  readonly byPath: ReadonlyMap<string, readonly RepositoryName[]>;
}

/** Reads a name as it stands in a path; its first component may be a registry host, with `_` for the colon of a port. Undefined when it is none. */
export function parseWireName(name: string, ns: string | null): WireName | undefined {
  try {
    const registry = ns === null || ns === '' ? undefined : normaliseRegistry(ns);
    const path = splitHost(name)?.repository ?? name;
    return isRepositoryPath(path) ? { name, ns: registry } : undefined;
  } catch {
    return undefined;
  }
}

/** The repositories of a store by the names they are asked for. What the store holds is listed once and again when it changed. */
export class Names {
  readonly #store: Source;
  readonly #local: string;
  #index: Promise<Index> | undefined;

  /** `local`: the registry under which repositories are kept whose path names none. */
  constructor(store: Source, local: string) {
    this.#store = store;
    this.#local = local;
  }

  /** The name a write goes to: one, whatever the store holds. Undefined when no reference could say it, so that nobody would find it again. */
  forWriting(wire: WireName): RepositoryName | undefined {
    return referable(splitHost(wire.name) ?? { registry: this.#local, repository: wire.name });
  }

  /** The names it can mean by itself, most explicit first; nobody has looked whether they exist. */
  exact(wire: WireName): RepositoryName[] {
    const split = splitHost(wire.name);
    const local = { registry: this.#local, repository: wire.name };
    const meant =
      split === undefined || (wire.ns !== undefined && split.registry !== wire.ns) ? [local] : [split, local];
    const named = wire.ns === undefined ? [] : [{ registry: wire.ns, repository: wire.name }];
    return [...named, ...meant].flatMap((name) => referable(name) ?? []);
  }

  /** Repositories of other registries whose path is this name, for who did not say the registry. Sorted by registry. */
  async elsewhere(wire: WireName): Promise<readonly RepositoryName[]> {
    if (wire.ns !== undefined) return [];
    const { byPath } = await this.#read();
    const tried = new Set(this.exact(wire).map(formatRepository));
    return (byPath.get(wire.name) ?? []).filter((name) => !tried.has(formatRepository(name)));
  }

  /** Every repository's name as it stands in a path, sorted. Throws what the store's catalog() throws. */
  async all(): Promise<string[]> {
    const { names } = await this.#read();
    return names.map((name) => this.onWire(name)).sort();
  }

  /** A repository's name as it stands in a path: what is asked for by it is this repository. */
  onWire(name: RepositoryName): string {
    const isBare = name.registry === this.#local && splitHost(name.repository) === undefined;
    return isBare ? name.repository : wireNameOf(name);
  }

  /** The store was written through us. */
  forget(): void {
    this.#index = undefined;
  }

  async #read(): Promise<Index> {
    const known = await this.#index?.catch(() => undefined);
    const revision = (await this.#store.revision?.()) ?? 'unknown';
    if (known?.revision === revision && (revision !== 'unknown' || Date.now() - known.readAt < staleAfterMs))
      return known;
    this.#index = this.#list(revision);
    return this.#index;
  }

  async #list(revision: string): Promise<Index> {
    const names: RepositoryName[] = [];
    try {
      for await (const name of this.#store.catalog?.() ?? []) names.push(name);
    } catch (error) {
      if (!willNotList(error)) throw error;
    }
    names.sort((a, b) => (formatRepository(a) < formatRepository(b) ? -1 : 1));
    const byPath = new Map<string, RepositoryName[]>();
    for (const name of names) {
      for (const path of new Set([name.repository, wireNameOf(name)])) {
        byPath.set(path, [...(byPath.get(path) ?? []), name]);
      }
    }
    return { revision, readAt: Date.now(), names, byPath };
  }
}

/** `ghcr.io/a/b`; the colon of a port becomes `_`, as repository names cannot hold it. */
function wireNameOf(name: RepositoryName): string {
  return `${name.registry.replaceAll(/[[\]]/g, '').replaceAll(':', '_')}/${name.repository}`;
}

/** The registry a name begins with, where its first component can be one. No host has a `_`: one before a number is the colon of a port. */
function splitHost(name: string): RepositoryName | undefined {
  const slash = name.indexOf('/');
  if (slash < 0) return undefined;
  const host = name.slice(0, slash).replace(/_(?=[0-9]{1,5}$)/, ':');
  if (!/[.:]/.test(host) && host !== 'localhost') return undefined;
  try {
    return { registry: normaliseRegistry(host), repository: name.slice(slash + 1) };
  } catch {
    return undefined;
  }
}

/** The name as a reference to it reads back: with `library/` for Docker Hub. Undefined for one no reference can have: too long, or like a digest. */
function referable(name: RepositoryName): RepositoryName | undefined {
  try {
    const read = parseRepository(formatRepository(name));
    // A registry of our own may be called what no host is.
    return read.registry === name.registry ? read : name;
  } catch {
    return undefined;
  }
}
