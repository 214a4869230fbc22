/**
 * Remembers unfinished uploads between processes, in a file beside the lock. A hint: whoever uses it asks the registry first,
 * so a stale, foreign or broken file can cost a request but never make a run wrong.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import type { UploadMemory } from '../copy/settings.ts';
import type { UploadState } from '../store/store.ts';

interface Entry extends UploadState {
  readonly target: string;
  readonly key: string;
}

/** More than any run leaves behind; beyond it the oldest are forgotten. */
const entriesKept = 1000;
/** A state arrives for every chunk that is safe; the file follows at most this often. */
const saveEveryMs = 500;
const fileLimit = 4 * 1024 * 1024;

export interface KeptUploads extends UploadMemory {
  /** Writes what is not written yet. Call it once when the run ends. */
  flush(): void;
}

/** `target` sets the uploads of one target apart from those of another. A file that cannot be read or written is left alone. */
export function openUploadMemory(
  file: string,
  target: string,
  clock: () => number = () => performance.now(),
): KeptUploads {
  const entries = new Map(readEntries(file).map((entry) => [keyOf(entry.target, entry.key), entry]));
  let dirty = false;
  let saved = Number.NEGATIVE_INFINITY;
  const flush = (): void => {
    if (!dirty) return;
    dirty = false;
    saved = clock();
    writeEntries(file, [...entries.values()].slice(-entriesKept));
  };
  return {
    load(key) {
      const entry = entries.get(keyOf(target, key));
      return entry === undefined ? undefined : { location: entry.location, offset: entry.offset };
    },
    save(key, state) {
      const name = keyOf(target, key);
      if (state === undefined && !entries.has(name)) return;
      entries.delete(name);
      if (state !== undefined) entries.set(name, { target, key, location: state.location, offset: state.offset });
      dirty = true;
      if (clock() - saved >= saveEveryMs) flush();
    },
    flush,
  };
}

function keyOf(target: string, key: string): string {
  return `${target} ${key}`;
}

function readEntries(file: string): Entry[] {
  try {
    if (statSync(file).size > fileLimit) return [];
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('uploads' in parsed) || !Array.isArray(parsed.uploads))
      return [];
    return parsed.uploads.filter(isEntry).slice(-entriesKept);
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { target, key, location, offset } = value as Record<string, unknown>;
  return (
    typeof target === 'string' &&
    typeof key === 'string' &&
    typeof location === 'string' &&
    location.length <= 8192 &&
    typeof offset === 'number' &&
    Number.isSafeInteger(offset) &&
    offset >= 0
  );
}

/** Readable by its owner only: the location of an upload may carry a registry's own token. */
function writeEntries(file: string, entries: readonly Entry[]): void {
  try {
    if (entries.length === 0) {
      rmSync(file, { force: true });
      return;
    }
    const temporary = `${file}.${process.pid}.tmp`;
    const handle = openSync(temporary, 'w', 0o600);
    try {
      writeSync(handle, `${JSON.stringify({ version: 1, uploads: entries }, undefined, 1)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch {
    // Without the file the next run sends those blobs from their start.
  }
}
