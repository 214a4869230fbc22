/** `airgap emit`: what nodes are told, from a mirror's lock, from a list and an address, or from an address alone. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isolationNotes } from '../../emit/talos/notes.ts';
import type { Lock } from '../../lock/lock.ts';
import type { Mirror } from '../../mirror/rule.ts';
import { parseReference } from '../../oci/reference.ts';
import { talosMirrorImages, talosReleases } from '../../talos/catalogue.ts';
import { configKinds } from '../../talos/config-kinds.ts';
import { nearestTalosVersions, printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import type { Invocation } from '../define/wiring.ts';
import { mirrorsAt, type NodeAddress } from '../emitting/endpoints.ts';
import { keptFiles } from '../emitting/kept-files.ts';
import { pemReader } from '../emitting/pem.ts';
import { emissionSettings } from '../emitting/settings.ts';
import { type AskedFormat, type Emitted, emitTo, readFormats } from '../emitting/write.ts';
import { exitCodes } from '../exit.ts';
import { namesInstaller } from '../extras/settings.ts';
import { type Flags, listFlag, textFlag } from '../flags.ts';
import { gatherInputs } from '../inputs.ts';
import { requireLock } from '../lock-file.ts';
import { nearName, patchStep, proofStep, stepLines } from '../next-text.ts';
import { configVersionFor, endpointOfThisMachine, ruleFor, unreachableText } from '../placing.ts';
import { beyondKnown } from '../releases/beyond-known.ts';
import { jsonLine } from '../report/json.ts';
import { readSettings, type Settings } from '../settings.ts';
import { usageError } from '../values.ts';

export async function emit(invocation: Invocation): Promise<number> {
  const { context } = invocation;
  const flags = withInstallImage(invocation.flags);
  // Here --talos names the release to write for, not images to be mirrored.
  const settings = readSettings(invocation.inputs, { ...flags, talos: undefined, talosVersion: flags.talos }, context);
  const directory = textFlag(flags, 'outputDir');
  if (directory !== undefined && settings.outputFile !== undefined)
    throw usageError('Cannot use --output with --output-dir: both say where the configuration goes');
  const version = configVersionFor(settings);
  const { mirrors, registries } = await mirrorsToEmit(settings, { version, context });
  const endpoints = [...new Set(mirrors.map(({ endpoint }) => endpoint))];
  const {
    settings: node,
    form,
    secretsFile,
    cluster,
  } = await emissionSettings(flags, { ...context, version, endpoints, pem: pemReader(context.cwd) });
  const formats = readFormats(listFlag(flags, 'format'));
  const emitted = await emitTo(
    { mirrors, version, registries, settings: node, form },
    {
      formats,
      cluster,
      patchFile: settings.patchFile,
      to: {
        file: settings.outputFile,
        directory: directory === undefined ? undefined : resolve(settings.cwd, directory),
        secrets: secretsFile,
        others: keptFiles(flags, settings),
      },
    },
  );
  // Other programs' files say nothing of time, names and discovery.
  const beyond = beyondKnown(version);
  const notes = [
    ...(beyond === undefined ? [] : [beyond]),
    ...(formats.includes('talos') || formats.includes('omni') ? isolationNotes(node, version) : []),
  ];
  tell(invocation, { settings, version, formats, mirrors, emitted, notes });
  return exitCodes.ok;
}

/** A schematic says what is to be installed. */
function withInstallImage(flags: Flags): Flags {
  return namesInstaller(flags) && flags.installImage === undefined ? { ...flags, installImage: true } : flags;
}

interface Told {
  readonly settings: Settings;
  readonly version: TalosVersion;
  readonly formats: readonly AskedFormat[];
  readonly mirrors: readonly Mirror[];
  readonly emitted: Emitted;
  readonly notes: readonly string[];
}

