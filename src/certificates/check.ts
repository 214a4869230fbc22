/** Certificates and keys of others, checked before a server uses them: what is wrong is said by file, not by OpenSSL. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { AirgapError } from '../errors.ts';

export interface CertificateFiles {
  /** PEM of the server's certificate, and of those between it and its authority after it. */
  readonly certificate: { readonly name: string; readonly text: string };
  /** PEM of its key, without a passphrase. */
  readonly key: { readonly name: string; readonly text: string };
}

/**
 * Checks that a server can show this certificate: both can be read, belong together and hold now. Gives the first certificate.
 * Throws ERR_INPUT_INVALID naming the file and what to do.
 */
export function checkCertificate({ certificate, key }: CertificateFiles, now: Date = new Date()): X509Certificate {
  const own = readCertificate(certificate);
  if (!own.checkPrivateKey(readKey(key))) {
    const hint =
      'the first certificate of the file must be the one the key was made for; those of authorities come after it';
    throw refused(`Cannot use "${certificate.name}" with "${key.name}": the key is not that of the certificate`, hint);
  }
  if (Date.parse(own.validTo) <= now.getTime())
    throw refused(`Cannot use "${certificate.name}": the certificate ran out on ${dayOf(own.validTo)}`, 'renew it');
  if (Date.parse(own.validFrom) > now.getTime()) {
    const hint = 'check the clock of this machine';
    throw refused(`Cannot use "${certificate.name}": the certificate holds from ${dayOf(own.validFrom)} on`, hint);
  }
  try {
    createSecureContext({ cert: certificate.text, key: key.text });
  } catch (cause) {
    throw refused(`Cannot use "${certificate.name}": ${messageOf(cause)}`, 'write the whole chain as PEM', cause);
  }
  return own;
}

/** `2026-09-01`. */
export function dayOf(validity: string): string {
  return new Date(validity).toISOString().slice(0, 10);
}

function readCertificate({ name, text }: CertificateFiles['certificate']): X509Certificate {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    const isKey = text.includes('PRIVATE KEY-----');
    throw refused(
      `Cannot use "${name}": ${isKey ? 'it is a key' : 'no certificate in PEM form is in it'}`,
      isKey
        ? 'give the certificate with --tls-cert and the key with --tls-key'
        : 'convert it with openssl x509 -inform DER',
    );
  }
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw refused(`Cannot use "${name}": the certificate in it cannot be read`, 'copy the file again', cause);
  }
}

function readKey({ name, text }: CertificateFiles['key']): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text))
    throw refused(
      `Cannot use "${name}": the key has a passphrase`,
      'write it without one: openssl pkey -in KEY -out PLAIN',
    );
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw refused(
      `Cannot use "${name}": no private key in PEM form is in it`,
      'give the key of the certificate',
      cause,
    );
  }
}

function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.split('\n', 1)[0]?.replace(/^error:[0-9A-F]+:/i, '') ?? '';
}

function refused(message: string, hint: string, cause?: unknown): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', message, { hint, ...(cause === undefined ? {} : { cause }) });
}
