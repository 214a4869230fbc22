/** The lock beside the user: what an earlier run left, and what this one leaves. */
import { readFile } from 'node:fs/promises';
import { AirgapError } from '../errors.ts';
import type { Lock } from '../lock/lock.ts';
import { parseLock } from '../lock/parse.ts';
import { printLock } from '../lock/print.ts';
import type { MirrorRule } from '../mirror/rule.ts';
import { writeFileAtomic } from './files.ts';

/** Undefined when there is no file. Throws ERR_LOCK_INVALID, and ERR_INPUT_INVALID when it cannot be read. */
export async function readLock(file: string): Promise<Lock | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    const state = error instanceof Error ? error.message : String(error);
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot read lock "${file}": ${state}`, { cause: error });
  }
  return parseLock(text, file);
}

/** The same, or ERR_INPUT_INVALID with what to do. */
export async function requireLock(file: string): Promise<Lock> {
  const lock = await readLock(file);
  if (lock !== undefined) return lock;
  throw new AirgapError('ERR_INPUT_INVALID', `Cannot read lock "${file}": file not found`, {
    hint: 'airgap mirror writes it; name another with --lock, or give a list and --to',
  });
}

/** Whether a lock was written for images placed in the same way at the same target. */
export function sameRule(one: MirrorRule, other: MirrorRule): boolean {
  return (
    one.naming === other.naming &&
    one.prefix === other.prefix &&
    (one.naming === 'keep' || one.registry === other.registry)
  );
}

/** Replaces the lock in one step. */
export async function writeLock(file: string, lock: Lock): Promise<void> {
  await writeFileAtomic(file, printLock(lock));
}
