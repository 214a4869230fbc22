/** A real store with a window in it: every call is written down, and a fetch may be given other content. */
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { RepositoryName } from '../../src/oci/reference.ts';
import { formatRepository } from '../../src/oci/reference.ts';
import type { FetchOptions, Target, UnverifiedContent, WritableRepository } from '../../src/store/store.ts';

export interface Watched extends Target {
  /** `fetch ghcr.io/a/b@sha256:…`, `manifest …`, `resolve …`, `exists …`, `push …`, `pushManifest …`, `mount …`, in order. */
  readonly calls: string[];
}

export interface WatchOptions {
  /** Replaces what a fetch gives. */
  readonly fetch?: (
    real: () => Promise<UnverifiedContent>,
    asked: { readonly descriptor: Descriptor; readonly options: FetchOptions; readonly repository: RepositoryName },
  ) => Promise<UnverifiedContent>;
  /** Called before a push, a mount or a pushManifest; may throw. */
  readonly beforeWrite?: (call: string) => void;
  /** Default true; false hides mount(). */
  readonly mounts?: boolean;
}

export function watch(store: Target, options: WatchOptions = {}): Watched {
  const calls: string[] = [];
  return {
    calls,
    repository: (name) => watchRepository(store.repository(name), { calls, options }),
    catalog: (call) => store.catalog?.(call) ?? nothing(),
    acceptsSparseIndex: async (name, call) => await store.acceptsSparseIndex?.(name, call),
    close: () => store.close(),
  };
}

async function* nothing(): AsyncGenerator<RepositoryName> {}

function watchRepository(
  real: WritableRepository,
  { calls, options }: { readonly calls: string[]; readonly options: WatchOptions },
): WritableRepository {
  const at = formatRepository(real.name);
  const note = (verb: string, what: string): string => {
    const call = `${verb} ${at}@${what}`;
    calls.push(call);
    return call;
  };
  return {
    name: real.name,
    resolve: (tag, call) => {
      note('resolve', tag);
      return real.resolve(tag, call);
    },
    manifest: (tag, call) => {
      note('manifest', tag);
      return real.manifest(tag, call);
    },
    exists: (descriptor, call) => {
      note('exists', descriptor.digest);
      return real.exists(descriptor, call);
    },
    fetch: (descriptor, call = {}) => {
      note('fetch', descriptor.digest);
      const open = () => real.fetch(descriptor, call);
      return options.fetch?.(open, { descriptor, options: call, repository: real.name }) ?? open();
    },
    tags: (call) => {
      note('tags', '');
      return real.tags?.(call) ?? none();
    },
    referrers: async (subject, call) => {
      note('referrers', subject);
      return await real.referrers?.(subject, call);
    },
    push: (descriptor, content, call) => {
      options.beforeWrite?.(note('push', descriptor.digest));
      return real.push(descriptor, content, call);
    },
    pushManifest: (descriptor, bytes, call) => {
      options.beforeWrite?.(note('pushManifest', call?.tag ?? descriptor.digest));
      return real.pushManifest(descriptor, bytes, call);
    },
    ...(options.mounts === false || real.mount === undefined
      ? {}
      : {
          mount: async (descriptor, from, call) => {
            options.beforeWrite?.(note('mount', descriptor.digest));
            return (await real.mount?.(descriptor, from, call)) === true;
          },
        }),
  };
}

async function* none(): AsyncGenerator<never> {}