function tell({ context }: Invocation, told: Told): void {
  const { settings, version, mirrors, emitted, notes } = told;
  const unreachable = endpointOfThisMachine(mirrors);
  const warnings = [...(unreachable === undefined ? [] : [unreachableText(unreachable)]), ...emitted.warnings];
  if (!settings.output.quiet) {
    for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`);
    for (const note of notes) context.stderr.write(`note: ${note}\n`);
  }
  const talos = printTalosVersion(version);
  if (settings.output.json) {
    const { files, written, writtenSecrets } = emitted;
    const text = files.length === 1 ? files[0]?.text : undefined;
    const file = settings.outputFile;
    context.stdout.write(
      `${jsonLine({ talos, mirrors, file, text, files, written, writtenSecrets, warnings, notes }, 2)}\n`,
    );
    return;
  }
  if (emitted.written.length === 0) for (const { text } of emitted.files) context.stdout.write(text);
  if (settings.output.quiet) return;
  for (const line of writtenLines(told)) context.stderr.write(`${line}\n`);
}

/** What was written, and how nodes are given it. */
function writtenLines({ settings, version, formats, emitted }: Told): string[] {
  const ofTalos = formats.some((format) => !['containerd', 'k3s', 'rke2'].includes(format));
  const release = ofTalos ? ` for Talos ${printTalosVersion(version)}` : '';
  const { written, writtenSecrets } = emitted;
  const lines = [
    ...written.map((file) => `wrote ${nearName(settings.cwd, file)}${release}`),
    ...writtenSecrets.map((file) => `wrote ${nearName(settings.cwd, file)}, for your eyes only`),
  ];
  const isPatch = formats.length === 1 && formats[0] === 'talos' && configKinds(version).mergePatch;
  if (!isPatch || written.length === 0) return lines;
  const files = [...written, ...writtenSecrets];
  const proof = proofStep(settings, { talos: printTalosVersion(version), files });
  const next = [...(existsSync(settings.lockFile) ? [proof] : []), patchStep(settings.cwd, files)];
  return [...lines, '', 'Next:', ...stepLines(next)];
}

interface Emittable {
  readonly mirrors: readonly Mirror[];
  /** Upstream registries that are mirrored. */
  readonly registries: readonly string[];
}

async function mirrorsToEmit(
  settings: Settings,
  { version, context }: { readonly version: TalosVersion; readonly context: Invocation['context'] },
): Promise<Emittable> {
  if (settings.inputs.length === 0) {
    const addressKnown = settings.toGiven || settings.endpoints.length > 0;
    if (addressKnown && !settings.lockGiven && !existsSync(settings.lockFile)) return forAnyImage(settings, version);
    return fromLock(await requireLock(settings.lockFile), settings);
  }
  const { stdin, stderr, env, signal } = context;
  const gathered = await gatherInputs(settings, { stdin, stderr, env, signal });
  const [lock] = gathered.locks;
  if (lock !== undefined && !settings.toGiven)
    return fromLock({ ...lock, images: gathered.locks.flatMap(({ images }) => images) }, settings);
  const registries = registriesOf(gathered.requests.map(({ reference }) => reference));
  return { mirrors: mirrorsIn(settings, { registries, addresses: addressesIn(settings) }), registries };
}

/** Whatever is asked for is mirrored: `*`, or where a release or an option wants entries of their own, the registries of the release. */
function forAnyImage(settings: Settings, version: TalosVersion): Emittable {
  const apart = settings.prefixByRegistry || settings.perRegistry;
  const addresses = addressesIn(settings);
  const registries = apart || !configKinds(version).wildcard ? registriesOfRelease(version, settings) : [];
  return { mirrors: mirrorsIn(settings, { registries: apart ? registries : [], addresses }), registries };
}

/** Those of its images; of the nearest release where the list of this one is not known. */
function registriesOfRelease(version: TalosVersion, { catalogue }: Pick<Settings, 'catalogue'>): string[] {
  const known = talosReleases(catalogue).map((release) => release.version);
  const [nearest = version] = nearestTalosVersions(version, known);
  return registriesOf(talosMirrorImages(nearest, { catalogue }).map(({ reference }) => parseReference(reference)));
}

function mirrorsIn(
  settings: Settings,
  given: { readonly registries: readonly string[]; readonly addresses: readonly NodeAddress[] },
): Mirror[] {
  const rule = ruleFor(settings.to, settings.prefixByRegistry);
  return mirrorsAt({ rule, ...given, perRegistry: settings.perRegistry });
}

/** The lock's own mirrors, unless another address or another form is asked for. */
function fromLock(lock: Lock, settings: Settings): Emittable {
  const registries = registriesOf(lock.images.map(({ source }) => source));
  const isOwn = !settings.toGiven && settings.endpoints.length === 0 && !settings.perRegistry;
  if (isOwn && lock.mirrors.length === 0) throw unknownEndpoint();
  if (isOwn) return { mirrors: lock.mirrors, registries };
  const rule = settings.toGiven ? ruleFor(settings.to, settings.prefixByRegistry) : lock.rule;
  const own = [...new Set(lock.mirrors.map(({ endpoint }) => endpoint))];
  const isOwnAddress = !settings.toGiven && settings.endpoints.length === 0 && own.length > 0;
  const addresses = isOwnAddress ? own.map((endpoint) => ({ endpoint, pathPrefix: undefined })) : addressesIn(settings);
  return { mirrors: mirrorsAt({ rule, addresses, registries, perRegistry: settings.perRegistry }), registries };
}

function addressesIn(settings: Settings): readonly NodeAddress[] {
  if (settings.endpoints.length > 0) return settings.endpoints;
  if (settings.to.kind !== 'registry') throw unknownEndpoint();
  if (settings.to.scheme !== undefined)
    return [{ endpoint: `${settings.to.scheme}://${settings.to.host}`, pathPrefix: undefined }];
  throw usageError(
    `Cannot write the endpoint of "${settings.to.host}": its scheme is not known here`,
    `write --to http://${settings.to.host} or --to https://${settings.to.host}`,
  );
}

function unknownEndpoint(): Error {
  return usageError(
    'Cannot write the Talos configuration: the address nodes will use is not known',
    'name it with --endpoint, for example --endpoint http://10.5.0.1:6000',
  );
}

function registriesOf(references: readonly { readonly registry: string }[]): string[] {
  return [...new Set(references.map(({ registry }) => registry))].sort();
}
