/** `airgap mirror`: the whole corridor, from images to a verified mirror, its lock and its Talos configuration. */
import { dirname, resolve } from 'node:path';
import { copyAndVerify, type MirrorResult, type Prepared, prepareMirror } from '../../corridor.ts';
import { printTalosVersion } from '../../talos/version.ts';
import { bundleFields, reservationRows, writtenBundleLines } from '../bundle/bundle-text.ts';
import { beforeLoading, withExpected } from '../bundle/loading.ts';
import { settleVolumes } from '../bundle/settling.ts';
import type { WrittenBundle } from '../bundle/writing.ts';
import type { Invocation } from '../define/wiring.ts';
import { checkFree, checkRoom } from '../disk-space.ts';
import { exitCodeOfRun } from '../exit.ts';
import { type Failure, failedListText, failureLines, failuresOf } from '../failures.ts';
import { checkWritable, writeFileAtomic } from '../files.ts';
import { finishCache, type WrittenCache } from '../image-cache/cache-end.ts';
import { checkCacheRoom } from '../image-cache/cache-room.ts';
import { cacheFields, cacheLines, cacheSteps } from '../image-cache/cache-text.ts';
import { writeLock } from '../lock-file.ts';
import { writeConfiguration } from '../mirror-emission.ts';
import { type MirrorRun, withMirrorRun } from '../mirror-run.ts';
import { nearName, nextLines, type WrittenFiles } from '../next-text.ts';
import { endpointOfThisMachine, unreachableText } from '../placing.ts';
import { planFields, planLines } from '../plan-text.ts';
import { receiptFields, receiptLines } from '../receipt-text.ts';
import { upgradePart } from '../releases/upgrade-text.ts';
import { sizeText } from '../report/text.ts';
import { copySelf, requireSelf } from '../self.ts';
import { goOn, inSession, type Session } from '../session.ts';
import { readSettings, type Settings } from '../settings.ts';
import { openUploadMemory } from '../upload-memory.ts';
import { findingLines } from '../verify-text.ts';

export function mirror({ inputs, flags, context }: Invocation): Promise<number> {
  const settings = readSettings(inputs, flags, context);
  return inSession({ settings, context, eventLines: true }, async (session) => {
    if (!settings.dryRun) await checkFiles(settings);
    return withMirrorRun(session, {
      flags,
      write: !settings.dryRun,
      work: async (run) => {
        const prepared = await prepareMirror(run.job);
        goOn(session.signal);
        const laidOut =
          run.writing === undefined ? [] : reservationRows(run.writing.reserved, settings.bundle.onlyVolume);
        session.reporter.text([...planLines(prepared, { columns: session.columns, more: laidOut }), '']);
        if (run.loading !== undefined) await beforeLoading(session, { run, loading: run.loading, prepared });
        return settings.dryRun ? endDryRun(session, { run, prepared }) : copy(session, { run, prepared });
      },
    });
  });
}

async function checkFiles({ lockFile, patchFile, failedList, bundle }: Settings): Promise<void> {
  if (bundle.includeSelf) await requireSelf();
  for (const file of [lockFile, patchFile, failedList]) if (file !== undefined) await checkWritable(file);
}

/** Nothing was written, and nothing is. */
function endDryRun({ reporter }: Session, { run, prepared }: Started): number {
  const exitCode = exitCodeOfRun({
    complete: prepared.plan.images.length + prepared.plan.unchanged.length,
    failures: prepared.failures.map(({ error }) => error),
    findings: 0,
  });
  reporter.text(['Dry run: nothing was written.']);
  reporter.problem(failureLines(failuresOf(prepared)));
  const bundle = run.writing === undefined ? {} : { bundle: bundleFields(run.writing.reserved) };
  reporter.result({
    exitCode,
    dryRun: true,
    plan: { ...planFields(prepared), ...bundle, ...upgradePart(run.upgrade) },
  });
  return exitCode;
}

interface Started {
  readonly run: MirrorRun;
  readonly prepared: Prepared;
}

async function copy(session: Session, started: Started): Promise<number> {
  const { settings, signal } = session;
  const { run, prepared } = started;
  await checkSpace(settings, started);
  const uploads = openUploadMemory(`${settings.lockFile}.uploads.json`, run.ends.targetName);
  try {
    const result = await copyAndVerify({ ...run.job, uploads }, prepared, run.contacts.contacts);
    goOn(signal);
    return await finish(session, { run, result });
  } finally {
    uploads.flush();
  }
}

async function checkSpace({ to, cwd }: Settings, { run, prepared }: Started): Promise<void> {
  if (to.kind === 'layout') await checkRoom(to.directory, prepared.work.totals.moveBytes);
  if (to.kind === 'image-cache') await checkCacheRoom(to, { cwd, bytes: prepared.work.totals.moveBytes });
  if (to.kind === 'bundle' && run.writing !== undefined) {
    const hint = 'free some space, choose another place with --to bundle:…, or copy less with --platform or --have';
    await checkFree(resolve(cwd, to.path), { bytes: run.writing.reserved.reservation.newBytes, hint });
  }
}

