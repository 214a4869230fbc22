/** One fault case on its stage: real servers with scripted faults at both ends, the real client between them, and what came of it. */
import { copyAndVerify, type MirrorJob, type MirrorResult, prepareMirror } from '../../src/corridor.ts';
import { AirgapError, type ErrorCode, isAirgapError } from '../../src/errors.ts';
import type { AirgapEvent } from '../../src/events.ts';
import type { HttpClientSettings } from '../../src/http/client.ts';
import { openHttpClient } from '../../src/http/open.ts';
import { type MirrorRule, mirrorsOf } from '../../src/mirror/rule.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { openRegistry, type RegistryOptions } from '../../src/store/registry/open.ts';
import type { Target } from '../../src/store/store.ts';
import { type Fault, startUpstream, type Upstream, type UpstreamOptions } from '../support/faultyServer.ts';
import type { SeededImage } from '../support/pile.ts';
import { type Seeded, usualImages } from './images.ts';

/** The name the target's repositories are kept under. */
export const targetRegistry = 'mirror.internal';
const rule: MirrorRule = { naming: 'replace-host', registry: targetRegistry, prefix: '' };

type EndOptions = Omit<UpstreamOptions, 'store' | 'faults'>;

export interface FaultCase {
  readonly name: string;
  /** What the whole run comes to: complete, or the code of the first error. */
  readonly expected: 'complete' | ErrorCode;
  /** Default: three small images of ghcr.io that share layers, one with a layer of 1.5 MB. */
  readonly images?: () => Promise<Seeded>;
  readonly upstreamFaults?: readonly Fault[] | (() => readonly Fault[]);
  readonly targetFaults?: readonly Fault[] | (() => readonly Fault[]);
  readonly upstream?: EndOptions;
  readonly target?: EndOptions;
  readonly client?: Partial<Pick<HttpClientSettings, 'idleTimeoutMs' | 'concurrency' | 'retries' | 'backoffMs'>>;
  readonly registry?: Partial<Pick<RegistryOptions, 'chunkBytes' | 'monolithicLimitBytes' | 'partMemoryBytes'>>;
  readonly job?: Partial<MirrorJob>;
  /** Where registries other than ghcr.io are asked. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** In place of the registry. */
  readonly openTarget?: () => Promise<Target>;
  /** What the target already holds, and more of the job. */
  readonly before?: (stage: Stage) => Promise<Partial<MirrorJob> | undefined>;
  /** Goes on beside the copying. */
  readonly during?: (stage: Stage) => Promise<void>;
  /** Throws when something else is wrong. */
  readonly check?: (run: CaseRun) => void | Promise<void>;
  /** Does a run without faults complete what this one left? Default true. */
  readonly repairable?: boolean;
  /** Most bytes of blobs from upstream, as a multiple of those there are. Default 1. */
  readonly most?: number;
}

/** The ends of one case. */
export interface Stage {
  readonly seeded: Seeded;
  readonly upstream: Upstream;
  readonly target: Upstream;
  /** What the target holds, seen from behind the server. */
  readonly store: Target;
  /** One more run over the same ends, with clients of its own. */
  mirror(more?: Partial<MirrorJob>): Promise<Mirrored>;
  close(): Promise<void>;
}

export interface Mirrored {
  readonly events: readonly AirgapEvent[];
  readonly result?: MirrorResult;
  /** What ended the run as a whole. */
  readonly thrown?: AirgapError;
}

export interface CaseRun extends Mirrored {
  readonly outcome: 'complete' | ErrorCode;
  readonly errors: readonly AirgapError[];
  readonly stage: Stage;
  readonly seconds: number;
  readonly upstreamRequests: number;
  readonly targetRequests: number;
  /** Bytes of blobs that upstream gave out, and those there are. */
  readonly fetchedBytes: number;
  readonly uniqueBytes: number;
}

export async function runCase(given: FaultCase): Promise<CaseRun> {
  const stage = await openStage(given);
  const more = (await given.before?.(stage)) ?? {};
  stage.upstream.log.clear();
  stage.target.log.clear();
  stage.upstream.faults.add(...faultsOf(given.upstreamFaults));
  stage.target.faults.add(...faultsOf(given.targetFaults));
  const startedAt = performance.now();
  const [mirrored] = await Promise.all([stage.mirror(more), given.during?.(stage)]);
  const seconds = (performance.now() - startedAt) / 1000;
  const errors = [...errorsOf(mirrored), ...findingsOf(mirrored, stage.target.host)];
  const [first] = errors;
  return {
    ...mirrored,
    outcome: first?.code ?? 'complete',
    errors,
    stage,
    seconds,
    upstreamRequests: stage.upstream.log.requests.length,
    targetRequests: stage.target.log.requests.length,
    fetchedBytes: [...stage.upstream.log.blobBytes().values()].reduce((sum, bytes) => sum + bytes, 0),
    uniqueBytes: uniqueBytesOf(stage.seeded.images),
  };
}

