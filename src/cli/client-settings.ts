/** What the HTTP client of one end is told: certificates, proxies, credentials, limits. */
import { readFile } from 'node:fs/promises';
import type { Credential, HttpClientSettings, TlsSettings } from '../http/client.ts';
import { credentialLookup } from '../store/registry/credentials.ts';
import type { Session } from './session.ts';
import type { EndSettings } from './settings-parts.ts';
import { usageError } from './values.ts';

export interface ClientWanted {
  readonly end: 'source' | 'target';
  readonly given: ReadonlyMap<string, Credential>;
}

/** Reads the PEM files. Throws ERR_USAGE for one that cannot be read. */
export async function clientSettings(session: Session, { end, given }: ClientWanted): Promise<HttpClientSettings> {
  const { settings, reporter, signal } = session;
  const own = settings[end];
  const events = reporter.event;
  if (settings.insecureSkipVerify)
    events({ type: 'notice', message: '--insecure-skip-verify: certificates are not verified' });
  return {
    end,
    tls: await tlsSettings(session, own),
    proxy: settings.proxy,
    credentials: credentialLookup({ environment: settings.environment, given, events }),
    concurrency: own.concurrency,
    retries: settings.retries,
    idleTimeoutMs: settings.idleTimeoutMs,
    credentialsOverPlainHttp: settings.plainHttp,
    signal,
    events,
  };
}

/** For connections to either end: the authorities of both. Throws ERR_USAGE for a file that cannot be read. */
export async function checkTls(session: Session): Promise<TlsSettings> {
  const { source, target } = session.settings;
  return await tlsSettings(session, { ...source, caFiles: [...new Set([...source.caFiles, ...target.caFiles])] });
}

async function tlsSettings({ settings }: Session, end: EndSettings): Promise<TlsSettings> {
  const authorities = await Promise.all(end.caFiles.map((file) => readPem(file)));
  return {
    ca: authorities.length === 0 ? undefined : authorities.join('\n'),
    clientCertificate: settings.clientCertFile === undefined ? undefined : await readPem(settings.clientCertFile),
    clientKey: settings.clientKeyFile === undefined ? undefined : await readPem(settings.clientKeyFile),
    insecureSkipVerify: settings.insecureSkipVerify,
  };
}

async function readPem(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw usageError(`Cannot read "${file}": ${error.code === 'ENOENT' ? 'file not found' : error.message}`);
  });
  if (!text.includes('-----BEGIN '))
    throw usageError(
      `Cannot use "${file}": it is no PEM file`,
      'it begins with -----BEGIN CERTIFICATE----- or the like',
    );
  return text;
}
