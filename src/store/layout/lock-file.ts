/** One writer per layout: a file that names the process. A lock whose process is gone is taken over. */
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { AirgapError } from '../../errors.ts';
import { codeOf, onDisk } from './disk.ts';

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** When the process started, in clock ticks since boot; empty where the system does not tell. Pids are used again. */
  readonly started: string;
}

/** Takes the lock and gives what releases it. Throws ERR_INPUT_INVALID while another process holds it. */
export async function takeLock(path: string, layout: string): Promise<() => Promise<void>> {
  const own: Owner = { host: hostname(), pid: process.pid, started: await startOf(process.pid) };
  const draft = `${path}.${randomUUID()}`;
  await onDisk(`lock layout "${layout}"`, writeFile(draft, JSON.stringify(own)));
  try {
    for (let tries = 0; tries < 5; tries += 1) {
      if (await linked(draft, path)) return () => rm(path, { force: true });
      await removeStale(path, layout);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new AirgapError('ERR_INPUT_INVALID', `Cannot write to layout "${layout}": its lock changes hands too often`);
}

async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    return onDisk(`create lock "${path}"`, Promise.reject(error));
  }
}

/** Moves the lock of a dead process aside; what was moved is looked at again, as another process may have been faster. */
async function removeStale(path: string, layout: string): Promise<void> {
  const owner = await readOwner(path);
  if (owner === 'gone') return;
  if (owner !== undefined && (await isAlive(owner))) throw held(path, { layout, owner });
  const aside = `${path}.stale-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const moved = await readOwner(aside);
  if (moved !== undefined && moved !== 'gone' && (await isAlive(moved))) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

function held(path: string, known: { readonly layout: string; readonly owner: Owner }): AirgapError {
  const { layout, owner } = known;
  const local = owner.host === hostname();
  const where = local ? `process ${owner.pid}` : `process ${owner.pid} on host ${JSON.stringify(owner.host)}`;
  const hint = local ? 'wait until it is done' : `wait until it is done; if that process is gone, delete ${path}`;
  return new AirgapError('ERR_INPUT_INVALID', `Cannot write to layout "${layout}": ${where} is writing to it`, {
    hint,
  });
}

/** Undefined: nobody can be told from it, a lock written half. */
async function readOwner(path: string): Promise<Owner | 'gone' | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { host, pid, started } = value as Partial<Record<keyof Owner, unknown>>;
    if (typeof host !== 'string' || typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
    return { host, pid, started: typeof started === 'string' ? started : '' };
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'gone' : undefined;
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
