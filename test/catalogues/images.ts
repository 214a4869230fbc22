/** Catalogue images as Sidero Labs publish them, made small: files at the root of one layer, for one platform or several. */
import { gzipSync } from 'node:zlib';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference } from '../../src/oci/reference.ts';
import type { Target } from '../../src/store/store.ts';
import { Pile } from '../support/pile.ts';
import { type CraftedEntry, tarOf } from '../support/tars.ts';

export interface LayerBytes {
  readonly bytes: Uint8Array;
  /** Default: gzip. */
  readonly mediaType?: string;
}

/** Entries of a layer, packed with gzip. */
export function layerOf(entries: readonly CraftedEntry[]): LayerBytes {
  return { bytes: gzipSync(tarOf(entries)) };
}

export function textEntry(name: string, text: string): CraftedEntry {
  return { name, bytes: Buffer.from(text) };
}

/** Pushes an image of these layers, bottom first; for several platforms each has the same ones, an attestation stands first. */
export async function pushCatalogue(
  target: Target,
  reference: string,
  image: { readonly layers: readonly LayerBytes[]; readonly platforms?: readonly string[] },
): Promise<Descriptor> {
  const asked = parseReference(reference);
  const pile = new Pile(target.repository(asked));
  const layers: Descriptor[] = [];
  for (const { bytes, mediaType } of image.layers)
    layers.push(await pile.blob(mediaType ?? mediaTypes.ociLayerGzip, bytes));
  const mediaType = mediaTypes.ociManifest;
  const children: Descriptor[] = [];
  for (const architecture of image.platforms ?? ['amd64']) {
    const config = Buffer.from(JSON.stringify({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [] } }));
    const document = {
      schemaVersion: 2,
      mediaType,
      config: await pile.blob(mediaTypes.ociConfig, config),
      layers: layers.map(({ mediaType: type, digest, size }) => ({ mediaType: type, digest, size })),
    };
    const tag = image.platforms === undefined ? asked.tag : undefined;
    children.push({ ...(await pile.manifest(document, { mediaType, tag })), platform: { os: 'linux', architecture } });
  }
  const [only] = children;
  if (image.platforms === undefined && only !== undefined) return only;
  const statement = await pile.blob('application/vnd.in-toto+json', Buffer.from('{}'));
  const attestation = { schemaVersion: 2, mediaType, config: statement, layers: [statement] };
  const platform = { os: 'unknown', architecture: 'unknown' };
  const unknown = { ...(await pile.manifest(attestation, { mediaType })), platform };
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [unknown, ...children] };
  return pile.manifest(index, { mediaType: mediaTypes.ociIndex, tag: asked.tag });
}

/** A digest that follows from a name. */
export function digestFor(name: string): string {
  return digestOf(Buffer.from(name));
}

/** The `image-digests` of these extensions, as `iscsi-tools:v0.2.0`. */
export function imageDigests(extensions: readonly string[], digests: Readonly<Record<string, string>> = {}): string {
  return extensions.map((name) => `ghcr.io/siderolabs/${name}@${digests[name] ?? digestFor(name)}\n`).join('');
}

/** Pushes the extension catalogue of a release. */
export async function pushExtensionCatalogue(target: Target, version: string, text: string): Promise<Descriptor> {
  const layers = [layerOf([textEntry('image-digests', text), textEntry('descriptions.yaml', '{}\n')])];
  return pushCatalogue(target, `ghcr.io/siderolabs/extensions:${version}`, { layers, platforms: ['amd64', 'arm64'] });
}
