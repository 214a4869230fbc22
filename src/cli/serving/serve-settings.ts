/** What the command line says of a server, checked together. Reads the catalogue file, nothing else. */
import { resolve } from 'node:path';
import { requireCertificateName } from '../../certificates/names.ts';
import type { TalosCatalogue } from '../../talos/releases.ts';
import { parseTalosVersion, type TalosVersion } from '../../talos/version.ts';
import type { Context } from '../context.ts';
import { type Flags, listFlag, switchFlag, textFlag } from '../flags.ts';
import { knownReleases } from '../releases/catalogue-source.ts';
import { nonEmpty } from '../settings-parts.ts';
import { readEndpoint, readListen, usageError } from '../values.ts';

/** What is served unless told otherwise, and where. */
export const serveDefaults = {
  place: 'airgap-mirror',
  listen: '127.0.0.1:6000',
  patch: 'airgap-serve-talos.yaml',
  tlsDirectory: 'airgap-tls',
} as const;

export type TlsSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'files'; readonly certFile: string; readonly keyFile: string }
  | { readonly kind: 'self-signed'; readonly directory: string; readonly names: readonly string[] };

export interface ServeSettings {
  /** As typed: `oci:DIR`, `bundle:FILE` or a path. */
  readonly place: string;
  readonly cwd: string;
  /** A host that is undefined means every address. */
  readonly listen: { readonly host: string | undefined; readonly port: number };
  /** What nodes see, where that is not the address it listens on. */
  readonly endpoint: string | undefined;
  readonly writable: boolean;
  readonly verifyKeyFile: string | undefined;
  readonly tls: TlsSettings;
  readonly htpasswdFile: string | undefined;
  readonly anonymousRead: boolean;
  /** Undefined with --no-patch. */
  readonly patchFile: string | undefined;
  readonly talos: TalosVersion | undefined;
  /** For the newest release that is known. */
  readonly catalogue: TalosCatalogue;
  /** Undefined: no access log. */
  readonly log: 'text' | 'json' | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Throws ERR_USAGE naming the options. */
export function readServeSettings(
  inputs: readonly string[],
  flags: Flags,
  context: Pick<Context, 'cwd' | 'env'>,
): ServeSettings {
  const { cwd, env } = context;
  const file = (name: string): string | undefined => {
    const value = textFlag(flags, name);
    return value === undefined ? undefined : resolve(cwd, value);
  };
  const [json, quiet] = [switchFlag(flags, 'json'), switchFlag(flags, 'quiet')];
  if (json && quiet) throw usageError('Cannot use --json with --quiet: choose one');
  const endpoint = textFlag(flags, 'endpoint') ?? nonEmpty(env.AIRGAP_ENDPOINT);
  const talos = textFlag(flags, 'talos');
  const anonymousRead = switchFlag(flags, 'anonymousRead');
  const htpasswdFile = file('htpasswd');
  if (anonymousRead && htpasswdFile === undefined)
    throw usageError('Cannot use --anonymous-read without --htpasswd', 'without users everybody may read anyway');
  return {
    place: inputs[0] ?? serveDefaults.place,
    cwd,
    listen: readListen('--listen', textFlag(flags, 'listen') ?? serveDefaults.listen),
    endpoint: endpoint === undefined ? undefined : readEndpoint('--endpoint', endpoint),
    writable: switchFlag(flags, 'writable'),
    verifyKeyFile: file('verifyKey'),
    tls: tlsSettings(flags, cwd),
    htpasswdFile,
    anonymousRead,
    patchFile: flags.patch === false ? undefined : (file('patch') ?? resolve(cwd, serveDefaults.patch)),
    talos: talos === undefined ? undefined : parseTalosVersion(talos),
    catalogue: knownReleases(flags, context),
    log: logFormat(flags, json),
    json,
    quiet,
  };
}

function tlsSettings(flags: Flags, cwd: string): TlsSettings {
  const [cert, key, directory] = [textFlag(flags, 'tlsCert'), textFlag(flags, 'tlsKey'), textFlag(flags, 'tlsDir')];
  const names = listFlag(flags, 'tlsName');
  const selfSigned = switchFlag(flags, 'selfSigned');
  if ((cert === undefined) !== (key === undefined))
    throw usageError('Cannot use a certificate without its key: give --tls-cert and --tls-key together');
  if (!selfSigned && (directory !== undefined || names.length > 0)) {
    const option = directory === undefined ? '--tls-name' : '--tls-dir';
    throw usageError(`Cannot use ${option} without --self-signed`, 'it is about the certificate that airgap makes');
  }
  if (cert !== undefined && key !== undefined) {
    if (selfSigned) throw usageError('Cannot use --self-signed with --tls-cert: choose one');
    return { kind: 'files', certFile: resolve(cwd, cert), keyFile: resolve(cwd, key) };
  }
  if (!selfSigned) return { kind: 'none' };
  return {
    kind: 'self-signed',
    directory: resolve(cwd, directory ?? serveDefaults.tlsDirectory),
    names: names.map((name) => requireCertificateName('--tls-name', name)),
  };
}

/** --log-format alone asks for a log too. With --json the log is JSON unless told otherwise. */
function logFormat(flags: Flags, json: boolean): ServeSettings['log'] {
  const format = textFlag(flags, 'logFormat');
  if (format !== undefined && format !== 'text' && format !== 'json')
    throw usageError(`Cannot read --log-format ${JSON.stringify(format)}: neither text nor json`);
  if (format === undefined && !switchFlag(flags, 'log')) return undefined;
  return format ?? (json ? 'json' : 'text');
}
