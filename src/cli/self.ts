/** Puts the single executable beside what it is to be carried with: the far side may have nothing else that can read it. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AirgapError } from '../errors.ts';
import { throwIfAborted } from '../store/interruption.ts';
import { packageFolder, packedText, programVersion, selfPath } from './executable.ts';
import { writeError, writeFileAtomic } from './files.ts';

/** The executable's file name, wherever it lies and whatever it was renamed to. */
export const executableName = 'airgap-linux-x64';

/** What belongs beside it, and is packed inside too: the list of its parts, and their licences. */
const companions = [`${executableName}.cdx.json`, `${executableName}.licenses.txt`] as const;

export interface CopiedSelf {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

export interface CopySelfOptions {
  readonly signal?: AbortSignal;
  /** The executable to copy. Default: this program when it is one, else `build/airgap-linux-x64` of the npm package. */
  readonly from?: string;
}

/**
 * Copies the executable into `directory` with its checksum (`sha256sum -c` reads it), SBOM and licences. Written beside and renamed, mode
 * 0755 where the file system has modes, and read again to be sure. One that is there and equal stays. Throws ERR_USAGE when there is no
 * executable of this release to copy or the directory cannot be written, ERR_DIGEST_MISMATCH when it is not what its own checksum says or what was
 * written reads differently, ERR_NO_SPACE.
 */
export async function copySelf(directory: string, options: CopySelfOptions = {}): Promise<CopiedSelf> {
  const { source, size } = await requireSelf(options);
  const { signal } = options;
  const sha256 = await hashOf(source, signal);
  await checkAgainstChecksum(source, sha256);
  const path = join(directory, executableName);
  const texts = await companionTexts(source);
  try {
    if ((await sizeOf(path)) !== size || (await hashOf(path, signal)) !== sha256)
      await replace({ source, path, sha256, signal });
  } catch (error) {
    throw error instanceof AirgapError || signal?.aborted === true ? error : writeError(error, path);
  }
  await writeFileAtomic(`${path}.sha256`, `${sha256}  ${executableName}\n`);
  for (const [name, text] of texts) await writeFileAtomic(join(directory, name), text);
  return { path, size, sha256 };
}

/** What would be copied, and its bytes. Throws ERR_USAGE when there is none, or one of another release: better before hours of copying than after. */
export async function requireSelf(
  options: Pick<CopySelfOptions, 'from'> = {},
): Promise<{ readonly source: string; readonly size: number }> {
  const source = options.from ?? selfPath() ?? join(packageFolder(), 'build', executableName);
  const size = await sizeOf(source);
  if (size === undefined) throw notThere(source);
  if (source !== selfPath()) await requireSameVersion(source);
  return { source, size };
}

/** Its list of parts says which release it is. One left from before could not read what this one writes, or would hide that it is older. */
async function requireSameVersion(source: string): Promise<void> {
  const version = sbomVersion(await besides(source, companions[0]));
  if (version === programVersion()) return;
  const state =
    version === undefined ? 'nothing tells its release' : `it is airgap ${version}, and this is ${programVersion()}`;
  throw new AirgapError('ERR_USAGE', `Cannot include the executable "${source}": ${state}`, {
    hint: `run \`npm run package\` in the source of airgap again, or run this command with ${executableName} itself`,
  });
}

/** `metadata.component.version` of a CycloneDX document. */
function sbomVersion(text: string): string | undefined {
  try {
    const document = JSON.parse(text) as { metadata?: { component?: { version?: unknown } } } | null;
    const version = document?.metadata?.component?.version;
    return typeof version === 'string' && /^[\w.+-]{1,64}$/.test(version) ? version : undefined;
  } catch {
    return undefined;
  }
}

function notThere(source: string): AirgapError {
  return new AirgapError('ERR_USAGE', `Cannot include the executable: "${source}" is not there`, {
    hint: `run \`npm run package\` in the source of airgap first, or run this command with ${executableName} itself`,
  });
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}

async function hashOf(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path) as AsyncIterable<Buffer>) {
    throwIfAborted(signal);
    hash.update(part);
  }
  return hash.digest('hex');
}

/** A checksum beside it has to agree. A renamed or carried executable may have none. */
async function checkAgainstChecksum(source: string, sha256: string): Promise<void> {
  const text = await readFile(`${source}.sha256`, 'utf8').catch(() => undefined);
  if (text === undefined || /^[0-9a-f]{64}(?= )/.exec(text)?.[0] === sha256) return;
  throw new AirgapError('ERR_DIGEST_MISMATCH', `Cannot include "${source}": it is not what "${source}.sha256" says`, {
    end: 'source',
    hint: `run \`npm run package\` again, or get ${executableName} and its checksum once more`,
  });
}

/** Those that lie beside the executable, or its own. */
async function companionTexts(source: string): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const name of companions) {
    if (source === selfPath()) texts.set(name, packedText(name));
    else texts.set(name, await besides(source, name));
  }
  return texts;
}

async function besides(source: string, name: string): Promise<string> {
  const path = join(dirname(source), name);
  return readFile(path, 'utf8').catch(() => {
    throw notThere(path);
  });
}

interface Replacement {
  readonly source: string;
  readonly path: string;
  readonly sha256: string;
  readonly signal: AbortSignal | undefined;
}

async function replace({ source, path, sha256, signal }: Replacement): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(temporary, 'wx', 0o755);
    try {
      for await (const part of createReadStream(source) as AsyncIterable<Buffer>) {
        throwIfAborted(signal);
        await handle.writeFile(part);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    if ((await hashOf(temporary, signal)) !== sha256) throw readsDifferently(path);
    await makeExecutable(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

function readsDifferently(path: string): AirgapError {
  return new AirgapError('ERR_DIGEST_MISMATCH', `Cannot write "${path}": it reads differently from what was written`, {
    end: 'target',
    hint: 'the disk may be failing, or the executable was replaced meanwhile; try another disk',
  });
}

/** FAT has no modes and refuses to be told one; what is mounted from it is executable or not as a whole. */
async function makeExecutable(path: string): Promise<void> {
  await chmod(path, 0o755).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM' && error.code !== 'ENOTSUP' && error.code !== 'EOPNOTSUPP') throw error;
  });
}