function faultsOf(faults: FaultCase['upstreamFaults']): readonly Fault[] {
  return typeof faults === 'function' ? faults() : (faults ?? []);
}

async function openStage(given: FaultCase): Promise<Stage> {
  const seeded = await (given.images ?? usualImages)();
  const upstream = await startUpstream({
    store: seeded.store,
    ...given.upstream,
    serve: { registry: 'ghcr.io', ...given.upstream?.serve },
  });
  const layout = await given.openTarget?.();
  const store = layout ?? openMemory();
  const target = await startUpstream({
    store,
    ...given.target,
    serve: { writable: true, registry: targetRegistry, ...given.target?.serve },
  });
  return {
    seeded,
    upstream,
    target,
    store,
    mirror: (more) => mirrorOnce(given, { seeded, upstream, target, layout, more: more ?? {} }),
    async close() {
      await upstream.close();
      await target.close();
      await layout?.close();
    },
  };
}

interface Ends {
  readonly seeded: Seeded;
  readonly upstream: Upstream;
  readonly target: Upstream;
  readonly layout: Target | undefined;
  readonly more: Partial<MirrorJob>;
}

async function mirrorOnce(given: FaultCase, ends: Ends): Promise<Mirrored> {
  const events: AirgapEvent[] = [];
  const client = (end: 'source' | 'target') =>
    openHttpClient({
      end,
      concurrency: end === 'source' ? 12 : 10,
      backoffMs: 8,
      idleTimeoutMs: 5000,
      ...given.client,
      events: (event) => events.push(event),
    });
  const homes: Readonly<Record<string, string>> = { 'ghcr.io': ends.upstream.url, ...given.elsewhere };
  const source = openRegistry({
    client: client('source'),
    end: 'source',
    baseUrlFor: (registry) => new URL(homes[registry] ?? 'http://127.0.0.1:9'),
  });
  const target =
    ends.layout ??
    openRegistry({
      client: client('target'),
      end: 'target',
      baseUrlFor: () => new URL(ends.target.url),
      ...given.registry,
    });
  const concurrency = given.client?.concurrency;
  const slots = concurrency === undefined ? {} : slotsFor(concurrency);
  const job: MirrorJob = {
    ...jobOf(ends.seeded.references, { source, target, events }),
    ...given.job,
    ...ends.more,
    copy: { backoffMs: 8, ...slots, ...given.job?.copy, ...ends.more.copy },
  };
  try {
    const prepared = await prepareMirror(job);
    return { events, result: await copyAndVerify(job, prepared, () => []) };
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    return { events, thrown: error };
  } finally {
    await source.close();
    if (ends.layout === undefined) await target.close();
  }
}

/** As the program sets them: one transfer less than there are slots. */
function slotsFor(concurrency: number): MirrorJob['copy'] {
  const transfers = Math.max(1, concurrency - 1);
  return { transfersPerHost: transfers, transfersIntoTarget: transfers };
}

function jobOf(
  references: Seeded['references'],
  ends: { readonly source: Target; readonly target: Target; readonly events: AirgapEvent[] },
): MirrorJob {
  const requests = references.map((reference, at) => ({
    reference,
    origins: [{ document: 'images.txt', line: at + 1 }],
  }));
  const registries = references.map(({ registry }) => registry);
  return {
    requests,
    rule,
    source: ends.source,
    target: ends.target,
    mirrors: mirrorsOf(rule, 'http://mirror.internal', { registries }),
    wish: { platforms: [], narrow: false, require: false },
    signatures: false,
    events: (event) => ends.events.push(event),
  };
}

/** Every error of a run, each naming the image it belongs to. */
function errorsOf({ result, thrown }: Mirrored): AirgapError[] {
  if (thrown !== undefined) return [thrown];
  const resolving = (result?.failures ?? []).map(({ error }) => error);
  const copying = (result?.receipt.images ?? []).flatMap((image) => (image.status === 'failed' ? [image.error] : []));
  return [...resolving, ...copying];
}

/** A target that could not be asked is an error; anything else that was found is a defect. */
function findingsOf({ result }: Mirrored, host: string): AirgapError[] {
  return (result?.verification.findings ?? []).map(({ image, kind, message, repair }) => {
    if (kind !== 'unreachable') throw new Error(`verification found ${kind}: ${message}`);
    return new AirgapError('ERR_UNREACHABLE', message, { reference: image, host, hint: repair });
  });
}

function uniqueBytesOf(images: readonly SeededImage[]): number {
  const sizes = new Map(images.flatMap(({ blobs }) => blobs.map(({ digest, size }) => [digest, size] as const)));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** A check: one image of the usual three failed, the others are complete. */
export function othersStand({ result, errors }: CaseRun): void {
  const complete = result?.receipt.images.filter(({ status }) => status === 'complete').length ?? 0;
  if (errors.length !== 1 || complete !== 2) throw new Error(`${complete} images stand, ${errors.length} failed`);
}
