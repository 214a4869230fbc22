/** Locations become stores: the only place that knows every end. */
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isAirgapError } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import { openHttpClient } from '../http/open.ts';
import type { BundleSource, BundleWriter } from '../store/bundle/bundle.ts';
import { openLayout } from '../store/layout/open.ts';
import { type BundleLocation, type Location, locationPath, type RegistryLocation } from '../store/location.ts';
import { openMemory } from '../store/memory/open.ts';
import { openRegistry } from '../store/registry/open.ts';
import { probeScheme } from '../store/registry/scheme.ts';
import { readElsewhere, type SourceEndpoint, sourceEndpoints } from '../store/registry/sources.ts';
import type { Source, Target } from '../store/store.ts';
import { openBundleSource, openBundleTarget } from './bundle/open-bundle.ts';
import { clientSettings } from './client-settings.ts';
import { isAbsentOrEmpty } from './empty-place.ts';
import { atTarget } from './failures.ts';
import { openCacheSource, openCacheTarget } from './image-cache/open-cache.ts';
import { givenCredentials } from './passwords.ts';
import type { EndStatistics } from './receipt-text.ts';
import type { Session } from './session.ts';
import type { Settings } from './settings.ts';
import { usageError } from './values.ts';

/** One end, and what is known of it. close() closes the store and its connections. */
export interface OpenedEnd<Store extends Source> {
  readonly store: Store;
  /** `http(s)://HOST[:PORT]` by the scheme that is really spoken; undefined for a layout. */
  readonly endpoint: string | undefined;
  statistics(): EndStatistics[];
  close(): Promise<void>;
}

export interface OpenedEnds {
  readonly source: Source;
  readonly target: Target;
  /** The source, where it is a bundle. */
  readonly fromBundle?: BundleSource | undefined;
  /** The target, where it is a bundle that is written. */
  readonly toBundle?: BundleWriter | undefined;
  /** What is told apart where several targets are remembered: a URL, or a directory. */
  readonly targetName: string;
  readonly endpoint: string | undefined;
  statistics(): EndStatistics[];
  close(): Promise<void>;
}

export interface EndsWanted {
  /** Upstream registries that will be read. */
  readonly upstreams: readonly string[];
  /** False leaves a target that is a directory as it is, and does not make one. */
  readonly write: boolean;
}

/** What a target without an address is told apart by. */
function nameOfPlace({ to, cwd }: Pick<Settings, 'to' | 'cwd'>): string {
  if (to.kind === 'registry') return to.host;
  return resolve(cwd, locationPath(to));
}

