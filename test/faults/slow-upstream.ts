/** An upstream registry behind a narrow link: it counts what crosses, and tells when. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningServer } from '../../src/serve/open.ts';
import { serveStore } from '../../src/serve/open.ts';
import type { Source, UnverifiedContent } from '../../src/store/store.ts';

export interface SlowUpstream {
  readonly url: string;
  /** Bytes of blobs that were given out since the last `forget()`. */
  readonly crossed: number;
  forget(): void;
  /** Resolves when that many bytes have crossed. */
  until(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** All connections together give `bytesPerSecond`, in pieces of 64 KiB. `registry`: under which the store keeps its repositories. */
export async function startSlowUpstream(
  store: Source,
  options: { readonly registry: string; readonly bytesPerSecond: number },
): Promise<SlowUpstream> {
  let crossed = 0;
  let free = performance.now();
  async function* slowly(content: UnverifiedContent): UnverifiedContent {
    for await (const chunk of content) {
      for (let at = 0; at < chunk.byteLength; at += 65_536) {
        const piece = chunk.subarray(at, at + 65_536);
        free = Math.max(free, performance.now()) + (piece.byteLength / options.bytesPerSecond) * 1000;
        const wait = free - performance.now();
        if (wait > 2) await delay(wait);
        crossed += piece.byteLength;
        yield piece;
      }
    }
  }
  const slow: Source = {
    repository: (name) => {
      const repository = store.repository(name);
      return {
        name: repository.name,
        resolve: (tag, call) => repository.resolve(tag, call),
        manifest: (tag, call) => repository.manifest(tag, call),
        exists: (descriptor, call) => repository.exists(descriptor, call),
        blobSize: async (digest, call) => await repository.blobSize?.(digest, call),
        fetch: async (descriptor, call) => slowly(await repository.fetch(descriptor, call)),
      };
    },
    close: () => store.close(),
  };
  const server: RunningServer = await serveStore(slow, { registry: options.registry, graceMs: 100 });
  return {
    url: server.url,
    get crossed() {
      return crossed;
    },
    forget() {
      crossed = 0;
    },
    async until(bytes) {
      while (crossed < bytes) await delay(5);
    },
    close: () => server.close(),
  };
}
