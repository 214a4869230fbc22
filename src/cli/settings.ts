/** Flags and environment become one frozen Settings, once, with every default filled in. Nothing below reads either again. */
import { dirname, join, parse, resolve } from 'node:path';
import type { ProxySettings } from '../http/client.ts';
import type { RequestedReference } from '../input/requested.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { PlatformWish } from '../resolve/resolved.ts';
import { type Location, parseLocation } from '../store/location.ts';
import { parseSourceEndpoint, type SourceEndpoint } from '../store/registry/sources.ts';
import { parseTalosVersion, type TalosVersion } from '../talos/version.ts';
import { type BundleSettings, bundleSettings } from './bundle/bundle-settings.ts';
import type { Context } from './context.ts';
import { refuseContradictions } from './contradictions.ts';
import { type NodeAddress, readNodeAddress } from './emitting/endpoints.ts';
import { type ExtraSettings, extraSettings } from './extras/settings.ts';
import { type Flags, listFlag, switchFlag, textFlag } from './flags.ts';
import { type ReleaseSelection, readSelection, wantedPlatforms } from './releases/selection.ts';
import {
  duration,
  type EndSettings,
  endSettings,
  integer,
  nonEmpty,
  type OutputSettings,
  outputSettings,
  proxySettings,
  withoutPasswords,
} from './settings-parts.ts';
import { readEndpoint } from './values.ts';

export interface Settings extends ReleaseSelection {
  readonly inputs: readonly string[];
  /** Images that airgap.yaml names itself. */
  readonly declared: readonly RequestedReference[];
  /** The release nodes run by airgap.yaml, where the command line names the images in its place. */
  readonly declaredRelease: TalosVersion | undefined;
  /** Where images are read from; undefined: each from its own upstream registry. */
  readonly from: Location | undefined;
  readonly sourceEndpoints: readonly SourceEndpoint[];
  readonly to: Location;
  readonly toGiven: boolean;
  /** What nodes will use, where it differs from `to`. */
  readonly endpoint: string | undefined;
  /** The same with its path, and further ones that nodes ask after it. */
  readonly endpoints: readonly NodeAddress[];
  readonly prefixByRegistry: boolean;
  readonly perRegistry: boolean;
  /** Release the configuration is written for, where it was named. */
  readonly configVersion: TalosVersion | undefined;
  readonly wish: PlatformWish;
  readonly signatures: boolean;
  readonly includeForeign: boolean;
  readonly dryRun: boolean;
  readonly recheck: boolean;
  /** Absolute. */
  readonly lockFile: string;
  readonly lockGiven: boolean;
  /** Absolute; by default beside the lock and named after it. */
  readonly patchFile: string;
  readonly failedList: string | undefined;
  readonly outputFile: string | undefined;
  readonly retries: number;
  readonly timeoutMs: number | undefined;
  readonly idleTimeoutMs: number;
  readonly source: EndSettings;
  readonly target: EndSettings;
  readonly clientCertFile: string | undefined;
  readonly clientKeyFile: string | undefined;
  readonly insecureSkipVerify: boolean;
  /** Credentials may cross plain HTTP. */
  readonly plainHttp: boolean;
  readonly proxy: ProxySettings;
  /** For credential files and helper programs: the environment without the passwords meant for us. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: OutputSettings;
  readonly bundle: BundleSettings;
  /** Images beside those of lists and releases. */
  readonly extras: ExtraSettings;
  readonly cwd: string;
}

export const defaultTarget = 'oci:airgap-mirror';
export const defaultLock = 'airgap.lock';

/** `airgap-talos.yaml` for `airgap.lock`: each lock has a configuration of its own. */
export function patchBeside(lockFile: string): string {
  return join(dirname(lockFile), `${parse(lockFile).name}-talos.yaml`);
}

