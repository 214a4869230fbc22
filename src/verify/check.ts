/**
 * Everything a bundle or a layout holds, read once and hashed: what is missing, short or corrupt, and which images that harms.
 * The index, the lock and the set are three lists of what should be here; what one of them lost another one knows.
 */
import { isAirgapError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { Lock } from '../lock/lock.ts';
import type { Digest } from '../oci/digest.ts';
import type { Source } from '../store/store.ts';
import { CheckRun } from './check-run.ts';
import type { Verdict } from './read-content.ts';

export interface SizedContent {
  readonly digest: Digest;
  readonly size: number;
}

/** What is checked, and what is known of it beside its index. */
export interface CheckSubject {
  readonly source: Source;
  /** Of what it holds, digest by digest. */
  readonly lock?: Lock | undefined;
  /** All content of a set. Default: what the index and the lock lead to. */
  readonly promised?:
    | { readonly manifests: readonly SizedContent[]; readonly blobs: readonly SizedContent[] }
    | undefined;
  /** Left out because the receiver has it. Default: nothing. */
  readonly base?: readonly SizedContent[] | undefined;
  /** Named files beside the content; read() throws where one is not as it should be. Default: none. */
  readonly files?:
    | readonly { readonly name: string; readonly size: number; readonly read: () => Promise<unknown> }[]
    | undefined;
  /** Content in files that nobody who reads through `source` comes to; check() says what is wrong with it. Default: none. */
  readonly unread?:
    | readonly (SizedContent & {
        readonly what: 'manifest' | 'blob';
        readonly check: (signal: AbortSignal | undefined) => Promise<string | undefined>;
      })[]
    | undefined;
  /** Volumes that have a part of this content and are not here. Default: none. */
  readonly absentVolumes?: ((digest: Digest) => readonly number[]) | undefined;
}

export interface CheckOptions {
  /** Contents read at once. Default 2: while one is hashed, the disk reads on. */
  readonly readers?: number;
  readonly signal?: AbortSignal | undefined;
  readonly events?: EventSink | undefined;
}

export interface CheckedContent extends SizedContent {
  readonly what: 'manifest' | 'blob';
  /** `absent-volume`: in a volume that is not here. `at-receiver`: a delta leaves it out. */
  readonly verdict: Verdict | 'absent-volume' | 'at-receiver';
}

export interface CheckFinding {
  readonly what: 'file' | 'volume' | 'tag' | 'manifest' | 'blob';
  readonly verdict: Exclude<Verdict, 'ok'>;
  /** A digest; of a tag its reference, of a file or volume what it is called. */
  readonly name: string;
  readonly size?: number;
  /** What is wrong, as a state. */
  readonly message: string;
  /** Images that need it, sorted. */
  readonly images: readonly string[];
}

export interface ContentCheck {
  readonly images: number;
  /** Sorted by digest. */
  readonly content: readonly CheckedContent[];
  /** Bytes read and hashed. */
  readonly bytesRead: number;
  /** Sorted by kind, then name. */
  readonly findings: readonly CheckFinding[];
  /** What waits in volumes that are not here. Sorted by digest. */
  readonly waiting: readonly (SizedContent & {
    readonly volumes: readonly number[];
    readonly images: readonly string[];
  })[];
  /** Images a delta expects whole at the receiver. Sorted. */
  readonly expected: readonly string[];
  /** Manifests that an index lists and that are not here, where neither a set nor a lock tells whether they were left out on purpose. */
  readonly leftOut: number;
}

/** Reads and hashes everything, each digest once. Throws only when interrupted, and what keeps the index from being read. */
export async function checkContent(subject: CheckSubject, options: CheckOptions = {}): Promise<ContentCheck> {
  const files = await checkFiles(subject.files ?? []);
  const run = new CheckRun(subject, options);
  await run.walk();
  await run.readBlobs();
  const unreadBytes = await checkUnread(run, { unread: subject.unread ?? [], signal: options.signal });
  const result = run.result();
  return {
    ...result,
    bytesRead: files.bytesRead + unreadBytes + result.bytesRead,
    findings: [...files.findings, ...result.findings],
  };
}

async function checkUnread(
  run: CheckRun,
  {
    unread,
    signal,
  }: { readonly unread: NonNullable<CheckSubject['unread']>; readonly signal: AbortSignal | undefined },
): Promise<number> {
  let bytes = 0;
  for (const { what, digest, size, check } of unread) {
    const message = await check(signal);
    if (message !== undefined) run.find({ what, verdict: 'corrupt', name: digest, size, message, images: [] });
    bytes += size;
  }
  return bytes;
}

async function checkFiles(
  files: NonNullable<CheckSubject['files']>,
): Promise<Pick<ContentCheck, 'bytesRead' | 'findings'>> {
  const findings: CheckFinding[] = [];
  let bytesRead = 0;
  for (const { name, size, read } of files) {
    try {
      await read();
      bytesRead += size;
    } catch (error) {
      if (!isAirgapError(error) || error.code === 'ERR_INTERRUPTED') throw error;
      findings.push({ what: 'file', verdict: 'corrupt', name, size, message: error.message, images: [] });
    }
  }
  return { bytesRead, findings };
}
