/**
 * What a node's registry finds in an image cache: the path logic of siderolabs/talos v1.13.9,
 * internal/app/machined/pkg/system/services/registry (registry.go, params.go, store.go), written anew from its rules.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NodeAnswer {
  readonly status: number;
  readonly digest?: string;
  readonly type?: string;
  readonly bytes?: Buffer;
}

export interface NodeRequest {
  /** The `ns` a client sends; undefined: none. */
  readonly ns?: string | undefined;
  readonly name: string;
  readonly kind: 'manifests' | 'blobs';
  readonly reference: string;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function folderOf(registry: string, name: string): string {
  const colon = registry.lastIndexOf(':');
  return colon > 0
    ? `${registry.slice(0, colon)}_${registry.slice(colon + 1)}_/${name}`
    : `${registry}/${registry === 'docker.io' && !name.includes('/') ? 'library/' : ''}${name}`;
}

function findRegistry(root: string, name: string): string | undefined {
  for (const entry of readdirSync(join(root, 'manifests')).sort()) {
    const [host, port, rest] = entry.split(/_/);
    const registry = rest === undefined ? entry : `${host}:${port}${rest}`;
    if (existsSync(join(root, 'manifests', folderOf(registry, name), 'reference'))) return registry;
  }
  return undefined;
}

export function askNode(root: string, request: NodeRequest): NodeAnswer {
  const { name, kind, reference } = request;
  const registry = request.ns ?? findRegistry(root, name);
  if (registry === undefined) return { status: 400 };
  const folder = join(root, 'manifests', folderOf(registry, name));
  let digest = reference;
  if (!reference.startsWith('sha256:')) {
    const tagged = join(folder, 'reference', reference);
    if (!existsSync(tagged)) return { status: 404 };
    digest = `sha256:${sha256(readFileSync(tagged))}`;
    const same = join(folder, 'digest', digest.replace(':', '-'));
    if (!existsSync(same) || `sha256:${sha256(readFileSync(same))}` !== digest) return { status: 500 };
  }
  const file = join(kind === 'blobs' ? join(root, 'blob') : join(folder, 'digest'), digest.replace(':', '-'));
  if (!existsSync(file)) return { status: 404 };
  const bytes = readFileSync(file);
  if (kind === 'blobs') return { status: 200, digest, bytes };
  const document = JSON.parse(bytes.toString()) as { mediaType?: string; manifests?: unknown; layers?: unknown };
  const inferred = document.manifests === undefined ? 'manifest' : 'index';
  return { status: 200, digest, bytes, type: document.mediaType ?? `application/vnd.oci.image.${inferred}.v1+json` };
}
