/** What stored manifest bytes say about themselves: enough to serve them by digest and to list referrers. Lenient on purpose: strict reading is `oci/manifest.ts`. */
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { maxManifestBytes } from '../oci/manifest.ts';
import { isManifestType, mediaTypes } from '../oci/media-type.ts';

/** Largest manifest that is taken, in bytes (distribution-spec v1.1, "Pushing Manifests" asks registries for at least this). */
export const manifestLimit = maxManifestBytes;

/** A part of a manifest: what its descriptor says and what it is there for. */
export interface ManifestPart {
  readonly role: 'manifest' | 'blob' | 'foreign';
  readonly digest: Digest;
  /** Bytes, as the manifest claims. */
  readonly size: number;
}

export interface ManifestFacts {
  readonly mediaType: string;
  /** What it must be found with: children of an index, config and layers of an image. */
  readonly parts: readonly ManifestPart[];
  readonly subject?: Digest;
  /** Its artifact type as the referrers API shows it: its own, else its config's media type (distribution-spec v1.1, "Listing Referrers"). */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Undefined when the bytes are no manifest: not JSON, of another media type, or shaped like none. A missing media type is inferred from the shape (image-spec v1.1 lets it be absent). */
export function peekManifest(bytes: Uint8Array): ManifestFacts | undefined {
  const document = parseObject(bytes);
  if (document === undefined) return undefined;
  const mediaType = typeof document.mediaType === 'string' ? document.mediaType : inferType(document);
  if (mediaType === undefined || !isManifestType(mediaType)) return undefined;
  const config = asObject(document.config);
  const artifactType = text(document.artifactType) ?? text(config?.mediaType);
  const subject = text(asObject(document.subject)?.digest);
  const annotations = stringsOf(document.annotations);
  return {
    mediaType,
    parts: partsOf(document),
    ...(subject !== undefined && isDigest(subject) ? { subject } : {}),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** The descriptor a referrer is listed with. */
export function referrerDescriptor(digest: Digest, facts: ManifestFacts & { readonly size: number }): Descriptor {
  return {
    mediaType: facts.mediaType,
    digest,
    size: facts.size,
    ...(facts.artifactType === undefined ? {} : { artifactType: facts.artifactType }),
    ...(facts.annotations === undefined ? {} : { annotations: facts.annotations }),
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

function partsOf(document: JsonObject): ManifestPart[] {
  const parts: ManifestPart[] = [];
  for (const child of asArray(document.manifests)) addPart(parts, asObject(child), 'manifest');
  addPart(parts, asObject(document.config), 'blob');
  for (const layer of asArray(document.layers)) {
    const object = asObject(layer);
    addPart(parts, object, asArray(object?.urls).length > 0 ? 'foreign' : 'blob');
  }
  return parts;
}

function addPart(parts: ManifestPart[], descriptor: JsonObject | undefined, role: ManifestPart['role']): void {
  const digest = text(descriptor?.digest);
  const size = descriptor?.size;
  if (digest === undefined || !isDigest(digest) || !Number.isSafeInteger(size)) return;
  parts.push({ role, digest, size: Number(size) });
}

function inferType(document: JsonObject): string | undefined {
  if (Array.isArray(document.manifests)) return mediaTypes.ociIndex;
  if (asObject(document.config) !== undefined && Array.isArray(document.layers)) return mediaTypes.ociManifest;
  return undefined;
}

function parseObject(bytes: Uint8Array): JsonObject | undefined {
  if (bytes.length > manifestLimit) return undefined;
  try {
    return asObject(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function stringsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(asObject(value) ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
