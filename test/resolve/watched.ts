/** A store whose questions are written down, and which can be made to refuse some of them. */
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { formatRepository, type RepositoryName, type Tag } from '../../src/oci/reference.ts';
import type {
  CallOptions,
  FetchOptions,
  ManifestContent,
  ReadableRepository,
  Source,
  UnverifiedContent,
} from '../../src/store/store.ts';

export interface WatchOptions {
  /** Optional methods the store is to lack. */
  readonly without?: readonly ('tags' | 'referrers' | 'catalog')[];
  /** The store has no referrers API although it has the method, as a registry that answers 404. */
  readonly noReferrersApi?: boolean;
  /** Throws to refuse a question; may wait. Called with the line that is written down. */
  readonly before?: (call: string) => void | Promise<void>;
  /** Changes a manifest on its way. */
  readonly alter?: (content: ManifestContent) => ManifestContent;
  /** Changes a chunk of a blob on its way. */
  readonly alterChunk?: (chunk: Uint8Array) => Uint8Array;
}

export interface Watched {
  readonly store: Source;
  /** `VERB repository[:tag][@digest]`, in the order they came. */
  readonly calls: string[];
  /** How many calls begin with this. */
  count(start: string): number;
}

export function watch(inner: Source, options: WatchOptions = {}): Watched {
  const calls: string[] = [];
  const note = async (call: string): Promise<void> => {
    calls.push(call);
    await options.before?.(call);
  };
  const catalog = inner.catalog?.bind(inner);
  const store: Source = {
    repository: (name) => watchedRepository(inner.repository(name), { ...options, note }),
    ...(catalog === undefined || options.without?.includes('catalog')
      ? {}
      : {
          async *catalog(call?: CallOptions): AsyncGenerator<RepositoryName> {
            await note('catalog');
            yield* catalog(call);
          },
        }),
    close: async () => {},
  };
  return { store, calls, count: (start) => calls.filter((call) => call.startsWith(start)).length };
}

function watchedRepository(
  inner: ReadableRepository,
  options: WatchOptions & { readonly note: (call: string) => Promise<void> },
): ReadableRepository {
  const place = formatRepository(inner.name);
  const at = (wanted: string): string => (wanted.includes(':') ? `${place}@${wanted}` : `${place}:${wanted}`);
  const tags = inner.tags?.bind(inner);
  const referrers = inner.referrers?.bind(inner);
  return {
    name: inner.name,
    async resolve(wanted: Tag | Digest, call?: CallOptions): Promise<Descriptor> {
      await options.note(`resolve ${at(wanted)}`);
      return inner.resolve(wanted, call);
    },
    async manifest(wanted: Tag | Digest, call?: CallOptions): Promise<ManifestContent> {
      await options.note(`manifest ${at(wanted)}`);
      const content = await inner.manifest(wanted, call);
      return options.alter?.(content) ?? content;
    },
    async exists(descriptor: Descriptor, call?: CallOptions): Promise<boolean> {
      await options.note(`exists ${at(descriptor.digest)}`);
      return inner.exists(descriptor, call);
    },
    async fetch(descriptor: Descriptor, call?: FetchOptions): Promise<UnverifiedContent> {
      await options.note(`fetch ${at(descriptor.digest)}`);
      const content = await inner.fetch(descriptor, call);
      return options.alterChunk === undefined ? content : altered(content, options.alterChunk);
    },
    ...(tags === undefined || options.without?.includes('tags')
      ? {}
      : {
          async *tags(call?: CallOptions): AsyncGenerator<Tag> {
            await options.note(`tags ${place}`);
            yield* tags(call);
          },
        }),
    ...(referrers === undefined || options.without?.includes('referrers')
      ? {}
      : {
          async referrers(subject: Digest, call?: CallOptions): Promise<readonly Descriptor[] | undefined> {
            await options.note(`referrers ${at(subject)}`);
            return options.noReferrersApi === true ? undefined : referrers(subject, call);
          },
        }),
  };
}

async function* altered(
  content: UnverifiedContent,
  alter: (chunk: Uint8Array) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) yield alter(chunk);
}
