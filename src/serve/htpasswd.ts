/** Users from an Apache htpasswd file, bcrypt alone as docker-registry takes it. */
import { createHmac, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { compare, hashSync } from 'bcryptjs';
import { AirgapError, toAirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import { forgetOldest } from './oldest.ts';
import type { AccessControl } from './options.ts';
import { Refusal } from './refusal.ts';

/** Largest file that is read. */
const longestFile = 1024 * 1024;
/** Each step doubles the time of a login; 15 takes some two seconds of a core. */
const highestCost = 15;
/** The file is looked at again after this. */
const lookAgainMs = 1000;
/** Answers that are remembered: right passwords, and wrong ones apart, so that guessing cannot push those out. */
const remembered = 1000;
/** Passwords that wait to be checked; more are told to come again. */
const longestQueue = 64;

/** Between two checks others are served, for as long as the last one took, up to this. */
const longestPauseMs = 250;

const bcryptHash = /^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$/;

export interface HtpasswdOptions {
  /** Reading needs no user. Default false. */
  readonly anonymousRead?: boolean;
  /** Called when the file changed and cannot be used: the users known before stay. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Reads users and their bcrypt hashes: `NAME:HASH` in lines, `#` for comments. Throws ERR_INPUT_INVALID naming the line and the user
 * for other hashes, costs above 15 and doubles.
 */
export function parseHtpasswd(text: string, file: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const at = { file, line: index + 1 };
    const colon = entry.indexOf(':');
    if (colon < 1) throw refusedLine(at, 'it is not NAME:HASH', 'each line is written by htpasswd -B');
    const [name, hash] = [entry.slice(0, colon), entry.slice(colon + 1)];
    const cost = Number(bcryptHash.exec(hash)?.[1] ?? Number.NaN);
    const again = `type  htpasswd -B ${shellText(file)} ${shellText(name)}`;
    if (Number.isNaN(cost) || cost < 4)
      throw refusedLine(at, `the password of ${quoteText(name)} is ${kindOf(hash)}, only bcrypt is taken`, again);
    if (cost > highestCost)
      throw refusedLine(
        at,
        `the cost of ${quoteText(name)} is ${cost}, more than ${highestCost}`,
        `${again}, with -C 10`,
      );
    if (users.has(name)) throw refusedLine(at, `${quoteText(name)} stands in the file twice`, 'take one line out');
    users.set(name, hash);
  }
  if (users.size === 0) {
    const hint = `type  htpasswd -B -c ${shellText(file)} NAME`;
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot use "${file}": no user is in it`, { hint });
  }
  return users;
}

/** The file as access control; it is read again when it changes. Throws as parseHtpasswd(), and ERR_INPUT_INVALID when it cannot be read. */
export async function openHtpasswd(file: string, options: HtpasswdOptions = {}): Promise<AccessControl> {
  const stamp = await stampOf(file);
  return new HtpasswdAccess(file, { options, stamp, users: await readUsers(file) });
}

interface FirstRead {
  readonly options: HtpasswdOptions;
  readonly stamp: string;
  readonly users: ReadonlyMap<string, string>;
}

class HtpasswdAccess implements AccessControl {
  readonly #file: string;
  readonly #options: HtpasswdOptions;
  readonly #salt = randomBytes(32);
  #users: ReadonlyMap<string, string>;
  /** Compared with for users that are not there: as dear as the dearest of those that are. */
  #nobody: string;
  #stamp: string;
  #lookedAt = performance.now();
  readonly #right = new Set<string>();
  readonly #wrong = new Set<string>();
  readonly #pending = new Map<string, Promise<boolean>>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(file: string, { options, stamp, users }: FirstRead) {
    this.#file = file;
    this.#options = options;
    this.#stamp = stamp;
    this.#users = users;
    this.#nobody = hashOfNobody(users);
  }

  /** Throws a refusal with status 429 when too many passwords wait to be checked. */
  async allows(asked: Parameters<AccessControl['allows']>[0]): Promise<boolean> {
    const given = readBasic(asked.authorization);
    if (given === 'anonymous')
      // Clients that ask at `/v2/` whether to log in send no password to any other path unless they are told to there.
      return this.#options.anonymousRead === true && !asked.isWrite && asked.path !== '/v2/' && asked.path !== '/v2';
    if (given === undefined) return false;
    await this.#lookAgain();
    const key = createHmac('sha256', this.#salt).update(`${given.name}\0${given.password}`).digest('base64');
    if (this.#right.has(key)) return true;
    if (this.#wrong.has(key)) return false;
    return this.#pending.get(key) ?? this.#check(key, given);
  }

  /** One at a time and with pauses: hashing takes this thread, which serves everybody else too. */
  #check(key: string, { name, password }: Given): Promise<boolean> {
    if (this.#pending.size >= longestQueue) throw tooMany();
    const users = this.#users;
    let tookMs = 0;
    const checked = this.#turn.then(async () => {
      const startedAt = performance.now();
      const isRight = (await compare(password, users.get(name) ?? this.#nobody)) && users.has(name);
      tookMs = performance.now() - startedAt;
      if (users === this.#users) remember(isRight ? this.#right : this.#wrong, key);
      return isRight;
    });
    const pause = (): Promise<void> => sleep(Math.min(longestPauseMs, tookMs), undefined, { ref: false });
    this.#turn = checked.then(pause, pause);
    this.#pending.set(key, checked);
    return checked.finally(() => this.#pending.delete(key));
  }

  async #lookAgain(): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAt < lookAgainMs) return;
    this.#lookedAt = now;
    try {
      const stamp = await stampOf(this.#file);
      if (stamp === this.#stamp) return;
      this.#stamp = stamp;
      const users = await readUsers(this.#file);
      this.#users = users;
      this.#nobody = hashOfNobody(users);
      this.#right.clear();
      this.#wrong.clear();
    } catch (error) {
      this.#options.onWarning?.(`${messageOf(error)}; the users known before stay`);
    }
  }
}

interface Given {
  readonly name: string;
  readonly password: string;
}

/** RFC 7617. An empty name and password is what some clients send for "nobody". Undefined for what cannot be read. */
function readBasic(authorization: string | undefined): Given | 'anonymous' | undefined {
  if (authorization === undefined) return 'anonymous';
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization.trim())?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  if (text === ':') return 'anonymous';
  const colon = text.indexOf(':');
  return colon < 1 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function remember(keys: Set<string>, key: string): void {
  keys.add(key);
  forgetOldest(keys, remembered);
}

function hashOfNobody(users: ReadonlyMap<string, string>): string {
  const costs = [...users.values()].map((hash) => bcryptHash.exec(hash)?.[1] ?? '10').sort();
  const hash = hashSync(randomBytes(16).toString('hex'), 4);
  return `${hash.slice(0, 4)}${costs.at(-1) ?? '10'}${hash.slice(6)}`;
}

async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    if (size > longestFile) throw new AirgapError('ERR_INPUT_INVALID', `Cannot use "${file}": larger than 1 MiB`);
    return `${ino}-${size}-${mtimeMs}-${ctimeMs}`;
  } catch (error) {
    throw unreadable(error, file);
  }
}

function unreadable(error: unknown, file: string): AirgapError {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
    return new AirgapError('ERR_INPUT_INVALID', `Cannot read "${file}": no such file`, { cause: error });
  return toAirgapError(error, 'ERR_INPUT_INVALID', `Cannot read "${file}"`);
}

async function readUsers(file: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unreadable(error, file);
  });
  return parseHtpasswd(text, file);
}

/** What a hash is that is not bcrypt. Never the hash itself. */
function kindOf(hash: string): string {
  if (/^\$2/.test(hash)) return 'a bcrypt hash that is cut short or of an unknown kind';
  if (hash.startsWith('$apr1$') || hash.startsWith('$1$')) return 'hashed with MD5';
  if (hash.startsWith('{SHA}')) return 'hashed with SHA-1';
  if (/^\$[56]\$/.test(hash)) return 'hashed with SHA-2 crypt';
  if (/^[./A-Za-z0-9]{13}$/.test(hash)) return 'hashed with crypt, or none';
  return 'not hashed with bcrypt';
}

function refusedLine(at: { readonly file: string; readonly line: number }, state: string, hint: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot use "${at.file}": line ${at.line}: ${state}`, { hint });
}

function shellText(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : 'NAME';
}

function tooMany(): Refusal {
  const headers = { 'retry-after': '1' };
  return new Refusal({ status: 429, code: 'TOOMANYREQUESTS' }, 'too many passwords are being checked', { headers });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
