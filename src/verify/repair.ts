/** The command that puts an image right again. */
import { quoteTarget } from '../store/location.ts';

/**
 * For an image as it was asked for, printed, and what `--to` says. It has a lock of its own: in the usual one it would stand alone.
 * Names are safe inside single quotes: the reference grammar has none.
 */
export function mirrorAgain(asked: string, repairTarget: string): string {
  return `airgap mirror '${asked}' --to ${quoteTarget(repairTarget)} --recheck --lock repair.lock`;
}
