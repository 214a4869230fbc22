/**
 * Keeps what runs contacted that left no lock, in a file beside it: written like a lock, without images. The next run that writes the
 * lock puts it in and takes the file away. A hint: a file that is broken is said and left out, and never makes a run fail.
 */
import { lstatSync, rmSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isAirgapError } from '../errors.ts';
import { type EventSink, noEvents } from '../events.ts';
import { sumContacts } from '../lock/contacts.ts';
import type { Contact, Lock } from '../lock/lock.ts';
import { parseLock } from '../lock/parse.ts';
import { printLock } from '../lock/print.ts';
import type { MirrorRule } from '../mirror/rule.ts';
import { type ContactLog, timeOfEnvironment } from './contact-log.ts';
import { writeFileAtomic } from './files.ts';
import { sameRule } from './lock-file.ts';
import type { Session } from './session.ts';

/** Far more than the 10,000 contacts that are kept at most. */
const fileLimit = 16 * 1024 * 1024;

export interface ContactMemory {
  /** What this run contacted, and runs for the same target before it that left no lock. */
  contacts(): readonly Contact[];
  /** The lock has them now: the file goes, unless another run left it meanwhile. */
  settled(): void;
  /** Writes the file, unless settled() was called or nobody was contacted. Call it once when everything is closed. */
  keep(): Promise<void>;
}

interface ContactMemoryOptions {
  /** Of the lock. */
  readonly lockFile: string;
  /** How this run places names: what was kept for another target is not taken over, and replaced. */
  readonly rule: MirrorRule;
  readonly log: ContactLog;
  readonly events: EventSink;
}

/** Reads what is there. Throws nothing. */
async function openContactMemory(options: ContactMemoryOptions): Promise<ContactMemory> {
  const { lockFile, rule, log, events } = options;
  const known = identityOf(lockFile);
  const ofThisTarget = async (to: EventSink): Promise<readonly Contact[]> => {
    const kept = await readPending(lockFile, to);
    return kept !== undefined && sameRule(kept.rule, rule) ? kept.contacts : [];
  };
  const before = await ofThisTarget(events);
  let isSettled = false;
  const contacts = (): readonly Contact[] => sumContacts([...before, ...log.contacts()]);
  return {
    contacts,
    settled() {
      isSettled = true;
      try {
        if (identityOf(lockFile) === known) rmSync(pendingFile(lockFile), { force: true });
      } catch (error) {
        events(
          notice(lockFile, { what: 'what earlier runs contacted is in the lock now, and stays beside it too', error }),
        );
      }
    },
    async keep() {
      if (isSettled) return;
      const own = log.contacts();
      if (own.length === 0) return;
      // Another run may have written it, or put it into the lock, since this one began.
      const now = identityOf(lockFile) === known ? before : await ofThisTarget(noEvents);
      const all = sumContacts([...now, ...own]);
      const pending: Lock = { version: 1, rule, mirrors: [], images: [], contacts: all };
      try {
        await writeFileAtomic(pendingFile(lockFile), printLock(pending));
      } catch (error) {
        events(notice(lockFile, { what: 'what this run contacted is not kept', error }));
      }
    },
  };
}

/**
 * Whatever the work contacted is kept beside the lock when it leaves none, also where not even the ends could be opened. Without `write`
 * nothing is written. Throws ERR_USAGE before the work for a SOURCE_DATE_EPOCH that is no time.
 */
export async function keepingContacts(
  { settings, context, contacts: log, reporter }: Session,
  options: {
    readonly rule: MirrorRule;
    readonly write: boolean;
    readonly work: (contacts: ContactMemory) => Promise<number>;
  },
): Promise<number> {
  const { rule, write, work } = options;
  if (write) timeOfEnvironment(context.env);
  const contacts = await openContactMemory({ lockFile: settings.lockFile, rule, log, events: reporter.event });
  try {
    return await work(contacts);
  } finally {
    if (write) await contacts.keep();
  }
}

/** Contacts of runs that left no lock; of which target, says the rule. Undefined where there is no file, or none that can be read, which is told. */
export async function readPending(
  lockFile: string,
  events: EventSink,
): Promise<Pick<Lock, 'rule' | 'contacts'> | undefined> {
  const file = pendingFile(lockFile);
  try {
    const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (found === undefined) return undefined;
    // A pipe would be waited for, and nothing that large was written here.
    if (!found.isFile() || found.size > fileLimit) throw new Error('it is not a file of this program');
    return parseLock(await readFile(file, 'utf8'), file);
  } catch (error) {
    events(notice(lockFile, { what: 'what earlier runs contacted is left out', error }));
    return undefined;
  }
}

/** To tell whether it is still the same file: it is only ever replaced. Undefined where there is none. */
function identityOf(lockFile: string): string | undefined {
  try {
    const { ino, size, mtimeNs } = lstatSync(pendingFile(lockFile), { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return undefined;
  }
}

function pendingFile(lockFile: string): string {
  return `${lockFile}.contacts.json`;
}

function notice(
  lockFile: string,
  { what, error }: { readonly what: string; readonly error: unknown },
): Parameters<EventSink>[0] {
  const state = error instanceof Error ? error.message : String(error);
  const shown = isAirgapError(error) ? state : `${JSON.stringify(pendingFile(lockFile))}: ${state}`;
  return { type: 'notice', message: `${what}: ${shown}`, isWarning: true };
}
