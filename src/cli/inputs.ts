/** What was given on the command line becomes requests: lists, locks, references, a catalogue, standard input, talosctl. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AirgapError } from '../errors.ts';
import { parseList, parseReferences } from '../input/list.ts';
import { mergeRequests, requestsFromLock } from '../input/merge.ts';
import type { RequestedReference } from '../input/requested.ts';
import type { Lock } from '../lock/lock.ts';
import { parseLock } from '../lock/parse.ts';
import { hasArrow } from '../oci/retag.ts';
import { quoteShell } from '../oci/shell.ts';
import { releaseOf } from '../plan/origins.ts';
import { splitPlace } from '../store/location.ts';
import type { UpgradePath } from '../talos/upgrade.ts';
import { printTalosVersion, type TalosVersion } from '../talos/version.ts';
import type { Context } from './context.ts';
import { collect, readInputFile } from './files.ts';
import { selectedImages } from './releases/release-images.ts';
import type { ReleaseSelection } from './releases/selection.ts';
import { upgradeLines } from './releases/upgrade-text.ts';
import type { Settings } from './settings.ts';
import { listWithTalosctl } from './talosctl.ts';
import { usageError } from './values.ts';

export interface GatheredInputs {
  /** Each reference once; empty only when nothing at all was given. */
  readonly requests: readonly RequestedReference[];
  /** Locks among the inputs, in order. */
  readonly locks: readonly Lock[];
  /** What the user should know about where the list came from. */
  readonly notices: readonly string[];
  /** What the list may lack. */
  readonly warnings?: readonly string[];
  /** The Talos release the images are for, where an input told. */
  readonly talos: TalosVersion | undefined;
  /** Where the releases of an upgrade were asked for: its way. */
  readonly upgrade: UpgradePath | undefined;
}

interface Part {
  readonly requests: readonly RequestedReference[];
  readonly locks?: readonly Lock[];
  readonly notices?: readonly string[];
  readonly talos?: TalosVersion | undefined;
  readonly upgrade?: UpgradePath | undefined;
}

type InputContext = Pick<Context, 'stdin' | 'stderr' | 'env' | 'signal'> & {
  /** What to say where nothing was named and nothing is found; by default what helps whoever mirrors. */
  readonly nothing?: () => AirgapError;
};

/** Reads everything named in `settings`. Throws ERR_USAGE, ERR_INPUT_INVALID, ERR_LOCK_INVALID, ERR_REFERENCE_INVALID. */
export async function gatherInputs(settings: Settings, context: InputContext): Promise<GatheredInputs> {
  const { talos } = settings;
  const parts: Part[] = talos === undefined ? [] : [cataloguePart({ ...settings, talos }, settings.output.unicode)];
  const references: string[] = [];
  for (const input of settings.inputs) {
    if (input === '-') parts.push(await stdinPart(context));
    else if (splitPlace(input) !== undefined) throw placeGiven(input);
    else if (/\.tar$/i.test(input) && (await isFile(resolve(settings.cwd, input)))) throw placeGiven(`bundle:${input}`);
    else if (await isFile(resolve(settings.cwd, input)))
      parts.push(documentPart(input, await readInputFile(resolve(settings.cwd, input), input, context)));
    else if (!hasArrow(input) && looksLikeFile(input)) throw noSuchFile(input);
    else references.push(input);
  }
  if (settings.declared.length > 0) parts.push({ requests: settings.declared });
  if (references.length > 0) parts.push({ requests: parseReferences('argument', references) });
  return combine(parts);
}

/**
 * The same for a run that may take its list from a pipe or from talosctl: when nothing is named, a list on standard input
 * counts, and without one what talosctl on PATH prints. Throws ERR_USAGE when there is neither.
 */
export async function gatherOrFind(settings: Settings, context: InputContext): Promise<GatheredInputs> {
  const gathered = await gatherInputs(settings, context);
  if (settings.inputs.length > 0 || settings.declared.length > 0 || settings.talos !== undefined) return gathered;
  const passwordOnStdin = settings.source.passwordOnStdin || settings.target.passwordOnStdin;
  if (context.stdin.isTTY !== true && !passwordOnStdin) {
    const bytes = await readStdin(context);
    if (!isBlank(bytes)) return combine([documentPart('-', bytes)]);
  }
  const list = await listWithTalosctl(context);
  if (list === undefined) throw (context.nothing ?? nothingGiven)();
  const notice = `no images were named: using what "${list.command}" prints (talosctl ${printTalosVersion(list.version)})`;
  const name = `talosctl ${printTalosVersion(list.version)}`;
  return combine([{ requests: parseList(name, list.output), notices: [notice], talos: list.version }]);
}

