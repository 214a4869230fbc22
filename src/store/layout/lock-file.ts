/**
 * One writer per layout or bundle: a file that names the process. A lock whose process is gone is taken over: its successor stands in a
 * second file named after the first one's text, so that exactly one of several can succeed a dead writer. Giving a lock back
 * removes the first file before the others; whoever took a successor's place in that moment sees it and steps back.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants, copyFile, link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { AirgapError } from '../../errors.ts';
import { codeOf, onDisk, readFlags, statsOf, withFile } from './disk.ts';

/** Bytes of a lock that are read: far more than one has. */
const longestLock = 4096;

/** Milliseconds after which nobody is writing a draft any more. */
const longestDraftMs = 60 * 60 * 1000;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** When the process started, in clock ticks since boot; empty where the system does not tell. Pids are used again. */
  readonly started: string;
}

/** Puts a written file under another name, unless something has that name (EEXIST). */
export type PlaceFile = (draft: string, path: string) => Promise<void>;

/** What file systems without hard links (FAT, exFAT: the usual ones of sticks) answer. */
const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** A hard link puts the whole text there at once. Without links the name is made first, which is as exclusive, and the text a moment later. */
export async function placeFile(draft: string, path: string, place: PlaceFile = link): Promise<void> {
  try {
    await place(draft, path);
  } catch (error) {
    if (!noLinks.has(codeOf(error) ?? '')) throw error;
    await copyFile(draft, path, constants.COPYFILE_EXCL);
  }
}

/** Takes the lock and gives what releases it. `place` is for messages: `layout "DIR"`, `bundle "FILE"`. Throws ERR_INPUT_INVALID while another process holds it. */
export async function takeLock(path: string, place: string): Promise<() => Promise<void>> {
  const own: Owner = { host: hostname(), pid: process.pid, started: await startOf(process.pid) };
  const draft = `${path}.${randomUUID()}`;
  await onDisk(`write to ${place}`, writeFile(draft, JSON.stringify({ ...own, nonce: randomUUID() })));
  try {
    for (let tries = 0; tries < 20; tries += 1) {
      const files = await tryTake(path, { draft, place });
      if (files === undefined) continue;
      await removeStaleDrafts(path, draft);
      return () => removeAll(files);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new AirgapError('ERR_INPUT_INVALID', `Cannot write to ${place}: its lock changes hands too often`);
}

/** The files of the lock, the first one first; undefined when it changed hands meanwhile. */
async function tryTake(
  path: string,
  taking: { readonly draft: string; readonly place: string },
): Promise<string[] | undefined> {
  const files: string[] = [];
  let first: string | undefined;
  for (let place = path; ; ) {
    files.push(place);
    if (await linked(taking.draft, place)) {
      if (place === path || (await readText(path, taking.place)) === first) return files;
      await rm(place, { force: true });
      return undefined;
    }
    const text = await readText(place, taking.place);
    if (text === undefined) return undefined;
    first ??= text;
    const owner = parseOwner(text);
    if (owner !== undefined && (await isAlive(owner))) throw held(place, { place: taking.place, owner });
    place = `${path}.after-${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
  }
}

/**
 * Drafts of writers that were killed while they took the lock: of processes of this host that are gone, or old ones. A draft lives for
 * moments; whoever loses one all the same is told so, and holds no lock. What cannot be removed stays.
 */
async function removeStaleDrafts(path: string, own: string): Promise<void> {
  const begin = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)).catch((): string[] => [])) {
    const draft = join(dirname(path), name);
    if (!name.startsWith(begin) || !uuid.test(name.slice(begin.length)) || draft === own) continue;
    if (await isStale(draft).catch(() => false)) await rm(draft, { force: true }).catch(() => {});
  }
}

async function isStale(draft: string): Promise<boolean> {
  const stats = await statsOf(draft);
  if (stats?.isFile() !== true) return false;
  if (Date.now() - stats.mtimeMs > longestDraftMs) return true;
  const owner = parseOwner((await readText(draft, `"${draft}"`)) ?? '');
  return owner !== undefined && !(await isAlive(owner));
}

async function removeAll(files: readonly string[]): Promise<void> {
  for (const file of files) await rm(file, { force: true });
}

async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await placeFile(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    return onDisk(`create lock "${path}"`, Promise.reject(error));
  }
}

/** Undefined when there is none. What is no file is never opened: a layout may come from anywhere, and a link lead anywhere. */
async function readText(path: string, place: string): Promise<string | undefined> {
  const stats = await statsOf(path);
  if (stats === undefined) return undefined;
  if (!stats.isFile()) {
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot write to ${place}: its lock "${path}" is no file`, {
      hint: 'look where the layout comes from; if it is yours, delete that',
    });
  }
  try {
    return await withFile(path, readFlags, async (file) => {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(longestLock), 0, longestLock, 0);
      return buffer.toString('utf8', 0, bytesRead);
    });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    return onDisk(`read lock "${path}"`, Promise.reject(error));
  }
}

function held(path: string, known: { readonly place: string; readonly owner: Owner }): AirgapError {
  const { place, owner } = known;
  const local = owner.host === hostname();
  const where = local ? `process ${owner.pid}` : `process ${owner.pid} on host ${JSON.stringify(owner.host)}`;
  const hint = local ? 'wait until it is done' : `wait until it is done; if that process is gone, delete ${path}`;
  return new AirgapError('ERR_INPUT_INVALID', `Cannot write to ${place}: ${where} is writing to it`, {
    hint,
  });
}

/** Undefined: nobody can be told from it, a lock written half. */
function parseOwner(text: string): Owner | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { host, pid, started } = value as Partial<Record<keyof Owner, unknown>>;
    if (typeof host !== 'string' || typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
    return { host, pid, started: typeof started === 'string' ? started : '' };
  } catch {
    return undefined;
  }
}

/** A process on another host counts as alive. */
async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
  const started = await startOf(owner.pid);
  return started === '' || owner.started === '' || started === owner.started;
}

/** Field 22 of /proc/PID/stat (proc(5)); the command in field 2 may hold blanks and brackets. */
async function startOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