/** Throws ERR_USAGE naming the option for everything that cannot be read or does not go together. */
export function readSettings(inputs: readonly string[], flags: Flags, context: Pick<Context, 'env' | 'cwd'>): Settings {
  const { env, cwd } = context;
  const given = (flag: string, variable: string): string | undefined =>
    textFlag(flags, flag) ?? nonEmpty(env[variable]);
  const file = (name: string | undefined): string | undefined => (name === undefined ? undefined : resolve(cwd, name));
  const lock = given('lock', 'AIRGAP_LOCK');
  const lockFile = resolve(cwd, lock ?? defaultLock);
  const to = given('to', 'AIRGAP_TO');
  const place = placeSettings(flags, { to, endpoint: given('endpoint', 'AIRGAP_ENDPOINT') });
  const settings: Settings = {
    inputs,
    declared: (flags.declared ?? []) as readonly RequestedReference[],
    declaredRelease: flags.declaredRelease as TalosVersion | undefined,
    ...place,
    ...contentSettings(flags, readSelection(flags, context)),
    lockFile,
    lockGiven: lock !== undefined,
    patchFile: file(textFlag(flags, 'patch')) ?? patchBeside(lockFile),
    failedList: file(textFlag(flags, 'failedList')),
    // As everywhere on a command line, - is standard output, which is also the default.
    outputFile: textFlag(flags, 'output') === '-' ? undefined : file(textFlag(flags, 'output')),
    retries: integer(flags, { name: 'retries', option: '--retries', byDefault: 5, min: 0 }),
    timeoutMs: duration(flags, { name: 'timeout', option: '--timeout' }),
    idleTimeoutMs: duration(flags, { name: 'idleTimeout', option: '--idle-timeout' }) ?? 60_000,
    source: endSettings('from', {
      flags,
      env,
      cwd,
      concurrency: integer(flags, { name: 'sourceConcurrency', option: '--source-concurrency', byDefault: 12 }),
    }),
    target: endSettings('to', {
      flags,
      env,
      cwd,
      concurrency: integer(flags, { name: 'targetConcurrency', option: '--target-concurrency', byDefault: 10 }),
    }),
    clientCertFile: file(textFlag(flags, 'clientCert')),
    clientKeyFile: file(textFlag(flags, 'clientKey')),
    insecureSkipVerify: switchFlag(flags, 'insecureSkipVerify'),
    plainHttp: switchFlag(flags, 'plainHttp'),
    proxy: proxySettings(env),
    environment: withoutPasswords(env),
    output: outputSettings(flags, env),
    extras: extraSettings(flags),
    bundle: bundleSettings(flags, { from: place.from, to: place.to, cwd }),
    cwd,
  };
  // A node has a configuration of its own, and seldom asks with what is given to this program.
  refuseContradictions(settings, { mayLackPassword: textFlag(flags, 'as') !== undefined });
  return freeze(settings);
}

type Place = Pick<
  Settings,
  'from' | 'sourceEndpoints' | 'to' | 'toGiven' | 'endpoint' | 'endpoints' | 'prefixByRegistry' | 'perRegistry'
>;

function placeSettings(
  flags: Flags,
  given: { readonly to: string | undefined; readonly endpoint: string | undefined },
): Place {
  const from = textFlag(flags, 'from');
  const endpoints = nodeAddresses(listFlag(flags, 'endpoint'), given.endpoint);
  return {
    from: from === undefined ? undefined : parseLocation(from),
    sourceEndpoints: listFlag(flags, 'sourceEndpoint').map(parseSourceEndpoint),
    to: parseLocation(given.to ?? defaultTarget),
    toGiven: given.to !== undefined,
    endpoint: endpoints[0]?.endpoint,
    endpoints,
    prefixByRegistry: switchFlag(flags, 'prefixByRegistry'),
    perRegistry: switchFlag(flags, 'perRegistry'),
  };
}

/** Each once, in order. Where the option stands for one server, and in the environment, an endpoint has no path. */
function nodeAddresses(repeated: readonly string[], single: string | undefined): readonly NodeAddress[] {
  if (repeated.length > 0) {
    const all = repeated.map((text) => readNodeAddress('--endpoint', text));
    return all.filter((one, index) => all.findIndex((other) => sameAddress(one, other)) === index);
  }
  return single === undefined ? [] : [{ endpoint: readEndpoint('--endpoint', single), pathPrefix: undefined }];
}

function sameAddress(one: NodeAddress, other: NodeAddress): boolean {
  return one.endpoint === other.endpoint && one.pathPrefix === other.pathPrefix;
}

type Content = Pick<
  Settings,
  keyof ReleaseSelection | 'configVersion' | 'wish' | 'signatures' | 'includeForeign' | 'dryRun' | 'recheck'
>;

/** Nodes that are going to be upgraded read a configuration before that: it is for the release they run. */
function contentSettings(flags: Flags, selection: ReleaseSelection): Content {
  const configVersion = textFlag(flags, 'talosVersion');
  return {
    ...selection,
    configVersion:
      configVersion === undefined ? (selection.upgradeFrom ?? selection.talos) : parseTalosVersion(configVersion),
    wish: {
      platforms: wantedPlatforms(listFlag(flags, 'platform').map(parsePlatform), selection.architectures),
      narrow: switchFlag(flags, 'narrow'),
      require: switchFlag(flags, 'requirePlatforms'),
    },
    signatures: switchFlag(flags, 'signatures', true),
    includeForeign: switchFlag(flags, 'includeForeign'),
    dryRun: switchFlag(flags, 'dryRun'),
    recheck: switchFlag(flags, 'recheck'),
  };
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value))
    if (typeof part === 'object' && part !== null && !(part instanceof URL)) freeze(part);
  return Object.freeze(value);
}
