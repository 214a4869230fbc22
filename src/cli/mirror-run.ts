/** What mirror and plan share: inputs, ends, the earlier lock, and the job for the corridor. */
import type { MirrorJob } from '../corridor.ts';
import type { RequestedReference } from '../input/requested.ts';
import type { Lock, LockedImage } from '../lock/lock.ts';
import type { MirrorRule } from '../mirror/rule.ts';
import { printLocation } from '../store/location.ts';
import type { UpgradePath } from '../talos/upgrade.ts';
import {
  type BundleInputs,
  type BundleLoading,
  baseRepositories,
  bundleInputs,
  expectedLock,
  splitExpected,
} from './bundle/loading.ts';
import { watchLoading } from './bundle/settling.ts';
import { BundleWriting } from './bundle/writing.ts';
import { type ContactMemory, keepingContacts } from './contact-memory.ts';
import { usableLock } from './earlier-lock.ts';
import { type PemReader, pemReader } from './emitting/pem.ts';
import { catalogueRegistries, type ExtraInputs, withCatalogueImages, withExtraImages } from './extras/extra-images.ts';
import { refuseLoneExtras } from './extras/settings.ts';
import type { Flags } from './flags.ts';
import { type GatheredInputs, gatherInputs, gatherOrFind } from './inputs.ts';
import { requestsFromStore } from './inputs-from-store.ts';
import { readLock } from './lock-file.ts';
import { checkAddresses, checkMirrorEmission, type MirrorEmission, readMirrorEmission } from './mirror-emission.ts';
import { mirroredSource } from './mirrored-source.ts';
import { type OpenedEnds, openEnds } from './open.ts';
import { mirrorsFor, repairPlace, ruleFor } from './placing.ts';
import type { Session } from './session.ts';
import type { Settings } from './settings.ts';
import { usageError } from './values.ts';

export interface MirrorRun {
  readonly job: MirrorJob;
  readonly ends: OpenedEnds;
  /** Whom this run contacted, and runs before it that left no lock. */
  readonly contacts: ContactMemory;
  /** What is written for the nodes. */
  readonly emission: MirrorEmission;
  /** The way of an upgrade, where one was asked for. */
  readonly upgrade: UpgradePath | undefined;
  /** Where the target is a bundle. */
  readonly writing: BundleWriting | undefined;
  /** Where the source is a bundle. */
  readonly loading: BundleLoading | undefined;
}

/** Gathers, opens, and hands over; the ends are closed whatever happens. Without `write` nothing is written anywhere. */
export async function withMirrorRun(
  session: Session,
  options: {
    readonly flags: Flags;
    readonly write: boolean;
    readonly work: (run: MirrorRun) => Promise<number>;
  },
): Promise<number> {
  const { flags, write, work } = options;
  const { settings, context } = session;
  const named = await gather(session);
  const rule = ruleFor(settings.to, settings.prefixByRegistry);
  checkAddresses(settings, rule);
  const earlier = await readLock(settings.lockFile);
  tellOf(named, session);
  const registries = named.requests.map(({ reference }) => reference.registry);
  const pem = pemReader(context.cwd);
  await checkMirrorEmission(flags, { settings, context, rule, registries, talos: named.talos, write, pem });
  const upstreams = [...registries, ...catalogueRegistries(settings)];
  return keepingContacts(session, {
    rule,
    write,
    work: async (contacts) => {
      const ends = await openEnds(session, { upstreams, write });
      try {
        const gathered = await withCatalogueImages(named, { session, source: ends.source });
        return await work(await prepareRun(session, { gathered, rule, earlier, ends, contacts, flags, write, pem }));
      } finally {
        await ends.close();
      }
    },
  });
}

function tellOf({ notices, warnings = [] }: GatheredInputs, { settings, reporter }: Session): void {
  for (const message of notices) reporter.event({ type: 'notice', message });
  for (const message of warnings) reporter.event({ type: 'notice', message, isWarning: true });
  if (!settings.toGiven) reporter.event({ type: 'notice', message: noTarget(settings) });
}

interface Opened {
  readonly gathered: GatheredInputs;
  readonly rule: MirrorRule;
  /** The lock that is there. */
  readonly earlier: Lock | undefined;
  readonly ends: OpenedEnds;
  readonly contacts: ContactMemory;
  readonly flags: Flags;
  readonly write: boolean;
  readonly pem: PemReader;
}

