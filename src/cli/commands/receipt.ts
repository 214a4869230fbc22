/** `airgap receipt`: what a site has, stated for a delta. Standard output has the receipt and nothing else. */
import type { Lock } from '../../lock/lock.ts';
import { printReceipt, type SiteReceipt } from '../../lock/receipt.ts';
import { type BundleLocation, type Location, printLocation } from '../../store/location.ts';
import { readHoldings } from '../../verify/holdings.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { checkWritable, writeFileAtomic } from '../files.ts';
import { textFlag } from '../flags.ts';
import { requireLock } from '../lock-file.ts';
import { openTarget } from '../open.ts';
import { placedBy, ruleFor } from '../placing.ts';
import { counted, printable, sizeText } from '../report/text.ts';
import { goOn, inSession, type Session } from '../session.ts';
import { readSettings } from '../settings.ts';
import { usageError } from '../values.ts';

export async function receipt({ inputs, flags, context }: Invocation): Promise<number> {
  const settings = readSettings(inputs, flags, context);
  const { to, outputFile, lockFile } = settings;
  const lockGiven = textFlag(flags, 'lock') !== undefined;
  if (to.kind === 'bundle') {
    throw usageError(
      'Cannot write a receipt of a bundle: it states what a receiver has',
      'the lock of a bundle that was loaded says as much: airgap mirror … --have airgap.lock',
    );
  }
  if (outputFile === lockFile && lockGiven) throw usageError('Cannot use one file for --lock and --output');
  return inSession({ settings, context }, async (session) => {
    if (outputFile !== undefined) await checkWritable(outputFile);
    const lock = lockGiven ? await requireLock(lockFile) : undefined;
    const found = await readSite(session, { to, lock });
    goOn(session.signal);
    const text = printReceipt(found);
    if (outputFile === undefined) context.stdout.write(text);
    else await writeFileAtomic(outputFile, text);
    if (!settings.output.quiet) session.reporter.problem(summaryLines(found, outputFile));
    return exitCodes.ok;
  });
}

async function readSite(
  session: Session,
  { to, lock }: { readonly to: Exclude<Location, BundleLocation>; readonly lock: Lock | undefined },
): Promise<SiteReceipt> {
  const { reporter, signal } = session;
  const target = await openTarget(session, { to, write: false, mustExist: true });
  try {
    reporter.event({ type: 'phase', phase: 'survey' });
    return await readHoldings(target.store, {
      site: printLocation(to),
      prefix: to.kind === 'registry' ? to.prefix : '',
      keepsNames: to.kind !== 'registry',
      lock: lock && placedAt(session, { to, lock }),
      signal,
      events: reporter.event,
    });
  } finally {
    await target.close();
  }
}

/** The lock's images where `--to` has them, whatever target the lock was written for. */
function placedAt({ settings }: Session, { to, lock }: { readonly to: Location; readonly lock: Lock }): Lock {
  const rule = ruleFor(to, settings.prefixByRegistry || lock.rule.naming === 'by-registry');
  return { ...lock, rule, images: placedBy(rule, lock.images) };
}

function summaryLines({ site, repositories, manifests, blobs }: SiteReceipt, outputFile: string | undefined): string[] {
  const tags = repositories.reduce((sum, repository) => sum + repository.tags.length, 0);
  const bytes = [...manifests, ...blobs].reduce((sum, { size }) => sum + size, 0);
  const counts = [
    counted(repositories.length, 'repository', 'repositories'),
    counted(tags, 'tag'),
    counted(manifests.length, 'manifest'),
    counted(blobs.length, 'blob'),
    sizeText(bytes),
  ];
  const empty =
    'warning: nothing was found; some registries show their list to administrators only: name what is there with --lock';
  const where = outputFile === undefined ? [] : [`written to ${printable(outputFile)}`];
  return [
    `receipt of ${printable(site)}: ${counts.join(', ')}`,
    ...where,
    ...(repositories.length === 0 ? [empty] : []),
  ];
}
