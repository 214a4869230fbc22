/**
 * What is known for a registry's host: given on the command line, or found in the files and helpers that docker, podman and
 * skopeo use. A credential is for exactly one `host[:port]`; only Docker Hub's names stand for each other.
 */
import { join } from 'node:path';
import { AirgapError } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import type { Credential, CredentialLookup } from '../../http/client.ts';
import { type CredentialFile, keyHost, readCredentialFile } from './credential-file.ts';
import { askHelper } from './credential-helper.ts';

export interface CredentialOptions {
  /** Where REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, HOME and PATH are read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asked first, by exact `host[:port]`. */
  readonly given?: ReadonlyMap<string, Credential> | undefined;
  /** False leaves files and helpers alone. Default true. */
  readonly files?: boolean | undefined;
  readonly events?: EventSink | undefined;
  /** Of a helper program. Default 20 000. */
  readonly helperTimeoutMs?: number | undefined;
}

/** docker writes Docker Hub's credentials under the first of these. */
const hubKeys = ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io', 'registry-1.docker.io'] as const;

/** The files that are looked at, first one with an answer wins: `$REGISTRY_AUTH_FILE` alone where it is set, else containers' and docker's own. */
export function credentialPaths(environment: CredentialOptions['environment']): string[] {
  if (isSet(environment.REGISTRY_AUTH_FILE)) return [environment.REGISTRY_AUTH_FILE];
  const paths: string[] = [];
  if (isSet(environment.XDG_RUNTIME_DIR)) paths.push(join(environment.XDG_RUNTIME_DIR, 'containers', 'auth.json'));
  if (isSet(environment.DOCKER_CONFIG)) paths.push(join(environment.DOCKER_CONFIG, 'config.json'));
  else if (isSet(environment.HOME)) paths.push(join(environment.HOME, '.docker', 'config.json'));
  return paths;
}

/**
 * A lookup over all of this. Files are read at the first question and helpers asked once per host.
 * It throws ERR_INPUT_INVALID for a malformed file, for a REGISTRY_AUTH_FILE that is not there, and for a helper that fails.
 */
export function credentialLookup(options: CredentialOptions): CredentialLookup {
  const known = new Map<string, Promise<Credential | undefined>>();
  let files: Promise<readonly CredentialFile[]> | undefined;
  return (host) => {
    const key = host.toLowerCase();
    const given = givenFor(options.given, key);
    if (given !== undefined || options.files === false) return Promise.resolve(given);
    const before = known.get(key);
    if (before !== undefined) return before;
    files ??= readFiles(options.environment);
    const answer = files.then((read) => find(read, { host: key, options }));
    known.set(key, answer);
    return answer;
  };
}

async function readFiles(environment: CredentialOptions['environment']): Promise<readonly CredentialFile[]> {
  const files: CredentialFile[] = [];
  for (const path of credentialPaths(environment)) {
    const file = await readCredentialFile(path);
    if (file !== undefined) files.push(file);
    else if (path === environment.REGISTRY_AUTH_FILE) {
      throw new AirgapError(
        'ERR_INPUT_INVALID',
        `Cannot read credentials file ${JSON.stringify(path)}: there is none`,
        {
          hint: 'REGISTRY_AUTH_FILE names it; log in so that it is made, or unset the variable',
        },
      );
    }
  }
  return files;
}

interface Question {
  readonly host: string;
  readonly options: CredentialOptions;
}

async function find(files: readonly CredentialFile[], question: Question): Promise<Credential | undefined> {
  for (const file of files) {
    const credential = await findIn(file, question);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

/** A helper for this very host decides alone; then the file's own entries; then the store for all hosts. */
async function findIn(file: CredentialFile, question: Question): Promise<Credential | undefined> {
  const key = matchingKey(file.helpers.keys(), question.host);
  const helper = key === undefined ? undefined : file.helpers.get(key);
  if (key !== undefined && helper !== undefined) {
    const answer = await askHelper({ helper, server: key, ...helperOptions(question.options) });
    if (!('missing' in answer)) return answer.credential;
    throw new AirgapError(
      'ERR_INPUT_INVALID',
      `Cannot read credentials for "${question.host}": there is no program docker-credential-${helper}`,
      {
        host: question.host,
        hint: `install it, or take the entry out of credHelpers in ${file.path}`,
      },
    );
  }
  const entry = matchingKey(file.auths.keys(), question.host, (candidate) => file.auths.get(candidate) !== undefined);
  if (entry !== undefined) return file.auths.get(entry);
  return file.store === undefined ? undefined : askStore(file, { ...question, store: file.store });
}

async function askStore(
  file: CredentialFile,
  question: Question & { readonly store: string },
): Promise<Credential | undefined> {
  const servers = isHub(question.host) ? hubKeys.slice(0, 1) : [question.host];
  const written = matchingKey(file.auths.keys(), question.host);
  for (const server of new Set(written === undefined ? servers : [written, ...servers])) {
    const answer = await askHelper({ helper: question.store, server, ...helperOptions(question.options) });
    if ('missing' in answer) {
      const message = `credsStore in ${file.path} names docker-credential-${question.store}, which is not installed: going on without it`;
      question.options.events?.({ type: 'notice', message });
      return undefined;
    }
    if (answer.credential !== undefined) return answer.credential;
  }
  return undefined;
}

function helperOptions(options: CredentialOptions) {
  return { environment: options.environment, timeoutMs: options.helperTimeoutMs };
}

/** The key for a host: written as the host itself before one written as a URL. */
function matchingKey(
  keys: Iterable<string>,
  host: string,
  holds: (key: string) => boolean = () => true,
): string | undefined {
  const names: readonly string[] = isHub(host) ? hubKeys.map((key) => keyHost(key) ?? key) : [host];
  const matching = [...keys].filter((key) => names.includes(keyHost(key) ?? '') && holds(key));
  return matching.find((key) => key.toLowerCase() === host) ?? matching[0];
}

function givenFor(given: CredentialOptions['given'], host: string): Credential | undefined {
  const own = given?.get(host);
  if (own !== undefined || !isHub(host)) return own;
  return hubKeys.map((key) => given?.get(key)).find((credential) => credential !== undefined);
}

function isHub(host: string): boolean {
  return hubKeys.some((key) => key === host);
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