function combine(parts: readonly Part[]): GatheredInputs {
  return {
    requests: mergeRequests(parts.map((part) => part.requests)),
    locks: parts.flatMap((part) => part.locks ?? []),
    notices: parts.flatMap((part) => part.notices ?? []),
    talos: parts.map((part) => part.talos).find((talos) => talos !== undefined),
    upgrade: parts.map((part) => part.upgrade).find((upgrade) => upgrade !== undefined),
  };
}

async function stdinPart(context: InputContext): Promise<Part> {
  if (context.stdin.isTTY === true)
    throw usageError(
      'Cannot read a list from standard input: it is a terminal',
      'pipe a list in: talosctl image default | airgap mirror -',
    );
  return documentPart('-', await readStdin(context));
}

/** Some callers leave a pipe open and send nothing: they are told what is waited for. */
async function readStdin(context: InputContext): Promise<Uint8Array> {
  const timer = setTimeout(() => context.stderr.write('note: waiting for a list on standard input\n'), 3000);
  try {
    return await collect(context.stdin, { shown: 'standard input', signal: context.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** A lock is told by its first character; a list never begins with a brace. */
function documentPart(name: string, bytes: Uint8Array): Part {
  const start = Buffer.from(bytes.subarray(0, 256))
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart();
  if (!start.startsWith('{')) return { requests: parseList(name, bytes) };
  const lock = parseLock(Buffer.from(bytes).toString('utf8'), name);
  return { requests: requestsFromLock(lock), locks: [lock], talos: releaseOf(lock.images) };
}

function cataloguePart(selection: ReleaseSelection & { readonly talos: TalosVersion }, unicode: boolean): Part {
  const { name, images, notes, path, runs } = selectedImages(selection);
  const special = images.filter(({ reason }) => reason !== 'default image of the release');
  return {
    requests: parseReferences(
      name,
      images.map(({ reference }) => reference),
    ),
    notices: [
      ...notes,
      ...special.map(({ reference, reason }) => `${name}: ${reference} is the ${reason.replace(/^the /, '')}`),
      ...(path === undefined ? [] : ['the way of the upgrade:', ...upgradeLines(path, unicode)]),
    ],
    talos: runs,
    upgrade: path,
  };
}

/** Folders are no input: `nginx` stays a reference beside a folder of that name. */
async function isFile(path: string): Promise<boolean> {
  try {
    return !(await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function looksLikeFile(input: string): boolean {
  return /^(?:\.{0,2}\/|~|[A-Za-z]:\\)/.test(input) || /\.(?:txt|lock|list|lst|csv|ya?ml|json|md|html?)$/i.test(input);
}

function noSuchFile(input: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read ${JSON.stringify(input)}: file not found`, {
    hint: 'give the path of a list or a lock, or a reference like registry.k8s.io/pause:3.10',
  });
}

/** Where images are is no image; one of a repository named `bundle` is written with its registry. */
function placeGiven(input: string): AirgapError {
  return usageError(
    `Cannot use ${JSON.stringify(input)} as an image or a list: it says where images are`,
    `write --from ${quoteShell(input)} to copy what is there, --to ${quoteShell(input)} to verify or to write it`,
  );
}

function isBlank(bytes: Uint8Array): boolean {
  return (
    Buffer.from(bytes)
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .trim() === ''
  );
}

function nothingGiven(): AirgapError {
  return usageError(
    [
      'Cannot mirror: no images were named, nothing was piped in, and there is no talosctl on PATH',
      'airgap mirror images.txt --to 10.5.0.1:6000',
      'airgap mirror registry.k8s.io/pause:3.10 --to 10.5.0.1:6000',
      'airgap mirror --talos v1.14.4 --to 10.5.0.1:6000',
      'talosctl image default | airgap mirror --to 10.5.0.1:6000',
    ].join('\n'),
  );
}
