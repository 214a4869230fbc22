/** The certificate a server shows: from files, or our own; and a fresher one when there is one. */
import { stat } from 'node:fs/promises';
import { checkCertificate, dayOf } from '../../certificates/check.ts';
import { keepCertificates } from '../../certificates/kept.ts';
import { readInputFile } from '../files.ts';
import { nearName } from '../next-text.ts';
import type { TlsSettings } from './serve-settings.ts';

const dayMs = 24 * 3_600_000;

export interface ShownCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface TlsSource {
  readonly first: ShownCertificate;
  /** PEM of our own authority and the file with it; undefined for certificates of others. */
  readonly authority: { readonly pem: string; readonly file: string; readonly isNew: boolean } | undefined;
  /** Last day of the certificate, as in `2026-09-01`. */
  readonly until: string;
  readonly warnings: readonly string[];
  /** How often renewed() is worth a call. */
  readonly everyMs: number;
  /** Another certificate than the last one given, where there is one by now. Throws ERR_INPUT_INVALID for one that cannot be used. */
  renewed(): Promise<ShownCertificate | undefined>;
}

/** Undefined where TLS was not asked for. Throws ERR_INPUT_INVALID and ERR_USAGE as checkCertificate() and keepCertificates(). */
export async function openTls(
  settings: TlsSettings,
  options: { readonly names: readonly string[]; readonly cwd: string },
): Promise<TlsSource | undefined> {
  if (settings.kind === 'none') return undefined;
  return settings.kind === 'files' ? fromFiles(settings, options.cwd) : selfSigned(settings.directory, options.names);
}

async function fromFiles(
  files: { readonly certFile: string; readonly keyFile: string },
  cwd: string,
): Promise<TlsSource> {
  const read = async () => {
    const [certificate, key] = await Promise.all(
      [files.certFile, files.keyFile].map(async (file) => {
        const name = nearName(cwd, file);
        return { name, text: Buffer.from(await readInputFile(file, name)).toString('utf8') };
      }),
    );
    if (certificate === undefined || key === undefined) throw new Error('two files were read');
    const { validTo } = checkCertificate({ certificate, key });
    return { shown: { cert: certificate.text, key: key.text }, validTo };
  };
  let stamp = await stampOf(files);
  const { shown, validTo } = await read();
  const left = Date.parse(validTo) - Date.now();
  const soon = `the certificate in "${nearName(cwd, files.certFile)}" runs out on ${dayOf(validTo)}`;
  return {
    first: shown,
    authority: undefined,
    until: dayOf(validTo),
    warnings: left < 14 * dayMs ? [soon] : [],
    everyMs: 10_000,
    async renewed() {
      const now = await stampOf(files);
      if (now === stamp) return undefined;
      // Two files are rarely replaced in one moment: a pair that does not fit is looked at again when it changes once more.
      stamp = now;
      return (await read()).shown;
    },
  };
}

async function selfSigned(directory: string, names: readonly string[]): Promise<TlsSource> {
  const kept = await keepCertificates(directory, { names });
  return {
    first: { cert: kept.server.certificate, key: kept.server.key },
    authority: { pem: kept.authority, file: kept.authorityFile, isNew: kept.made.authority },
    until: dayOf(kept.serverUntil.toISOString()),
    warnings: kept.warnings,
    everyMs: dayMs / 2,
    async renewed() {
      const { made, server } = await keepCertificates(directory, { names });
      return made.server ? { cert: server.certificate, key: server.key } : undefined;
    },
  };
}

async function stampOf({
  certFile,
  keyFile,
}: {
  readonly certFile: string;
  readonly keyFile: string;
}): Promise<string> {
  const stamps = [certFile, keyFile].map((file) =>
    stat(file).then(
      ({ ino, size, mtimeMs }) => `${ino}-${size}-${mtimeMs}`,
      () => 'absent',
    ),
  );
  return (await Promise.all(stamps)).join();
}
