/** Signatures over what a bundle says of itself: Ed25519 (RFC 8032), or ECDSA over P-256 with SHA-256 in DER, as `openssl` makes and checks them. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { AirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';

/**
 * Reads a private key (PKCS#8 or SEC1 PEM) and gives what signs with it. `shown` names its file in messages; nothing of the key is ever in one.
 * Throws ERR_INPUT_INVALID for other kinds of keys, encrypted ones, and what is no private key.
 */
export function signerFrom(privateKeyPem: string, shown: string): (bytes: Uint8Array) => Uint8Array {
  const refuse = (state: string, hint: string) => keyRefused('sign with', { shown, state, hint });
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(privateKeyPem)) {
    throw refuse('it is encrypted', 'decrypt it into a file only you can read: openssl pkey -in KEY -out PLAIN');
  }
  if (!/^-----BEGIN (?:EC )?PRIVATE KEY-----/m.test(privateKeyPem)) {
    throw refuse('it is no private key in PEM', 'make one with openssl genpkey -algorithm ed25519 -out KEY');
  }
  const key = readKey(() => createPrivateKey(privateKeyPem));
  if (key === undefined) throw refuse('it is damaged', 'make one with openssl genpkey -algorithm ed25519 -out KEY');
  const algorithm = algorithmFor(key, refuse);
  return (bytes) => sign(algorithm, bytes, { key, dsaEncoding: 'der' });
}

/**
 * Whether the signature is that of these bytes by the other half of the key. Throws ERR_INPUT_INVALID for what is no public key of a
 * kind we know; a private key is refused too, as it has no business where bundles are loaded.
 */
export function checkSignature(signed: {
  readonly publicKeyPem: string;
  /** Names the key's file in messages. */
  readonly shown: string;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}): boolean {
  const { key, algorithm } = readPublicKey(signed.publicKeyPem, signed.shown);
  return verify(algorithm, signed.bytes, { key, dsaEncoding: 'der' }, signed.signature);
}

function readPublicKey(pem: string, shown: string): { readonly key: KeyObject; readonly algorithm: string | null } {
  const refuse = (state: string, hint: string) => keyRefused('verify with', { shown, state, hint });
  const makeHint = 'make the public key from the private one: openssl pkey -in KEY -pubout -out PUBLIC';
  if (/^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/m.test(pem)) throw refuse('it is a private key', makeHint);
  if (!/^-----BEGIN PUBLIC KEY-----/m.test(pem)) throw refuse('it is no public key in PEM', makeHint);
  const key = readKey(() => createPublicKey(pem));
  if (key === undefined) throw refuse('it is damaged', makeHint);
  return { key, algorithm: algorithmFor(key, refuse) };
}

/** The cause is dropped: messages of the crypto library may quote what they were given. */
function readKey(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** What sign() and verify() want to be told: Ed25519 has its own hash. */
function algorithmFor(key: KeyObject, refuse: (state: string, hint: string) => AirgapError): string | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return null;
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'sha256';
  const kind = type === 'ec' ? `EC on ${details?.namedCurve}` : (type ?? 'unknown');
  throw refuse(`a key of kind ${kind} is not supported`, 'use Ed25519, or ECDSA on P-256');
}

function keyRefused(action: string, about: { shown: string; state: string; hint: string }): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot ${action} key ${quoteText(about.shown, 400)}: ${about.state}`, {
    hint: about.hint,
  });
}
