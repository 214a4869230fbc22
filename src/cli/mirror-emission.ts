/** What `mirror` writes for the nodes beside the lock: everything `emit` can say, told in the same run. */
import { resolve } from 'node:path';
import type { Mirror, MirrorRule } from '../mirror/rule.ts';
import type { TalosVersion } from '../talos/version.ts';
import type { Context } from './context.ts';
import { mirrorsAt } from './emitting/endpoints.ts';
import { keptFiles } from './emitting/kept-files.ts';
import type { PemReader } from './emitting/pem.ts';
import { type Emission, emissionSettings } from './emitting/settings.ts';
import { type Asked, type Emitted, emitTo, readFormats, tryEmitting } from './emitting/write.ts';
import { type Flags, listFlag, textFlag } from './flags.ts';
import { configVersionFor } from './placing.ts';
import type { Settings } from './settings.ts';
import { usageError } from './values.ts';

/** Read before anything is copied, so that what cannot be written is refused then. */
export interface MirrorEmission extends Omit<Emission, 'cluster' | 'secretsFile'> {
  /** The release the nodes run. */
  readonly version: TalosVersion;
  /** The one patch beside the lock, then where it was asked for, files of every format in a folder. */
  readonly outputs: readonly Asked[];
}

export interface EmissionFacts {
  readonly settings: Settings;
  readonly context: Pick<Context, 'env' | 'cwd'>;
  /** As nodes will use them; empty when no address is known. */
  readonly mirrors: readonly Mirror[];
  /** Upstream registries of the images. */
  readonly registries: readonly string[];
  /** The release the images are for, where an input told. */
  readonly talos: TalosVersion | undefined;
  /** Whether it will be written. */
  readonly write: boolean;
  /** The same for every call of one run. */
  readonly pem: PemReader;
}

/**
 * Throws as emissionSettings(), ERR_USAGE where nodes are to be told something and no address is known, and ERR_UNSUPPORTED for
 * what the release does not know.
 */
export async function readMirrorEmission(flags: Flags, facts: EmissionFacts): Promise<MirrorEmission> {
  const { settings, context, mirrors, talos, pem } = facts;
  const version = configVersionFor(settings, talos);
  const endpoints = [...new Set(mirrors.map(({ endpoint }) => endpoint))];
  const directory = textFlag(flags, 'outputDir');
  const formats = readFormats(listFlag(flags, 'format'));
  if (directory === undefined && formats.some((format) => format !== 'talos'))
    throw usageError('Cannot use --format with mirror: its files need a folder', 'name one with --output-dir');
  const emission = await emissionSettings(flags, { ...context, version, endpoints, pem });
  if (endpoints.length === 0 && (directory !== undefined || saysSomething(emission))) {
    throw usageError(
      'Cannot write what nodes are told: the address they will ask is not known',
      'name it with --endpoint, for example --endpoint http://10.5.0.1:6000',
    );
  }
  const { cluster, secretsFile: secrets } = emission;
  const { patchFile } = settings;
  const places = { secrets, others: keptFiles(flags, settings) };
  const outputs: Asked[] = [
    { formats: ['talos'], cluster, patchFile, to: { ...places, file: patchFile, directory: undefined } },
  ];
  if (directory !== undefined) {
    const others = [...places.others, patchFile];
    const folder = resolve(settings.cwd, directory);
    const to = { secrets, secretsTaken: true, others, file: undefined, directory: folder } as const;
    outputs.push({ formats, cluster, patchFile, to });
  }
  if (mirrors.length > 0) {
    const registries = facts.registries.length > 0 ? facts.registries : mirrors.map(({ registry }) => registry);
    const options = { mirrors, registries, version, form: emission.form, settings: emission.settings };
    for (const output of outputs) await tryEmitting(options, { ...output, write: facts.write });
  }
  return { form: emission.form, settings: emission.settings, version, outputs };
}

function saysSomething({ settings, form }: Pick<Emission, 'settings' | 'form'>): boolean {
  const said = Object.values(settings).filter((value) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false,
  );
  return said.length > 0 || form !== undefined;
}

/**
 * The same before a directory or a bundle is opened, which may make it. A registry tells its scheme when it is asked, and nothing is
 * written there before.
 */
export async function checkMirrorEmission(
  flags: Flags,
  facts: Omit<EmissionFacts, 'mirrors'> & { readonly rule: MirrorRule },
): Promise<void> {
  const { settings, registries, rule } = facts;
  if (settings.to.kind === 'registry') return;
  const { endpoints: addresses, perRegistry } = settings;
  const mirrors = addresses.length === 0 ? [] : mirrorsAt({ rule, addresses, registries, perRegistry });
  await readMirrorEmission(flags, { ...facts, mirrors });
}

/** Paths at the addresses have to be that of the place images are put at. Throws ERR_USAGE. */
export function checkAddresses({ endpoints }: Pick<Settings, 'endpoints'>, rule: MirrorRule): void {
  if (rule.naming === 'keep') return;
  const other = endpoints.find(({ pathPrefix }) => pathPrefix !== undefined && pathPrefix !== rule.prefix);
  if (other === undefined) return;
  throw usageError(
    `Cannot use --endpoint ${other.endpoint}/${other.pathPrefix}: images are put ${rule.prefix === '' ? 'at the root of the registry' : `below ${JSON.stringify(rule.prefix)}`}, and nodes would ask elsewhere`,
    'write the path in --to as well; where another server maps one to the other, write the configuration afterwards with airgap emit',
  );
}

export interface WrittenConfiguration {
  /** What was written into --output-dir, absolute. */
  readonly more: readonly string[];
  readonly secrets: readonly string[];
  readonly warnings: readonly string[];
}

/** The patch beside the lock, and where they were asked for, files of every format in a folder, and secrets in theirs. */
export async function writeConfiguration(
  emission: MirrorEmission,
  place: { readonly mirrors: readonly Mirror[]; readonly registries: readonly string[] },
): Promise<WrittenConfiguration> {
  const { version, form, settings, outputs } = emission;
  const options = { ...place, version, form, settings };
  const all: Emitted[] = [];
  for (const output of outputs) all.push(await emitTo(options, output));
  return {
    more: all.slice(1).flatMap(({ written }) => written),
    secrets: [...new Set(all.flatMap(({ writtenSecrets }) => writtenSecrets))],
    warnings: [...new Set(all.flatMap(({ warnings }) => warnings))],
  };
}
