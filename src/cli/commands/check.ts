/** `airgap check`: is every byte of a bundle or a directory as it was written? */
import { resolve } from 'node:path';
import { isAirgapError } from '../../errors.ts';
import type { Lock } from '../../lock/lock.ts';
import type { BundleSource } from '../../store/bundle/bundle.ts';
import type { Source } from '../../store/store.ts';
import { type CheckFinding, type ContentCheck, checkContent } from '../../verify/check.ts';
import { lockInside } from '../bundle/open-bundle.ts';
import { bundleSubject } from '../bundle/reading-all.ts';
import { type CheckReport, checkFindingLines, checkLines } from '../check-text.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { textFlag } from '../flags.ts';
import { readLock, requireLock } from '../lock-file.ts';
import { nearName } from '../next-text.ts';
import { findPlace, type OpenedPlace, openForReading } from '../open-store.ts';
import { jsonLine } from '../report/json.ts';
import { goOn, inSession, type Session } from '../session.ts';
import { readSettings } from '../settings.ts';

const defaultPlace = 'oci:airgap-mirror';

export async function check({ inputs, flags, context }: Invocation): Promise<number> {
  const { verifyKey, ...others } = flags;
  const settings = readSettings([], others, context);
  const keyFile = typeof verifyKey === 'string' ? resolve(settings.cwd, verifyKey) : undefined;
  return inSession({ settings, context }, async (session) => {
    const { signal, reporter } = session;
    const place = await findPlace(inputs[0] ?? defaultPlace, { cwd: settings.cwd });
    const opened = await openForReading(place, { verifyKeyFile: keyFile, cutShort: true, signal });
    try {
      const given = textFlag(flags, 'lock');
      const lock = await lockFor(opened, { session, given });
      const started = performance.now();
      const found = await read(opened, { session, lock });
      goOn(signal);
      const exitCode = tell(session, reportOf(opened, { found, milliseconds: performance.now() - started }));
      const isFoundLock = lock !== undefined && given === undefined && opened.bundle === undefined;
      // It may be of another place that has some of the same images.
      if (isFoundLock && exitCode !== exitCodes.ok)
        reporter.event({
          type: 'notice',
          message: `what should be here is taken from ${nearName(settings.cwd, settings.lockFile)}: name another lock with --lock FILE`,
        });
      return exitCode;
    } finally {
      await opened.store.close();
    }
  });
}

async function read(
  { store, bundle }: OpenedPlace,
  about: { readonly session: Session; readonly lock: Lock | undefined },
): Promise<ContentCheck> {
  const { reporter, signal } = about.session;
  const { lock } = about;
  reporter.event({ type: 'phase', phase: 'check' });
  const subject = bundle === undefined ? { source: store, lock } : bundleSubject(bundle, lock);
  return checkContent(subject, { signal, events: reporter.event });
}

/** The lock that was named, the one inside, or the one beside a directory that it names images of. */
async function lockFor(
  { store, bundle }: OpenedPlace,
  { session, given }: { readonly session: Session; readonly given: string | undefined },
): Promise<Lock | undefined> {
  const { lockFile } = session.settings;
  if (given !== undefined) return requireLock(lockFile);
  if (bundle !== undefined) return soundLockInside(bundle);
  const beside = await readLock(lockFile).catch(() => undefined);
  return beside?.rule.naming === 'keep' && (await namesAny(store, beside)) ? beside : undefined;
}

/** A lock whose bytes are wrong is found when files are read; here it only cannot help. */
function soundLockInside(bundle: BundleSource): Promise<Lock | undefined> {
  return lockInside(bundle).catch((error: unknown) => {
    if (isAirgapError(error) && error.code === 'ERR_INPUT_INVALID') return undefined;
    throw error;
  });
}

async function namesAny(store: Source, lock: Lock): Promise<boolean> {
  const roots = new Set(lock.images.map(({ digest }) => digest));
  for await (const { descriptor } of store.indexed?.() ?? []) if (roots.has(descriptor.digest)) return true;
  return false;
}

function reportOf(
  { name, bundle, isDirectory }: OpenedPlace,
  { found, milliseconds }: { readonly found: ContentCheck; readonly milliseconds: number },
): CheckReport {
  const missingVolumes = bundle?.missingVolumes ?? [];
  const volumes = bundle?.set?.volumes ?? 1;
  const lost = isDirectory ? missingVolumes : [];
  return {
    place: name,
    check: found,
    findings: [
      ...(bundle?.cutShort ?? []).map(cutFile),
      ...lost.map((number) => lostVolume(number, { volumes, found })),
      ...found.findings,
    ],
    milliseconds,
    signature: bundle?.signature,
    missingVolumes,
    volumes,
    base: bundle?.set?.base ?? [],
  };
}

function cutFile(path: string): CheckFinding {
  const message = 'it ends before it should: copy it again';
  return { what: 'file', verdict: 'short', name: path, message, images: [] };
}

/** A directory stands for the whole set; who checks a single volume named that. */
function lostVolume(
  number: number,
  { volumes, found }: { readonly volumes: number; readonly found: ContentCheck },
): CheckFinding {
  const parts = found.waiting.filter((content) => content.volumes.includes(number));
  return {
    what: 'volume',
    verdict: 'missing',
    name: `volume ${number} of ${volumes}`,
    message: 'it is not here',
    images: [...new Set(parts.flatMap(({ images }) => images))].sort(),
  };
}

function tell({ settings, context, reporter }: Session, report: CheckReport): number {
  const { check: found, findings, milliseconds, ...known } = report;
  const exitCode = findings.length === 0 ? exitCodes.ok : exitCodes.mismatch;
  if (settings.output.json) {
    const seconds = Math.round(milliseconds) / 1000;
    context.stdout.write(`${jsonLine({ exitCode, ...known, ...found, findings, seconds }, 2)}\n`);
    return exitCode;
  }
  reporter.text(checkLines(report));
  reporter.problem(checkFindingLines(report));
  return exitCode;
}
