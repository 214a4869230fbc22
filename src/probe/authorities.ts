/** Which authority vouches for a certificate: one that the whole internet knows, or one that is trusted here alone. */
import { X509Certificate } from 'node:crypto';
import { type PeerCertificate, rootCertificates } from 'node:tls';
import { groupedBy } from '../egress/grouped.ts';
import type { ShownCertificate } from '../egress/verdict.ts';

/** Longest name that is kept of what a stranger wrote. */
const longestName = 120;
const mostNames = 20;

/** What is told of a certificate. */
export function shownCertificate(certificate: PeerCertificate): ShownCertificate {
  return {
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    names: namesOf(certificate.subjectaltname),
    validTo: dayOf(certificate.valid_to),
  };
}

function nameOf(name: PeerCertificate['subject'] | undefined): string {
  const part = (value: unknown): string | undefined => {
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return typeof first === 'string' && first !== '' ? first : undefined;
  };
  const common = part(name?.CN) ?? part(name?.OU);
  const organisation = part(name?.O);
  const parts = [common, organisation === common ? undefined : organisation].filter((text) => text !== undefined);
  return parts.length === 0 ? 'no name' : parts.join(', ').slice(0, longestName);
}

function namesOf(text: string | undefined): string[] {
  const parts = (text ?? '').split(', ').flatMap((part) => /^(?:DNS|IP Address):(.+)$/.exec(part)?.[1] ?? []);
  return parts.slice(0, mostNames).map((part) => part.slice(0, longestName));
}

function dayOf(text: string | undefined): string {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? 'unknown' : new Date(time).toISOString().slice(0, 10);
}

/**
 * Whether one of the public authorities that Node.js comes with (Mozilla's) stands in or above this chain, which was verified before. By
 * key rather than by certificate: chains are sent with cross-signed forms of a root.
 */
export function isPublic(chain: readonly X509Certificate[]): boolean {
  return chain.some((certificate) => isPublicRoot(certificate) || isSignedByPublicRoot(certificate));
}

function isPublicRoot(certificate: X509Certificate): boolean {
  return rootsNamed(certificate.subject).some((root) => root.publicKey.equals(certificate.publicKey));
}

function isSignedByPublicRoot(certificate: X509Certificate): boolean {
  return rootsNamed(certificate.issuer).some((root) => certificate.verify(root.publicKey));
}

function rootsNamed(subject: string): readonly X509Certificate[] {
  roots ??= publicRoots();
  return roots.get(subject) ?? [];
}

/** Reading them takes some milliseconds: done for the first certificate. */
let roots: ReadonlyMap<string, readonly X509Certificate[]> | undefined;

function publicRoots(): ReadonlyMap<string, readonly X509Certificate[]> {
  const all = rootCertificates.map((pem) => new X509Certificate(pem));
  return groupedBy(all, ({ subject }) => subject);
}

/** Longest chain that is looked at. */
const longestChain = 10;

/** From the server's own certificate upwards, as far as it was sent or is known. */
export function chainOf(certificate: PeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let at: Partial<PeerCertificate & { issuerCertificate: PeerCertificate }> | undefined = certificate;
  while (at?.raw !== undefined && chain.length < longestChain) {
    chain.push(new X509Certificate(at.raw));
    const above: PeerCertificate | undefined = at.issuerCertificate;
    // A root names itself.
    at = above === at ? undefined : above;
  }
  return chain;
}