interface Ended {
  readonly run: MirrorRun;
  readonly result: MirrorResult;
}

/** Makes everything visible and writes the files, then tells what stands. */
async function finish(session: Session, ended: Ended): Promise<number> {
  const { settings, signal } = session;
  const { run } = ended;
  const result = run.loading === undefined ? ended.result : withExpected(ended.result, run.loading.expected);
  const bundle = await run.writing?.finish(result);
  const images = result.lock.images.length;
  const cache = await finishCache(session, { target: run.ends.target, images, talos: run.emission.version });
  const { failures, waiting, problem } =
    run.loading === undefined
      ? { failures: failuresOf(result), waiting: new Set<string>(), problem: undefined }
      : await settleVolumes(run.loading, { result, signal });
  const files = await writeFiles(session, { run, result });
  if (settings.failedList !== undefined) await writeFileAtomic(settings.failedList, failedListText(failures));
  const self = bundle?.files === undefined ? undefined : await carrySelf(settings);
  const exitCode = tell(session, { run, result, failures, waiting, files, bundle, cache, self });
  // What stands is told and in the lock before that.
  if (problem !== undefined) throw problem;
  return exitCode;
}

interface Told extends Ended {
  readonly failures: readonly Failure[];
  /** Of them, those that wait for volumes. */
  readonly waiting: ReadonlySet<string>;
  readonly files: WrittenFiles;
  readonly bundle: WrittenBundle | undefined;
  readonly cache: WrittenCache | undefined;
  readonly self: { readonly path: string; readonly size: number } | undefined;
}

/** Gives the exit status. */
function tell(session: Session, told: Told): number {
  const { reporter, settings, columns } = session;
  const { run, result, failures, waiting, files, bundle, cache } = told;
  const mirrored = result.lock.images.length;
  const exitCode = exitCodeOfRun({
    complete: mirrored,
    failures: failures.map(({ error }) => error),
    findings: result.verification.findings.length,
  });
  const milliseconds = performance.now() - session.startedAt;
  const facts = { result, milliseconds, hosts: run.ends.statistics(), waiting };
  reporter.text(receiptLines(facts, columns));
  reporter.problem(failureLines(failures));
  reporter.problem(findingLines(result.verification));
  reporter.text(madeLines(settings, told));
  if (files.unreachable !== undefined)
    reporter.event({ type: 'notice', message: unreachableText(files.unreachable), isWarning: true });
  const more = cache === undefined ? [] : cacheSteps(cache, settings.to);
  const counts = { failures: failures.length, waiting: waiting.size, mirrored };
  reporter.text(nextLines({ settings, files, ...counts, columns, bundle, more }));
  reporter.result({
    exitCode,
    ...receiptFields(facts),
    files,
    ...upgradePart(run.upgrade),
    ...(bundle === undefined ? {} : { bundle: bundleFields(bundle) }),
    ...(cache === undefined ? {} : { imageCache: cacheFields(cache) }),
  });
  return exitCode;
}

/** What was made beside the lock and the configuration. */
function madeLines({ cwd }: Settings, { bundle, cache, self, result }: Told): string[] {
  return [
    ...(bundle === undefined ? [] : writtenBundleLines(bundle, { cwd, failures: result.failures.length })),
    ...(cache === undefined ? [] : cacheLines(cache, cwd)),
    ...(self === undefined ? [] : [`wrote ${nearName(cwd, self.path)}: this program, ${sizeText(self.size)}`]),
  ];
}

/** With --include-self, the program goes where the bundle is. */
async function carrySelf({ bundle, to, cwd }: Settings): Promise<{ path: string; size: number } | undefined> {
  if (!bundle.includeSelf || to.kind !== 'bundle') return undefined;
  const place = resolve(cwd, to.path);
  return copySelf(to.isDirectory ? place : dirname(place));
}

/** The lock and the patch say what stands; when nothing does, what an earlier run wrote stays. */
async function writeFiles(
  session: Session,
  { run, result }: { readonly run: MirrorRun; readonly result: MirrorResult },
): Promise<WrittenFiles> {
  const { settings, reporter } = session;
  if (result.lock.images.length === 0) return {};
  reporter.event({ type: 'phase', phase: 'emit' });
  await writeLock(settings.lockFile, result.lock);
  run.contacts.settled();
  const { mirrors, images } = result.lock;
  if (mirrors.length === 0) return { lock: settings.lockFile };
  const registries = images.map((image) => image.source.registry);
  const { emission } = run;
  const written = await writeConfiguration(emission, { mirrors, registries });
  for (const message of written.warnings) reporter.event({ type: 'notice', message, isWarning: true });
  const unreachable = endpointOfThisMachine(mirrors);
  return {
    lock: settings.lockFile,
    patch: settings.patchFile,
    talos: printTalosVersion(emission.version),
    ...(written.more.length === 0 ? {} : { more: written.more }),
    ...(written.secrets.length === 0 ? {} : { secrets: written.secrets }),
    ...(unreachable === undefined ? {} : { unreachable }),
  };
}
