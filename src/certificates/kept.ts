/**
 * An own certificate authority and server certificate, kept in a directory so that a restart shows the same ones: `authority.pem` and
 * `server.pem` hold certificate and key together, so that they can never be of two makings, and `ca.crt` is to be given away.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { AirgapError } from '../errors.ts';
import { type CertifiedKey, makeAuthority, makeServerCertificate } from './certificate.ts';
import { dayOf } from './check.ts';
import { namesIn } from './names.ts';
import { createOwnFile, isOpenToOthers, makeOwnDirectory, readOwnFile, replaceOwnFile } from './own-files.ts';

const dayMs = 24 * 3_600_000;
/** A certificate with less than this left is replaced. */
const renewBeforeMs = 30 * dayMs;

export interface KeepOptions {
  /** Names and addresses the server is asked by, in the form of certificateName(). At least one. */
  readonly names: readonly string[];
  /** Default: now. */
  readonly now?: Date;
}

export interface KeptCertificates {
  /** PEM of the authority: what clients have to trust. */
  readonly authority: string;
  /** File with it. */
  readonly authorityFile: string;
  readonly server: CertifiedKey;
  readonly serverUntil: Date;
  /** What was made now rather than read. */
  readonly made: { readonly authority: boolean; readonly server: boolean };
  /** Sentences for who runs the server. */
  readonly warnings: readonly string[];
}

/**
 * Reads or makes them. The authority stays as long as it holds; the server's certificate is made anew when its names are others than
 * those asked for, when less than 30 days are left, when it begins later, or when another authority signed it. Throws ERR_INPUT_INVALID for files that
 * cannot be used, ERR_USAGE and ERR_NO_SPACE for a directory that cannot be written.
 */
export async function keepCertificates(directory: string, options: KeepOptions): Promise<KeptCertificates> {
  const { names, now = new Date() } = options;
  await makeOwnDirectory(directory);
  const authority = await keptAuthority(directory, now);
  const trusted = new X509Certificate(authority.pair.certificate);
  const server = await keptServer(directory, { authority: authority.pair, trusted, names, now });
  const authorityFile = join(directory, 'ca.crt');
  if ((await readOwnFile(authorityFile)) !== authority.pair.certificate)
    await replaceOwnFile(authorityFile, authority.pair.certificate);
  return {
    authority: authority.pair.certificate,
    authorityFile,
    server: server.pair,
    serverUntil: new Date(new X509Certificate(server.pair.certificate).validTo),
    made: { authority: authority.isNew, server: server.isNew },
    warnings: [...(await warningsFor(authorityPath(directory))), ...clockWarnings([authority.pair, server.pair], now)],
  };
}

interface Kept {
  readonly pair: CertifiedKey;
  readonly isNew: boolean;
}

async function keptAuthority(directory: string, now: Date): Promise<Kept> {
  const path = authorityPath(directory);
  const text = await readOwnFile(path);
  if (text === undefined) {
    const pair = makeAuthority({ now });
    if (await createOwnFile(path, fileText(pair))) return { pair, isNew: true };
    return keptAuthority(directory, now);
  }
  const pair = readPair(text);
  if (pair === undefined || !new X509Certificate(pair.certificate).ca) {
    const hint = 'move the file away and a new authority is made; nodes then need the new configuration';
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot use "${path}": it is no certificate authority with its key`, {
      hint,
    });
  }
  const { validTo } = new X509Certificate(pair.certificate);
  if (Date.parse(validTo) - renewBeforeMs > now.getTime()) return { pair, isNew: false };
  const hint =
    'move the file away and a new authority is made; give the nodes its configuration before this one runs out';
  throw new AirgapError('ERR_INPUT_INVALID', `Cannot use "${path}": the authority runs out on ${dayOf(validTo)}`, {
    hint,
  });
}

async function keptServer(
  directory: string,
  wanted: {
    readonly authority: CertifiedKey;
    readonly trusted: X509Certificate;
    readonly names: readonly string[];
    readonly now: Date;
  },
): Promise<Kept> {
  const { authority, trusted, now } = wanted;
  const names = [...new Set(wanted.names)].sort();
  const path = join(directory, 'server.pem');
  const pair = readPair((await readOwnFile(path)) ?? '');
  if (pair !== undefined && stillGood(new X509Certificate(pair.certificate), { trusted, names, now }))
    return { pair, isNew: false };
  const made = makeServerCertificate(authority, { names, now });
  await replaceOwnFile(path, fileText(made));
  return { pair: made, isNew: true };
}

function stillGood(
  certificate: X509Certificate,
  wanted: { readonly trusted: X509Certificate; readonly names: readonly string[]; readonly now: Date },
): boolean {
  const { trusted, names, now } = wanted;
  if (!certificate.checkIssued(trusted) || !certificate.verify(trusted.publicKey)) return false;
  if (namesIn(certificate.subjectAltName).join() !== names.join()) return false;
  // Made while the clock was ahead: nodes with the right time would refuse it. Where even the authority begins later, the clock is behind.
  if (Date.parse(certificate.validFrom) > now.getTime() && Date.parse(trusted.validFrom) <= now.getTime()) return false;
  const validTo = Date.parse(certificate.validTo);
  return validTo - renewBeforeMs > now.getTime() || validTo >= Date.parse(trusted.validTo);
}

/** Undefined for what is not a certificate and the key that belongs to it. */
function readPair(text: string): CertifiedKey | undefined {
  const certificate = /-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n/.exec(text)?.[0];
  const key = /-----BEGIN PRIVATE KEY-----\n[^-]+-----END PRIVATE KEY-----\n/.exec(text)?.[0];
  if (certificate === undefined || key === undefined) return undefined;
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)) ? { certificate, key } : undefined;
  } catch {
    return undefined;
  }
}

function fileText({ certificate, key }: CertifiedKey): string {
  return `${certificate}${key}`;
}

function authorityPath(directory: string): string {
  return join(directory, 'authority.pem');
}

async function warningsFor(path: string): Promise<string[]> {
  if (!(await isOpenToOthers(path))) return [];
  return [`others may read "${path}", which holds the key of the certificate authority: chmod 600 it`];
}

/** One that begins later was made under another clock. It is not made anew: which clock is wrong nobody can tell here, and nodes may have the right one. */
function clockWarnings(pairs: readonly CertifiedKey[], now: Date): string[] {
  const latest = Math.max(...pairs.map(({ certificate }) => Date.parse(new X509Certificate(certificate).validFrom)));
  if (latest <= now.getTime()) return [];
  const from = dayOf(new Date(latest).toISOString());
  return [
    `the certificate holds from ${from} on, and here it is ${dayOf(now.toISOString())}: check the clock of this machine`,
  ];
}
