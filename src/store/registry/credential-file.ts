/** Credentials files: docker's `config.json` and containers' `auth.json` (containers-auth.json(5)). Content is never part of a message. */
import { readFile } from 'node:fs/promises';
import { AirgapError } from '../../errors.ts';
import type { Credential } from '../../http/client.ts';

/** What one file says. Keys are as written. */
export interface CredentialFile {
  readonly path: string;
  /** Undefined for an entry that holds no credential: docker writes those for what is in the store. */
  readonly auths: ReadonlyMap<string, Credential | undefined>;
  readonly helpers: ReadonlyMap<string, string>;
  readonly store: string | undefined;
}

const sizeLimit = 4 * 1024 * 1024;

/** Undefined when there is no such file. Throws ERR_INPUT_INVALID naming the file when it cannot be read as one. */
export async function readCredentialFile(path: string): Promise<CredentialFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'no code';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw invalid(path, `it cannot be read (${code})`);
  }
  return parseCredentialFile(path, text);
}

/** Throws ERR_INPUT_INVALID. An empty file is one without entries. */
export function parseCredentialFile(path: string, text: string): CredentialFile {
  if (text.length > sizeLimit) throw invalid(path, 'it is larger than 4 MiB');
  const document = text.trim() === '' ? {} : asObject(parseJson(path, text));
  if (document === undefined) throw invalid(path, 'it is not a JSON object');
  const auths = new Map<string, Credential | undefined>();
  for (const [key, entry] of Object.entries(objectAt(path, document, 'auths'))) {
    const fields = asObject(entry);
    if (fields === undefined) throw invalid(path, `the entry for ${JSON.stringify(hostOf(key))} is not an object`);
    auths.set(key, credentialOf(path, key, fields));
  }
  const helpers = new Map<string, string>();
  for (const [key, helper] of Object.entries(objectAt(path, document, 'credHelpers'))) {
    if (typeof helper !== 'string') throw invalid(path, 'a value of credHelpers is not text');
    if (helper !== '') helpers.set(key, helper);
  }
  const store = document.credsStore ?? undefined;
  if (store !== undefined && typeof store !== 'string') throw invalid(path, 'credsStore is not text');
  return { path, auths, helpers, store: store === '' ? undefined : store };
}

/**
 * The host a key stands for: the key itself, or for a URL its host when the path is empty or that of an API version (docker
 * writes `https://index.docker.io/v1/`). A key for a path of a host stands for no host and gives undefined.
 */
export function keyHost(key: string): string | undefined {
  const parts = /^(https?:\/\/)?([^/@?#]+)(\/.*)?$/i.exec(key);
  const host = parts?.[2]?.toLowerCase();
  if (host === undefined) return undefined;
  return /^\/?(?:v[12]\/?)?$/.test(parts?.[3] ?? '') ? host : undefined;
}

function credentialOf(path: string, key: string, fields: Readonly<Record<string, unknown>>): Credential | undefined {
  const token = textAt(fields.identitytoken);
  if (token !== undefined) return { identityToken: token };
  const auth = textAt(fields.auth);
  if (auth !== undefined) return decodeAuth(path, { key, auth });
  const username = textAt(fields.username);
  const password = textAt(fields.password);
  return username === undefined || password === undefined ? undefined : { username, password };
}

function decodeAuth(path: string, entry: { readonly key: string; readonly auth: string }): Credential {
  const compact = entry.auth.replaceAll(/\s/g, '');
  // docker pads what it encodes with NUL bytes; they belong to neither part.
  const text = /^[A-Za-z0-9+/_-]*={0,2}$/.test(compact)
    ? Buffer.from(compact, 'base64').toString('utf8').replace(/\0+$/, '')
    : '';
  const colon = text.indexOf(':');
  if (colon < 1) {
    throw invalid(path, `"auth" of the entry for ${JSON.stringify(hostOf(entry.key))} is not base64 of user:password`);
  }
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function hostOf(key: string): string {
  return (keyHost(key) ?? key.replace(/^[^@]*@/, '')).slice(0, 160);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(path, 'it is not JSON');
  }
}

function objectAt(path: string, document: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const value = document[name];
  if (value === undefined || value === null) return {};
  const object = asObject(value);
  if (object === undefined) throw invalid(path, `${name} is not an object`);
  return object;
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function textAt(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function invalid(path: string, state: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read credentials file ${JSON.stringify(path)}: ${state}`, {
    hint: 'log in again with docker login or skopeo login, or name another file in REGISTRY_AUTH_FILE',
  });
}
