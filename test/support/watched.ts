/** A real store with a window in it: every call is written down, and calls may be refused or given other content. */
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { formatRepository, type RepositoryName } from '../../src/oci/reference.ts';
import type {
  CallOptions,
  FetchOptions,
  ManifestContent,
  Target,
  UnverifiedContent,
  WritableRepository,
} from '../../src/store/store.ts';

export interface WatchOptions {
  /** Optional methods the store is to lack. */
  readonly without?: readonly ('tags' | 'referrers' | 'catalog' | 'mount')[];
  /** The store has no referrers API although it has the method, as a registry that answers 404. */
  readonly noReferrersApi?: boolean;
  /** Throws to refuse a call; may wait. Called with the line that is written down. */
  readonly before?: (call: string) => void | Promise<void>;
  /** Changes a manifest on its way. */
  readonly alter?: (content: ManifestContent) => ManifestContent;
  /** Changes a chunk of a blob on its way. */
  readonly alterChunk?: (chunk: Uint8Array) => Uint8Array;
  /** Replaces what a fetch gives. */
  readonly fetch?: (
    real: () => Promise<UnverifiedContent>,
    asked: { readonly descriptor: Descriptor; readonly options: FetchOptions; readonly repository: RepositoryName },
  ) => Promise<UnverifiedContent>;
}

export interface Watched extends Target {
  /** `VERB repository[:tag][@digest]`, in the order they came. */
  readonly calls: string[];
  /** How many calls begin with this. */
  count(start: string): number;
  /** Itself, for who takes it apart. */
  readonly store: Target;
}

type Note = (call: string) => Promise<void>;

export function watch(inner: Target, options: WatchOptions = {}): Watched {
  const calls: string[] = [];
  const note: Note = async (call) => {
    calls.push(call);
    await options.before?.(call);
  };
  const catalog = options.without?.includes('catalog') ? undefined : inner.catalog?.bind(inner);
  const watched: Watched = {
    calls,
    get store() {
      return watched;
    },
    count: (start) => calls.filter((call) => call.startsWith(start)).length,
    repository: (name) => watchRepository(inner.repository(name), { options, note }),
    ...(catalog && { catalog: (call?: CallOptions) => noted(() => note('catalog'), catalog(call)) }),
    acceptsSparseIndex: async (name, call) => await inner.acceptsSparseIndex?.(name, call),
    close: () => inner.close(),
  };
  return watched;
}

/** True for calls that change a store. */
export function isWrite(call: string): boolean {
  return /^(?:push|pushManifest|mount) /.test(call);
}

function watchRepository(
  real: WritableRepository,
  { options, note }: { readonly options: WatchOptions; readonly note: Note },
): WritableRepository {
  const place = formatRepository(real.name);
  const say = (verb: string, what: string) => note(`${verb} ${place}${what.includes(':') ? '@' : ':'}${what}`);
  return {
    name: real.name,
    async resolve(wanted, call) {
      await say('resolve', wanted);
      return real.resolve(wanted, call);
    },
    async manifest(wanted, call) {
      await say('manifest', wanted);
      const content = await real.manifest(wanted, call);
      return options.alter?.(content) ?? content;
    },
    async exists(descriptor, call) {
      await say('exists', descriptor.digest);
      return real.exists(descriptor, call);
    },
    async fetch(descriptor, call = {}) {
      await say('fetch', descriptor.digest);
      const open = () => real.fetch(descriptor, call);
      const asked = { descriptor, options: call, repository: real.name };
      const content = await (options.fetch?.(open, asked) ?? open());
      return options.alterChunk === undefined ? content : altered(content, options.alterChunk);
    },
    async push(descriptor, content, call) {
      await say('push', descriptor.digest);
      return real.push(descriptor, content, call);
    },
    async pushManifest(descriptor, bytes, call) {
      await say('pushManifest', call?.tag ?? descriptor.digest);
      return real.pushManifest(descriptor, bytes, call);
    },
    ...optionalMethods(real, { options, note, say }),
  };
}

function optionalMethods(
  real: WritableRepository,
  watching: {
    readonly options: WatchOptions;
    readonly note: Note;
    readonly say: (verb: string, what: string) => Promise<void>;
  },
): Pick<WritableRepository, 'tags' | 'referrers' | 'mount'> {
  const { options, note, say } = watching;
  const has = (method: 'tags' | 'referrers' | 'mount') => !options.without?.includes(method);
  const tags = has('tags') ? real.tags?.bind(real) : undefined;
  const referrers = has('referrers') ? real.referrers?.bind(real) : undefined;
  const mount = has('mount') ? real.mount?.bind(real) : undefined;
  return {
    ...(tags && { tags: (call) => noted(() => note(`tags ${formatRepository(real.name)}`), tags(call)) }),
    ...(referrers && {
      referrers: async (subject, call) => {
        await say('referrers', subject);
        return options.noReferrersApi === true ? undefined : referrers(subject, call);
      },
    }),
    ...(mount && {
      mount: async (descriptor, from, call) => {
        await say('mount', descriptor.digest);
        return mount(descriptor, from, call);
      },
    }),
  };
}

async function* noted<T>(note: () => Promise<void>, items: AsyncIterable<T>): AsyncGenerator<T> {
  await note();
  yield* items;
}

async function* altered(
  content: UnverifiedContent,
  alter: (chunk: Uint8Array) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) yield alter(chunk);
}
