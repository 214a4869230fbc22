/**
 * X.509 v3 certificates on ECDSA P-256 (RFC 5280, RFC 5480): an authority and the servers it vouches for. Node reads and checks
 * certificates but writes none.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { AirgapError } from '../errors.ts';
import {
  bitString,
  boolean,
  type Der,
  explicitly,
  implicitly,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from './der.ts';
import { addressOctets } from './names.ts';

const dayMs = 24 * 3_600_000;
/** Days a certificate holds, its first second included; those of servers as browsers and platforms take them at most. */
export const lifetimes = { authority: 3653, server: 825 } as const;
/** A certificate counts from a day before: behind an air gap clocks differ. */
const backdatedMs = dayMs;

const oids = {
  ecdsaWithSHA256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

/** Bits of KeyUsage (RFC 5280, 4.2.1.3). */
const keyUsages = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const;

/** A certificate and its key, as PEM (the key in PKCS #8). */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

export interface Making {
  /** When it is made. Default: now. */
  readonly now?: Date;
}

/** An authority that vouches for servers, for ten years. Its name tells it from others: `airgap registry authority 1a2b3c4d`. */
export function makeAuthority({ now = new Date() }: Making = {}): CertifiedKey {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = commonName(`airgap registry authority ${keyIdentifier(pair.publicKey).subarray(0, 4).toString('hex')}`);
  const notBefore = new Date(now.getTime() - backdatedMs);
  const certificate = certify({
    subject: { name, key: pair.publicKey },
    issuer: { name, key: pair.privateKey },
    validity: { notBefore, notAfter: endOf(notBefore, lifetimes.authority) },
    extensions: [
      extension(oids.basicConstraints, { isCritical: true }, sequence(boolean(true), integer(0))),
      extension(oids.keyUsage, { isCritical: true }, namedBits(keyUsages.keyCertSign, keyUsages.cRLSign)),
    ],
  });
  return { certificate, key: privatePem(pair.privateKey) };
}

/**
 * A server's certificate and key for these names (in the form of certificateName()), for 825 days or as long as the authority holds.
 * Throws ERR_INPUT_INVALID when the authority's key cannot be read or is not P-256.
 */
export function makeServerCertificate(
  authority: CertifiedKey,
  options: Making & { readonly names: readonly string[] },
): CertifiedKey {
  const { names, now = new Date() } = options;
  const issuer = new X509Certificate(authority.certificate);
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const notBefore = new Date(now.getTime() - backdatedMs);
  const notAfter = new Date(Math.min(endOf(notBefore, lifetimes.server).getTime(), Date.parse(issuer.validTo)));
  const certificate = certify({
    subject: { name: commonName('airgap serve'), key: pair.publicKey },
    issuer: { name: subjectOf(issuer), key: signingKey(authority.key) },
    validity: { notBefore, notAfter },
    extensions: [
      extension(oids.basicConstraints, { isCritical: true }, sequence()),
      extension(oids.keyUsage, { isCritical: true }, namedBits(keyUsages.digitalSignature)),
      extension(oids.extKeyUsage, { isCritical: false }, sequence(objectIdentifier(oids.serverAuth))),
      extension(oids.subjectAltName, { isCritical: false }, sequence(...names.map(generalName))),
    ],
  });
  return { certificate, key: privatePem(pair.privateKey) };
}

interface ToCertify {
  readonly subject: { readonly name: Der; readonly key: KeyObject };
  /** Its private key. */
  readonly issuer: { readonly name: Der; readonly key: KeyObject };
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  readonly extensions: readonly Der[];
}

/** Adds the identifiers of both keys, which are how chains are built. */
function certify({ subject, issuer, validity, extensions }: ToCertify): string {
  const algorithm = sequence(objectIdentifier(oids.ecdsaWithSHA256));
  const issuerKey = keyIdentifier(createPublicKey(issuer.key));
  const identifiers = [
    extension(oids.subjectKeyIdentifier, { isCritical: false }, octetString(keyIdentifier(subject.key))),
    extension(oids.authorityKeyIdentifier, { isCritical: false }, sequence(implicitly(0, issuerKey))),
  ];
  const version3 = 2;
  const content = sequence(
    explicitly(0, integer(version3)),
    integer(serialNumber()),
    algorithm,
    issuer.name,
    sequence(time(validity.notBefore), time(validity.notAfter)),
    subject.name,
    publicDer(subject.key),
    explicitly(3, sequence(...extensions, ...identifiers)),
  );
  return pem('CERTIFICATE', sequence(content, algorithm, bitString(sign('sha256', content, issuer.key))));
}

/** 16 octets of chance, the first not zero, so that it is positive and never the same (RFC 5280, 4.1.2.2). */
function serialNumber(): Uint8Array {
  const octets = randomBytes(16);
  octets[0] = 0x40 | ((octets[0] ?? 0) & 0x3f);
  return octets;
}

function extension(oid: string, { isCritical }: { readonly isCritical: boolean }, value: Der): Der {
  return sequence(objectIdentifier(oid), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

/** A DNS name `[2]` or an address `[7]` (RFC 5280, 4.2.1.6). */
function generalName(name: string): Der {
  const octets = addressOctets(name);
  return octets === undefined ? implicitly(2, Buffer.from(name, 'latin1')) : implicitly(7, octets);
}

function commonName(text: string): Der {
  return sequence(setOf(sequence(objectIdentifier(oids.commonName), utf8String(text))));
}

/** The authority's name as it wrote it; ours has one part. */
function subjectOf(certificate: X509Certificate): Der {
  const name = /^CN=(.+)$/.exec(certificate.subject)?.[1];
  if (name === undefined || certificate.subject.includes('\n'))
    throw new AirgapError('ERR_INPUT_INVALID', 'Cannot use the certificate authority: airgap did not make it');
  return commonName(name);
}

function signingKey(text: string): KeyObject {
  const key = createPrivateKey(text);
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  throw new AirgapError('ERR_INPUT_INVALID', 'Cannot use the key of the certificate authority: it is not ECDSA P-256');
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha256').update(publicDer(key)).digest().subarray(0, 20);
}

function publicDer(key: KeyObject): Der {
  return key.export({ type: 'spki', format: 'der' });
}

function privatePem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The last second of so many days. */
function endOf(notBefore: Date, days: number): Date {
  return new Date(notBefore.getTime() + days * dayMs - 1000);
}

function pem(kind: string, der: Der): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${kind}-----\n${lines.join('\n')}\n-----END ${kind}-----\n`;
}
