/** What belongs to an image without being one: signatures, attestations, SBOMs. Told from names and types; nothing is verified here. */
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';

export type AttachmentKind = 'signature' | 'attestation' | 'SBOM' | 'referrer';

/** Attachments of one kind that hang on an image in the same way. */
export interface Attachments {
  readonly kind: AttachmentKind;
  /** `tag`: cosign's `sha256-<hex>.sig` and its like. `referrer`: found by subject or by the fallback tag. `inside`: a child of the index. */
  readonly by: 'tag' | 'referrer' | 'inside';
  readonly count: number;
}

export interface AttachmentTag {
  readonly subject: Digest;
  /** Undefined for the referrers fallback tag. */
  readonly kind: AttachmentKind | undefined;
}

const suffixes: Readonly<Record<string, AttachmentKind>> = { sig: 'signature', att: 'attestation', sbom: 'SBOM' };

/** Reads `sha256-<hex>.sig` (cosign, "Registry Specification") and `sha256-<hex>` (distribution-spec v1.1, "Referrers Tag Schema"). Undefined for other tags. */
export function parseAttachmentTag(tag: Tag): AttachmentTag | undefined {
  const match = /^(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})(?:\.([a-z][a-z0-9-]*))?$/.exec(tag);
  if (match?.[1] === undefined) return undefined;
  const subject = match[1].replace('-', ':') as Digest;
  return { subject, kind: match[2] === undefined ? undefined : (suffixes[match[2]] ?? 'referrer') };
}

const signatureTypes =
  /^application\/vnd\.(?:dev\.sigstore\.bundle|dev\.cosign\.(?:simplesigning|artifact\.sig)|cncf\.notary\.signature)/;

/** What a referrer is, by its artifact type and, for a Sigstore bundle, by what it states (sigstore/cosign, bundle annotations). */
export function kindOfAttachment(referrer: {
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}): AttachmentKind {
  const type = referrer.artifactType ?? '';
  const predicate = referrer.annotations?.['dev.sigstore.bundle.predicateType'];
  if (predicate !== undefined && predicate !== 'https://sigstore.dev/cosign/sign/v1') return 'attestation';
  if (signatureTypes.test(type)) return 'signature';
  if (/spdx|cyclonedx|sbom|syft/i.test(type)) return 'SBOM';
  return /in-toto|attestation|slsa/i.test(type) ? 'attestation' : 'referrer';
}

/** Attachments counted by kind and way, signatures first. */
export class AttachmentCount {
  readonly #counts = new Map<string, Attachments>();
  readonly #seen = new Set<Digest>();

  /** `digest`: what is counted once however it is found. */
  add(found: Attachments, digest?: Digest): void {
    if (found.count === 0 || (digest !== undefined && this.#seen.has(digest))) return;
    if (digest !== undefined) this.#seen.add(digest);
    const key = `${order.indexOf(found.kind)} ${found.by}`;
    const before = this.#counts.get(key)?.count ?? 0;
    this.#counts.set(key, { ...found, count: before + found.count });
  }

  list(): Attachments[] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counted]) => counted);
  }
}

const order: readonly AttachmentKind[] = ['signature', 'attestation', 'SBOM', 'referrer'];
