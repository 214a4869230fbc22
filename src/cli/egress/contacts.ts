/** Whom runs of `mirror` contacted: what the lock says, and the file beside it. */
import { type EventSink, noEvents } from '../../events.ts';
import { sumContacts } from '../../lock/contacts.ts';
import type { Contact } from '../../lock/lock.ts';
import { readPending } from '../contact-memory.ts';
import { readLock } from '../lock-file.ts';
import type { Settings } from '../settings.ts';

/**
 * Summed; empty where no run left anything. A broken file beside the lock is told to `events` and left out; a broken lock is an
 * error: throws what readLock() throws.
 */
export async function contactsFor(
  { lockFile }: Pick<Settings, 'lockFile'>,
  events: EventSink = noEvents,
): Promise<readonly Contact[]> {
  const [lock, pending] = [await readLock(lockFile), await readPending(lockFile, events)];
  return sumContacts([...(lock?.contacts ?? []), ...(pending?.contacts ?? [])]);
}