/** Opens both ends; a target registry is asked which scheme it speaks. Whatever was opened is closed when one of them fails. */
export async function openEnds(session: Session, wanted: EndsWanted): Promise<OpenedEnds> {
  const { settings } = session;
  await refuseSamePlace(session);
  const source = await openSource(session, wanted.upstreams);
  try {
    const target = await openMirrorTarget(session, wanted.write).catch(atTarget);
    return {
      source: source.store,
      target: target.store,
      fromBundle: source.bundle,
      toBundle: target.bundle,
      targetName: target.endpoint ?? nameOfPlace(settings),
      endpoint: target.endpoint,
      statistics: () => [...source.statistics(), ...target.statistics()],
      close: async () => {
        await Promise.all([source.close(), target.close()]);
      },
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The end of a mirror. A bundle is laid out in advance even where nothing is written. */
async function openMirrorTarget(
  session: Session,
  write: boolean,
): Promise<OpenedEnd<Target> & { readonly bundle?: BundleWriter }> {
  const { settings } = session;
  if (settings.to.kind !== 'bundle') return openTarget(session, { to: settings.to, write });
  if (write && settings.to.isDirectory && !existsSync(resolve(settings.cwd, settings.to.path))) {
    const message = `the folder ${settings.to.path} is not there and is made: a disk in its place would be mounted`;
    session.reporter.event({ type: 'notice', message });
  }
  const bundle = await openBundleTarget(settings.to, { settings, write });
  return { ...plainEnd<Target>(bundle), bundle };
}

/** Opens where images are read from. What it throws is about the source. */
export async function openSource(
  session: Session,
  upstreams: readonly string[],
): Promise<OpenedEnd<Source> & { readonly bundle?: BundleSource }> {
  const { settings, context, signal } = session;
  if (settings.from?.kind === 'layout')
    return plainEnd(await openLayout(resolve(settings.cwd, settings.from.directory), { readOnly: true }));
  if (settings.from?.kind === 'image-cache') return plainEnd(await openCacheSource(settings.from, session));
  if (settings.from?.kind === 'bundle') {
    const bundle = await openBundleSource(settings.from, { settings, staging: `${settings.lockFile}.parts` });
    return { ...plainEnd<Source>(bundle), bundle };
  }
  const hosts = sourceHosts(session, upstreams);
  const given = await givenCredentials(settings.source, { end: 'from', hosts }, { stdin: context.stdin, signal });
  const client = session.contacts.watch(openHttpClient(await clientSettings(session, { end: 'source', given })));
  try {
    const endpoints =
      settings.from === undefined ? settings.sourceEndpoints : [await endpointFrom(settings.from, { client, session })];
    const baseUrlFor = sourceEndpoints(endpoints, { client, events: session.reporter.event, signal });
    const store = openRegistry({ client, end: 'source', baseUrlFor, isElsewhere: readElsewhere(endpoints) });
    return registryEnd(store, { client, end: 'source', endpoint: undefined });
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** `--from HOST/PREFIX`: every upstream registry is read there. */
async function endpointFrom(
  from: RegistryLocation,
  probe: { readonly client: HttpClient; readonly session: Session },
): Promise<SourceEndpoint> {
  const base = await rootOf(from, probe);
  return { registry: '*', base: new URL(`/${from.prefix}`, base) };
}

/** Hosts that --from-user may be meant for. */
function sourceHosts({ settings }: Session, upstreams: readonly string[]): string[] {
  if (settings.from?.kind === 'registry') return [credentialHost(settings.from)];
  const endpoints = settings.sourceEndpoints;
  const everywhere = endpoints.some((endpoint) => endpoint.registry === '*');
  const own = upstreams.filter(
    (registry) => !everywhere && !endpoints.some((endpoint) => endpoint.registry === registry),
  );
  return [...endpoints.map((endpoint) => endpoint.base.host), ...own];
}

export interface TargetWanted {
  readonly to: Exclude<Location, BundleLocation>;
  /** False opens a layout for reading only. */
  readonly write: boolean;
  /** A layout that is not there is an error, even when nothing is written. Default false: it counts as empty. */
  readonly mustExist?: boolean;
}

/** Opens the end images are written to. Throws ERR_INPUT_INVALID for a directory that is no layout, ERR_UNREACHABLE for a host that does not answer. */
export async function openTarget(session: Session, wanted: TargetWanted): Promise<OpenedEnd<Target>> {
  const { settings, context, signal } = session;
  const { to } = wanted;
  if (to.kind === 'image-cache') return plainEnd(await openCacheTarget(to, { ...wanted, session }));
  if (to.kind === 'layout') return plainEnd(await openLayoutTarget(resolve(settings.cwd, to.directory), wanted));
  const given = await givenCredentials(
    settings.target,
    { end: 'to', hosts: [credentialHost(to)] },
    { stdin: context.stdin, signal },
  );
  const client = session.contacts.watch(openHttpClient(await clientSettings(session, { end: 'target', given })));
  try {
    const base = await rootOf(to, { client, session });
    const store = openRegistry({ client, end: 'target', baseUrlFor: () => base, catalogOf: to.host });
    return registryEnd(store, { client, end: 'target', endpoint: base.origin });
  } catch (error) {
    await client.close();
    throw error;
  }
}

async function openLayoutTarget(directory: string, { write, mustExist }: TargetWanted): Promise<Target> {
  if (write) return openLayout(directory, { create: true });
  try {
    return await openLayout(directory, { readOnly: true });
  } catch (error) {
    if (mustExist !== true && isAirgapError(error) && (await isAbsentOrEmpty(directory))) return openMemory();
    throw error;
  }
}

/** The scheme that was written, else the one that is spoken. */
async function rootOf(
  location: RegistryLocation,
  { client, session }: { readonly client: HttpClient; readonly session: Session },
): Promise<URL> {
  if (location.scheme !== undefined) return new URL(`${location.scheme}://${location.host}`);
  return probeScheme(location.host, { client, events: session.reporter.event, signal: session.signal });
}

/** As the transport will ask for it: without the port that is the scheme's own. */
function credentialHost(location: RegistryLocation): string {
  return new URL(`${location.scheme ?? 'https'}://${location.host}`).host;
}

async function refuseSamePlace({ settings }: Session): Promise<void> {
  const { from, to, cwd } = settings;
  if (from === undefined || from.kind === 'registry' || to.kind === 'registry') return;
  if ((from.kind === 'bundle') !== (to.kind === 'bundle')) return;
  const [source, target] = await Promise.all([from, to].map((place) => realPlace(nameOfPlace({ to: place, cwd }))));
  if (source !== target) return;
  const what = to.kind === 'bundle' ? 'bundle' : 'directory';
  throw usageError(`Cannot mirror "${locationPath(to)}" into itself: --from and --to are the same ${what}`);
}

async function realPlace(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

function plainEnd<Store extends Source>(store: Store): OpenedEnd<Store> {
  return { store, endpoint: undefined, statistics: () => [], close: () => store.close() };
}

function registryEnd(
  store: Target,
  known: { readonly client: HttpClient; readonly end: 'source' | 'target'; readonly endpoint: string | undefined },
): OpenedEnd<Target> {
  return {
    store,
    endpoint: known.endpoint,
    statistics: () => [...known.client.statistics().values()].map((host) => ({ ...host, end: known.end })),
    close: () => store.close(),
  };
}
