/** A writable registry of our own over each kind of store, and what its tests ask it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { type ServeOptions, serveStore } from '../../src/serve/open.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Target } from '../../src/store/store.ts';

export interface TestRegistry {
  readonly store: Target;
  readonly url: string;
  readonly port: number;
  /** Where the layout is; empty for memory. */
  readonly directory: string;
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Pushes a blob in one request and gives its digest. */
  blob(name: string, bytes: Uint8Array | string): Promise<Digest>;
  /** An image manifest that names what was pushed: its exact bytes and digest. */
  image(name: string, options?: ImageOptions): Promise<TestManifest>;
  put(name: string, reference: string, manifest: TestManifest): Promise<Response>;
  close(): Promise<void>;
}

export interface ImageOptions {
  readonly text?: string;
  readonly artifactType?: string;
  readonly configType?: string;
  readonly subject?: TestManifest | undefined;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface TestManifest {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Buffer;
}

export async function startRegistry(kind: 'memory' | 'layout', options: ServeOptions = {}): Promise<TestRegistry> {
  const directory = kind === 'memory' ? '' : await mkdtemp(join(tmpdir(), 'airgap-registry-'));
  const store = kind === 'memory' ? openMemory() : await openLayout(directory, { create: true });
  const server = await serveStore(store, { writable: true, graceMs: 100, ...options });
  const ask = (path: string, init: RequestInit = {}) => fetch(new URL(path, server.url), init);
  const blob = async (name: string, bytes: Uint8Array | string): Promise<Digest> => {
    const body = Buffer.from(bytes);
    const answer = await ask(`/v2/${name}/blobs/uploads/?digest=${digestOf(body)}`, { method: 'POST', body });
    if (answer.status !== 201) throw new Error(`a blob was answered ${answer.status}: ${await answer.text()}`);
    return digestOf(body);
  };
  return {
    store,
    url: server.url,
    port: server.port,
    directory,
    ask,
    blob,
    image: async (name, { text = 'layer', artifactType, configType, subject, annotations } = {}) => {
      const config = { mediaType: configType ?? mediaTypes.ociConfig, digest: await blob(name, '{}'), size: 2 };
      const layer = {
        mediaType: mediaTypes.ociLayerGzip,
        digest: await blob(name, text),
        size: Buffer.byteLength(text),
      };
      return manifestOf({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        artifactType,
        config,
        layers: [layer],
        subject: subject && descriptorOf(subject),
        annotations,
      });
    },
    put: (name, reference, manifest) =>
      ask(`/v2/${name}/manifests/${reference}`, {
        method: 'PUT',
        body: manifest.bytes as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': manifest.mediaType },
      }),
    close: async () => {
      await server.close();
      await store.close();
      if (directory !== '') await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Printed with blanks, so that a registry which writes JSON anew is found out. */
export function manifestOf(document: Readonly<Record<string, unknown>> & { readonly mediaType: string }): TestManifest {
  const bytes = Buffer.from(JSON.stringify(document, undefined, 4));
  return { mediaType: document.mediaType, digest: digestOf(bytes), bytes };
}

export function indexOf(children: readonly TestManifest[], more: Readonly<Record<string, unknown>> = {}): TestManifest {
  const manifests = children.map(descriptorOf);
  return manifestOf({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests, ...more });
}

export function descriptorOf({ mediaType, digest, bytes }: TestManifest): object {
  return { mediaType, digest, size: bytes.length };
}

/** The status and the code of the first error. */
export async function refusalOf(answer: Response): Promise<[number, string | undefined]> {
  const body = (await answer.json()) as { readonly errors: readonly { readonly code: string }[] };
  return [answer.status, body.errors[0]?.code];
}
