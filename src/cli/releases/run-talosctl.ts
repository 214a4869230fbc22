/** The list of a release from its own talosctl: fetched, run once, and taken away again. Only where that was asked for. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTalosctl, talosctlImage } from '../../catalogues/talosctl.ts';
import { AirgapError, isAirgapError } from '../../errors.ts';
import { printReference } from '../../oci/reference.ts';
import type { Source } from '../../store/store.ts';
import { listedRelease } from '../../talos/release-list.ts';
import type { ListedRelease, TalosCatalogue } from '../../talos/releases.ts';
import { addListCommand } from '../../talos/talosctl.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { listWith, type TalosctlList } from '../talosctl.ts';
import { usageError } from '../values.ts';
import { listedLines } from './listed-lines.ts';

/** Throws ERR_USAGE on a machine that cannot run what the image holds. */
export function ownArchitecture(
  machine: { readonly platform: string; readonly arch: string } = process,
): 'amd64' | 'arm64' {
  const architecture = new Map([
    ['x64', 'amd64' as const],
    ['arm64', 'arm64' as const],
  ]).get(machine.arch);
  if (machine.platform === 'linux' && architecture !== undefined) return architecture;
  throw usageError(
    `Cannot use --run-talosctl on ${machine.platform}/${machine.arch}: the image of a release holds talosctl for linux/amd64 and linux/arm64`,
    `run talosctl of the release yourself: ${addListCommand()}`,
  );
}

/**
 * Fetches the talosctl of the release, lets it print its version and its list in a folder of its own with an empty environment,
 * and checks what it printed. The folder is gone afterwards. Throws what the source throws, and ERR_PROTOCOL naming the image
 * for a program that fails, is of another release, or prints no list.
 */
export async function askOwnTalosctl(
  version: TalosVersion,
  asked: { readonly source: Source; readonly signal: AbortSignal; readonly catalogue: TalosCatalogue },
): Promise<ListedRelease> {
  const program = await readTalosctl(asked.source, version, { architecture: ownArchitecture(), signal: asked.signal });
  try {
    const { version: own, command, output } = await runOnce(program, asked.signal);
    if (printTalosVersion(own) !== printTalosVersion(version)) throw invalid(`it is of ${printTalosVersion(own)}`);
    const name = `${command} of ${printReference(talosctlImage(version))}`;
    return listedRelease(version, listedLines(name, output), { source: name, catalogue: asked.catalogue });
  } catch (error) {
    asked.signal.throwIfAborted();
    throw ofImage(error, version);
  }
}

/** What a program of the source does wrong is the source's fault. */
function ofImage(error: unknown, version: TalosVersion): unknown {
  if (!isAirgapError(error) && !isSystemError(error)) return error;
  const reference = printReference(talosctlImage(version));
  const mayNotRun = error.message.includes('EACCES');
  return new AirgapError('ERR_PROTOCOL', `Cannot ask talosctl of "${reference}": ${error.message}`, {
    cause: error,
    reference,
    end: 'source',
    hint: mayNotRun
      ? `programs may not run in "${tmpdir()}": name another folder in TMPDIR`
      : addListCommand(printTalosVersion(version)),
  });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

function invalid(state: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', state);
}

async function runOnce(program: Uint8Array, signal: AbortSignal): Promise<TalosctlList> {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-talosctl-'));
  try {
    const path = join(folder, 'talosctl');
    await writeFile(path, program, { mode: 0o700, flag: 'wx' });
    await chmod(path, 0o700);
    const env = { HOME: folder, TALOSCONFIG: join(folder, 'none') };
    const list = await listWith({ path, env, cwd: folder, signal });
    if (list !== undefined) return list;
    throw invalid('it is no program for this machine');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
