/** Everything that is here of a bundle read and hashed: for who checks it, and for who trusts nothing but a signature. */

import { AirgapError } from '../../errors.ts';
import type { Lock } from '../../lock/lock.ts';
import type { BundleSource } from '../../store/bundle/bundle.ts';
import { type CheckFinding, type CheckSubject, checkContent } from '../../verify/check.ts';
import { counted } from '../report/text.ts';
import type { Session } from '../session.ts';

/** What there is to check in a bundle. */
export function bundleSubject(bundle: BundleSource, lock: Lock | undefined): CheckSubject {
  const { set, unread } = bundle;
  const missing = new Set(bundle.missingVolumes);
  return {
    source: bundle,
    lock,
    promised: set,
    base: set?.base,
    files: set?.files.map(({ name, size }) => ({ name, size, read: () => bundle.file(name) })),
    unread,
    absentVolumes: (digest) => bundle.absentVolumes(digest).filter((volume) => missing.has(volume)),
  };
}

/**
 * Who asks for a signature wants to hear of every changed byte before anything is written. Throws ERR_DIGEST_MISMATCH with the complete list.
 * Does nothing for a bundle whose signature nobody asked for: content is hashed as it is loaded.
 */
export async function refuseTampered({ reporter, signal }: Session, bundle: BundleSource): Promise<void> {
  if (bundle.signature !== 'verified') return;
  reporter.event({ type: 'phase', phase: 'check' });
  const { findings } = await checkContent(bundleSubject(bundle, undefined), { signal });
  if (findings.length === 0) return;
  const are = findings.length === 1 ? 'part is' : 'parts are';
  const state = `it is not as it was signed: ${findings.length} ${are} missing or changed`;
  throw new AirgapError(
    'ERR_DIGEST_MISMATCH',
    [`Cannot load ${bundle.place}: ${state}`, ...findings.map(lineOf)].join('\n'),
    {
      end: 'source',
      hint: 'nothing was written: get the bundle again from where it comes',
    },
  );
}

function lineOf({ what, name, message, images }: CheckFinding): string {
  const of = images.length === 0 ? '' : ` of ${counted(images.length, 'image')}`;
  return `  ${what} ${name}${of}: ${message}`;
}