/** What is wanted of the open ends, and what nodes are told of it. */
async function prepareRun(session: Session, opened: Opened): Promise<MirrorRun> {
  const { gathered, rule, earlier, ends, contacts, flags, write, pem } = opened;
  const { settings, context } = session;
  const inside = ends.fromBundle === undefined ? undefined : await bundleInputs(ends.fromBundle);
  const wanted = await requestsOf({ gathered, ends, inside }, session.signal);
  const talos = gathered.talos ?? inside?.talos;
  const whole = gathered.requests.length === 0;
  const { requests, expected } = splitExpected(wanted, { expected: inside?.expected ?? [], whole });
  const asked = [...requests, ...expected.map(({ source, retag }) => ({ reference: source, retag }))];
  const previous = ends.toBundle === undefined ? usableLock(earlier, { rule, asked, write }, session) : undefined;
  const source = mirroredSource(ends.source, {
    from: settings.from,
    requests: [...wanted, ...(inside?.requests ?? [])],
    locks: gathered.locks,
  });
  const job = jobFor(session, { requests, rule, ends: { ...ends, source }, previous, write });
  const { mirrors } = job;
  const registries = requests.map(({ reference }) => reference.registry);
  const emission = await readMirrorEmission(flags, { settings, context, mirrors, registries, talos, write, pem });
  const writing =
    ends.toBundle === undefined
      ? undefined
      : new BundleWriting({ session, writer: ends.toBundle, source, mirrors, talos, emission });
  await writing?.readHave();
  const loading = loadingOf(session, { ends, expected, whole, rule });
  const reserving: Partial<MirrorJob> = writing === undefined ? {} : { reserve: (plan) => writing.reserve(plan) };
  const ofBundle: Partial<MirrorJob> =
    loading === undefined
      ? {}
      : { base: baseRepositories(loading.bundle, rule), events: watchLoading(loading, session.reporter.event) };
  const complete: MirrorJob = { ...job, earlier, ...reserving, ...ofBundle };
  return { job: complete, ends, contacts, emission, upgrade: gathered.upgrade, writing, loading };
}

/** What was named, else what the bundle's own lock names, else every tagged image of the source. Throws ERR_USAGE when that is nothing. */
async function requestsOf(
  known: {
    readonly gathered: GatheredInputs;
    readonly ends: OpenedEnds;
    readonly inside: BundleInputs | undefined;
  },
  signal: AbortSignal,
): Promise<readonly RequestedReference[]> {
  const { gathered, ends, inside } = known;
  if (gathered.requests.length > 0) return gathered.requests;
  const requests = inside?.requests ?? (await requestsFromStore(ends.source, signal));
  if (requests.length > 0 || (inside?.expected.length ?? 0) > 0) return requests;
  throw usageError('Cannot mirror: the source holds no tagged image', 'name the images to be copied');
}

function loadingOf(
  { settings }: Session,
  known: {
    readonly ends: OpenedEnds;
    readonly expected: readonly LockedImage[];
    /** Nothing was named: all of the bundle is wanted. */
    readonly whole: boolean;
    readonly rule: MirrorRule;
  },
): BundleLoading | undefined {
  const { ends, whole, rule } = known;
  if (ends.fromBundle === undefined) return undefined;
  const endpoint = settings.endpoint ?? ends.endpoint;
  const place = { rule, endpoint, addresses: settings.endpoints, perRegistry: settings.perRegistry };
  const expected = expectedLock(known.expected, place);
  return { bundle: ends.fromBundle, expected, isWhole: whole, wrong: new Set() };
}

async function gather({ settings, context, signal }: Session): Promise<ExtraInputs> {
  refuseLoneExtras(settings);
  const inputs = { stdin: context.stdin, stderr: context.stderr, env: context.env, signal };
  const isHere = settings.from !== undefined && settings.from.kind !== 'registry';
  if (settings.extras.configs.length > 0) return withExtraImages(await gatherInputs(settings, inputs), settings);
  const wholeStore =
    isHere && settings.inputs.length === 0 && settings.declared.length === 0 && settings.talos === undefined;
  return withExtraImages(
    await (wholeStore ? gatherInputs(settings, inputs) : gatherOrFind(settings, inputs)),
    settings,
  );
}

function noTarget(settings: Settings): string {
  return `no --to was given: images go into the directory ${printLocation(settings.to).replace(/^oci:/, '')}`;
}

interface JobParts {
  readonly requests: readonly RequestedReference[];
  readonly rule: MirrorRule;
  readonly ends: OpenedEnds;
  readonly previous: Lock | undefined;
  readonly write: boolean;
}

function jobFor({ settings, reporter, signal }: Session, parts: JobParts): MirrorJob {
  const { requests, rule, ends, previous, write } = parts;
  const endpoint = settings.endpoint ?? ends.endpoint;
  return {
    requests,
    rule,
    source: ends.source,
    target: ends.target,
    mirrors: mirrorsFor(requests, {
      rule,
      endpoint,
      addresses: settings.endpoints,
      perRegistry: settings.perRegistry,
    }),
    repairTarget: repairPlace(settings.to, rule),
    wish: settings.wish,
    signatures: settings.signatures,
    includeForeign: settings.includeForeign,
    previous,
    dryRun: !write,
    recheck: settings.recheck,
    copy: {
      // One slot less than the transport has: small requests always find one.
      transfersPerHost: Math.max(1, settings.source.concurrency - 1),
      transfersIntoTarget: Math.max(1, settings.target.concurrency - 1),
      retries: settings.retries,
    },
    signal,
    events: reporter.event,
  };
}
