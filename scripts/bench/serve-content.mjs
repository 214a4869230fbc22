/** What is served: pushed to a docker-registry, and the very same files, by hard links, as a layout directory. */
import { createHash, randomFillSync } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blobPath } from './image-set.mjs';
import { startRegistry } from './registry.mjs';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const repository = 'bench/layers';

/** Made once under `folder`: one layer of 200 MB, 50 of 8 MB, all in the manifest `all`; 500 small manifests `m0` to `m499`. `scale` is for the layers. */
export async function servedContent(folder, { scale }) {
  const description = join(folder, 'content.json');
  if (!existsSync(description)) {
    const work = `${folder}.new`;
    rmSync(work, { recursive: true, force: true });
    const storage = join(work, 'storage');
    const registry = await startRegistry(work, { storage });
    try {
      const content = await pushAll(registry.host, scale);
      linkLayout(join(work, 'layout'), storage, content);
      writeFileSync(join(work, 'content.json'), JSON.stringify(content));
    } finally {
      await registry.stop();
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
  }
  const content = JSON.parse(readFileSync(description, 'utf8'));
  return { ...content, repository, layout: join(folder, 'layout'), storage: join(folder, 'storage') };
}

async function pushAll(host, scale) {
  const config = await pushBlob(host, Buffer.from('{"architecture":"amd64","os":"linux"}'));
  const large = await pushBlob(host, noise(200e6 * scale));
  const small = [];
  for (let index = 0; index < 50; index += 1) small.push(await pushBlob(host, noise(8e6 * scale)));
  const manifests = [await pushManifest(host, 'all', { config, layers: [large, ...small] })];
  for (let index = 0; index < 500; index += 1) {
    const annotations = { index: String(index) };
    manifests.push(await pushManifest(host, `m${index}`, { config, layers: small.slice(0, 5), annotations }));
  }
  return { config, large, small, manifests };
}

function noise(size) {
  return randomFillSync(Buffer.allocUnsafe(Math.round(size)));
}

function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function pushBlob(host, bytes) {
  const digest = digestOf(bytes);
  const opened = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const url = new URL(opened.headers.get('location') ?? '', `http://${host}`);
  url.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const put = await fetch(url, { method: 'PUT', body: bytes, headers });
  if (put.status !== 201) throw new Error(`Cannot push a blob: ${put.status} ${await put.text()}`);
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: bytes.length };
}

async function pushManifest(host, tag, { config, layers, annotations }) {
  const configDescriptor = { ...config, mediaType: 'application/vnd.oci.image.config.v1+json' };
  const manifest = { schemaVersion: 2, mediaType: manifestType, config: configDescriptor, layers, annotations };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const url = `http://${host}/v2/${repository}/manifests/${tag}`;
  const put = await fetch(url, { method: 'PUT', body: bytes, headers: { 'content-type': manifestType } });
  if (put.status !== 201) throw new Error(`Cannot push a manifest: ${put.status} ${await put.text()}`);
  return { mediaType: manifestType, digest: digestOf(bytes), size: bytes.length, tag };
}

function linkLayout(layout, storage, { config, large, small, manifests }) {
  const blobs = join(layout, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  for (const { digest } of [config, large, ...small, ...manifests]) {
    linkSync(blobPath(storage, digest), join(blobs, digest.slice('sha256:'.length)));
  }
  const entries = manifests.map(({ tag, ...descriptor }) => ({
    ...descriptor,
    annotations: { 'org.opencontainers.image.ref.name': `ghcr.io/${repository}:${tag}` },
  }));
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: entries }));
}
