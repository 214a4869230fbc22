/** TLS as the settings want it. */
import tls from 'node:tls';
import { AirgapError } from '../errors.ts';
import type { TlsSettings } from './client.ts';

/**
 * Options for every TLS connection: the platform's authorities and the given ones, the client certificate, and whether the other
 * side's certificate is checked. Throws ERR_USAGE when a certificate or key cannot be read.
 */
export function tlsOptions(settings: TlsSettings): tls.ConnectionOptions {
  const { ca, clientCertificate, clientKey, insecureSkipVerify } = settings;
  const checks = {
    rejectUnauthorized: insecureSkipVerify !== true,
    // The 250 ms Node gives each address is less than one round trip on slow links.
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: 1000,
  };
  if (ca === undefined && clientCertificate === undefined && clientKey === undefined) return checks;
  try {
    // One context for all connections: reading the authorities takes tens of milliseconds.
    const secureContext = tls.createSecureContext({
      ...(ca === undefined ? {} : { ca: [...platformAuthorities(), ca] }),
      ...(clientCertificate === undefined ? {} : { cert: clientCertificate }),
      ...(clientKey === undefined ? {} : { key: clientKey }),
    });
    return { ...checks, secureContext };
  } catch (error) {
    throw new AirgapError(
      'ERR_USAGE',
      `Cannot use the TLS settings: ${error instanceof Error ? error.message : error}`,
      {
        cause: error,
        hint: 'certificates and keys are PEM files; a client certificate needs its key',
      },
    );
  }
}

/** What Node trusts by default: newer versions can tell, with NODE_EXTRA_CA_CERTS and the like included. */
function platformAuthorities(): readonly string[] {
  const newer = tls as { readonly getCACertificates?: (type: 'default') => string[] };
  return newer.getCACertificates?.('default') ?? tls.rootCertificates;
}
