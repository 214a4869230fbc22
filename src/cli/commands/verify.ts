/** `airgap verify`: is everything of the lock, or of a list, where nodes will look for it? */

import type { Lock } from '../../lock/lock.ts';
import { placeImage } from '../../mirror/rule.ts';
import { quoteShell } from '../../oci/shell.ts';
import type { BundleSource } from '../../store/bundle/bundle.ts';
import { isImageCache } from '../../store/image-cache/image-cache.ts';
import { type Location, printLocation } from '../../store/location.ts';
import type { Target } from '../../store/store.ts';
import type { Verification } from '../../verify/verification.ts';
import { verifyLock, verifyPlaced } from '../../verify/verify.ts';
import { refuseNodeOptions, verifyAs } from '../as-node/verify-as.ts';
import { bundleInputs } from '../bundle/loading.ts';
import { openBundleSource } from '../bundle/open-bundle.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { switchFlag, textFlag } from '../flags.ts';
import { locationOf, onlyLock, placedAnew } from '../given-lock.ts';
import { type GatheredInputs, gatherInputs } from '../inputs.ts';
import { requireLock } from '../lock-file.ts';
import { openTarget } from '../open.ts';
import { mirrorsFor, repairPlace, ruleFor } from '../placing.ts';
import { jsonLine } from '../report/json.ts';
import { goOn, inSession, type Session } from '../session.ts';
import { readSettings } from '../settings.ts';
import { usageError } from '../values.ts';
import { findingLines, verificationLines } from '../verify-text.ts';

interface Checks {
  readonly deep: boolean;
  readonly catalog: boolean;
}

export async function verify(invocation: Invocation): Promise<number> {
  const { inputs, flags, context } = invocation;
  if (textFlag(flags, 'as') !== undefined) return await verifyAs(invocation);
  refuseNodeOptions(flags);
  const settings = readSettings(inputs, flags, context);
  const checks = { deep: switchFlag(flags, 'deep'), catalog: switchFlag(flags, 'catalog', true) };
  return inSession({ settings, context }, async (session) => {
    const given =
      settings.inputs.length === 0 ? undefined : await gatherInputs(settings, { ...context, signal: session.signal });
    const lock = given === undefined ? await requireLock(settings.lockFile) : onlyLock(given);
    const to = settings.toGiven || lock === undefined ? settings.to : locationOf(lock, settings);
    const verification = await verifyAt(session, { to, lock, given, checks });
    goOn(session.signal);
    return tell(session, verification);
  });
}

interface Question {
  readonly to: Location;
  readonly lock: Lock | undefined;
  readonly given: GatheredInputs | undefined;
  readonly checks: Checks;
}

/** An image cache by the form that is there: the other cannot be written into it. */
function writtenAs(to: Location, store: Target | BundleSource): Location {
  return to.kind === 'image-cache' && isImageCache(store) ? { ...to, form: store.form } : to;
}

async function verifyAt(session: Session, { to, lock, given, checks }: Question): Promise<Verification> {
  const { settings, reporter, signal } = session;
  const target =
    to.kind === 'bundle'
      ? await bundleEnd(await openBundleSource(to, { settings }), to)
      : await openTarget(session, { to, write: false, mustExist: true });
  try {
    reporter.event({ type: 'phase', phase: 'verify' });
    const byRegistry = settings.prefixByRegistry || lock?.rule.naming === 'by-registry';
    const rule = settings.toGiven || lock === undefined ? ruleFor(to, byRegistry) : lock.rule;
    const options = {
      target: target.store,
      repairTarget: repairPlace(writtenAs(to, target.store), rule),
      ...checks,
      signal,
      events: reporter.event,
    };
    if (lock !== undefined) return await verifyLock(placedAnew(lock, { rule, endpoint: target.endpoint }), options);
    const requests = given?.requests ?? [];
    const images = requests.map(({ reference: source, retag }) => {
      const placed = { source, ...(retag && { retag }) };
      return { ...placed, target: placeImage(rule, placed) };
    });
    const mirrors = mirrorsFor(requests, { rule, endpoint: target.endpoint, perRegistry: false });
    return await verifyPlaced(images, {
      ...options,
      mirrors: rule.naming === 'keep' ? [] : mirrors,
      prefix: rule.prefix,
    });
  } finally {
    await target.close();
  }
}

/** A bundle has no address. Throws ERR_USAGE for a delta: what it leaves to its receiver would be missing in it. */
async function bundleEnd(store: BundleSource, to: Location) {
  const isDelta = (store.set?.base.length ?? 0) > 0 || (await bundleInputs(store)).expected.length > 0;
  if (isDelta) {
    throw usageError(
      `Cannot verify "${printLocation(to)}": it is a delta, and what it leaves out is at its receiver`,
      `airgap check ${quoteShell(printLocation(to))} reads what is in it; load it, then verify the receiver`,
    );
  }
  return { store, endpoint: undefined, close: () => store.close() };
}

function tell({ settings, context, reporter }: Session, verification: Verification): number {
  const exitCode = verification.findings.length === 0 ? exitCodes.ok : exitCodes.mismatch;
  if (settings.output.json) {
    context.stdout.write(`${jsonLine({ exitCode, ...verification }, 2)}\n`);
    return exitCode;
  }
  reporter.text(verificationLines(verification));
  reporter.problem(findingLines(verification));
  return exitCode;
}
