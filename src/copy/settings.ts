/** What the copier can be told, with every default. */
import type { UploadState } from '../store/store.ts';

export interface CopySettings {
  /** Blobs on their way at once from one upstream host. Default 11: one slot less than the transport has, see `copier.ts`. */
  readonly transfersPerHost: number;
  /** Blobs on their way at once into the target; as many again that are small and held in memory. Default 9. */
  readonly transfersIntoTarget: number;
  /** Tries of one transfer without progress before it fails; progress resets the count. Default 5. */
  readonly retries: number;
  /** First delay between tries in ms; doubles up to 30 s, with jitter. Default 250. */
  readonly backoffMs: number;
  /** Layers above this many bytes may be fetched in parallel ranges. Default 64 MiB; Infinity turns it off. */
  readonly rangeThreshold: number;
  /** Ranges at once for one layer at most. Default 8. */
  readonly rangeStreams: number;
  /** Bytes of one range. Default 2 MiB. */
  readonly rangeBytes: number;
  /** Blobs up to this size are held in memory, so that sending them again needs no second fetch. Default 512 KiB. */
  readonly heldBytes: number;
}

export const defaultCopySettings: CopySettings = {
  transfersPerHost: 11,
  transfersIntoTarget: 9,
  retries: 5,
  backoffMs: 250,
  rangeThreshold: 64 * 1024 * 1024,
  rangeStreams: 8,
  rangeBytes: 2 * 1024 * 1024,
  heldBytes: 512 * 1024,
};

/** Remembers unfinished uploads between processes. A hint: the registry is asked before it is believed. */
export interface UploadMemory {
  /** `key` is the target repository and digest. */
  load(key: string): UploadState | undefined;
  save(key: string, state: UploadState | undefined): void;
}

export const noUploadMemory: UploadMemory = { load: () => undefined, save: () => {} };
