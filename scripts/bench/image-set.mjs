/**
 * Writes a set of images straight into the storage folder of a docker-registry (distribution 2.8, filesystem driver), once;
 * later runs find it under `.cache/bench/`.
 */
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { seededTar } from '../seeded-layer.mjs';
import { shapes } from './shapes.mjs';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

/** The set's folder and contents, made when it is not there yet. */
export async function imageSet(name, { scale, cacheFolder }) {
  const folder = join(cacheFolder, `${name}-${scale}`);
  const description = join(folder, 'set.json');
  if (!existsSync(description)) {
    const work = `${folder}.new`;
    rmSync(work, { recursive: true, force: true });
    const images = await writeImages(shapes[name](scale), join(work, 'storage'));
    writeFileSync(join(work, 'set.json'), JSON.stringify({ name, scale, images }));
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
  }
  const { images } = JSON.parse(readFileSync(description, 'utf8'));
  return { name, storage: join(folder, 'storage'), images, ...figures(images) };
}

/** Counts for the heading of a table. */
function figures(images) {
  const blobs = new Map(images.flatMap((image) => image.blobs.map(({ digest, size }) => [digest, size])));
  const manifests = new Set(images.flatMap((image) => image.manifests.map(({ digest }) => digest)));
  const sum = (sizes) => [...sizes].reduce((total, size) => total + size, 0);
  return {
    blobCount: blobs.size,
    manifestCount: manifests.size,
    uniqueBytes: sum(blobs.values()),
    withoutReuse: sum(images.flatMap((image) => image.blobs.map(({ size }) => size))),
    blobs: [...blobs].map(([digest, size]) => ({
      digest,
      size,
      repository: images.find((image) => image.blobs.some((blob) => blob.digest === digest)).path,
    })),
  };
}

async function writeImages(descriptions, storage) {
  const layers = new Map();
  const images = [];
  for (const { repository, tag, index, platforms } of descriptions) {
    const path = repository.slice(repository.indexOf('/') + 1);
    const image = { reference: `${repository}:${tag}`, path, tag, blobs: [], manifests: [] };
    for (const { arch, layers: wanted } of platforms) {
      for (const { key, size } of wanted) if (!layers.has(key)) layers.set(key, await writeLayer(storage, key, size));
      writeImageManifest(storage, image, { arch, layers: wanted.map(({ key }) => layers.get(key)) });
    }
    if (index) writeIndex(storage, image);
    link(storage, path, `_manifests/tags/${tag}/current`, image.manifests.at(-1).digest);
    link(
      storage,
      path,
      `_manifests/tags/${tag}/index/sha256/${hex(image.manifests.at(-1).digest)}`,
      image.manifests.at(-1).digest,
    );
    image.blobs = [...new Map(image.blobs.map((blob) => [blob.digest, blob])).values()];
    images.push(image);
  }
  return images;
}

function writeImageManifest(storage, image, { arch, layers }) {
  const config = writeBlob(storage, {
    architecture: arch,
    os: 'linux',
    config: {
      Labels: {
        image: image.reference,
        filler: createHash('sha512')
          .update(image.reference + arch)
          .digest('hex')
          .repeat(8),
      },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const blobs = layers.map(({ digest, size }) => ({
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest,
    size,
  }));
  const manifest = writeBlob(storage, {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: blobs,
  });
  for (const { digest } of [config, ...blobs]) link(storage, image.path, `_layers/sha256/${hex(digest)}`, digest);
  link(storage, image.path, `_manifests/revisions/sha256/${hex(manifest.digest)}`, manifest.digest);
  image.blobs.push(config, ...blobs.map(({ digest, size }) => ({ digest, size })));
  image.manifests.push({ ...manifest, arch });
}

function writeIndex(storage, image) {
  const manifests = image.manifests.map(({ digest, size, arch }) => ({
    mediaType: manifestType,
    digest,
    size,
    platform: { os: 'linux', architecture: arch },
  }));
  const index = writeBlob(storage, { schemaVersion: 2, mediaType: indexType, manifests });
  link(storage, image.path, `_manifests/revisions/sha256/${hex(index.digest)}`, index.digest);
  image.manifests.push(index);
}

const hex = (digest) => digest.slice('sha256:'.length);

export function blobPath(storage, digest) {
  return join(storage, 'docker/registry/v2/blobs/sha256', hex(digest).slice(0, 2), hex(digest), 'data');
}

export function linkPath(storage, repository, place) {
  return join(storage, 'docker/registry/v2/repositories', repository, place, 'link');
}

function link(storage, repository, place, digest) {
  const file = linkPath(storage, repository, place);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, digest);
}

function writeBlob(storage, document) {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  mkdirSync(dirname(blobPath(storage, digest)), { recursive: true });
  writeFileSync(blobPath(storage, digest), bytes);
  return { digest, size: bytes.length };
}

/** A tar of one file in gzip's clothes, not compressed: made from a seed, and no tool can make it smaller. */
async function writeLayer(storage, key, size) {
  const file = join(storage, `layer-${key}`);
  mkdirSync(storage, { recursive: true });
  const [hash, plainHash] = [createHash('sha256'), createHash('sha256')];
  let written = 0;
  await pipeline(
    Readable.from(seededTar(key, size)),
    async function* plain(chunks) {
      for await (const chunk of chunks) {
        plainHash.update(chunk);
        yield chunk;
      }
    },
    createGzip({ level: 0, chunkSize: 1 << 18 }),
    async function* packed(chunks) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        written += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(file),
  );
  const digest = `sha256:${hash.digest('hex')}`;
  mkdirSync(dirname(blobPath(storage, digest)), { recursive: true });
  renameSync(file, blobPath(storage, digest));
  return { digest, size: written, diffId: `sha256:${plainHash.digest('hex')}` };
}
