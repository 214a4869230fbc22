/** Makes the images that `fixtures/quickstart/images.json` describes, in any store of the library. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { seededTar } from './seeded-layer.mjs';

const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  signature: 'application/vnd.dev.cosign.simplesigning.v1+json',
};

const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Pushes every image; gives their references as a list names them. */
export async function seedQuickstart(store, { layers, images }) {
  const made = new Map();
  const layer = (name, platform) => {
    const key = name.replace('{platform}', platform.replace('/', '-'));
    if (!made.has(key)) {
      const tar = Buffer.concat([...seededTar(key, layers[name])]);
      made.set(key, { bytes: gzipSync(tar, { level: 1 }), diffId: sha256(tar) });
    }
    return made.get(key);
  };
  for (const image of images) await seedImage(store, image, layer);
  return images.map(({ reference }) => reference);
}

async function seedImage(store, { reference, platforms, layers, signed }, layer) {
  const [, registry, path, tag] = /^([^/]+)\/(.+):([^:]+)$/.exec(reference);
  const repository = store.repository({ registry, repository: path });
  const single = platforms.length === 1;
  const children = [];
  for (const platform of platforms) {
    const [os, architecture] = platform.split('/');
    const parts = layers.map((name) => layer(name, platform));
    const config = {
      architecture,
      os,
      config: { Labels: { image: reference } },
      rootfs: { type: 'layers', diff_ids: parts.map(({ diffId }) => diffId) },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: await pushBlob(repository, types.config, Buffer.from(JSON.stringify(config))),
      layers: await Promise.all(parts.map(({ bytes }) => pushBlob(repository, types.layer, bytes))),
    };
    const child = await pushManifest(repository, manifest, single ? tag : undefined);
    children.push({ ...child, platform: { os, architecture } });
  }
  const index = { schemaVersion: 2, mediaType: types.index, manifests: children };
  const root = single ? children[0] : await pushManifest(repository, index, tag);
  if (signed === true) await seedSignature(repository, root);
}

/** Where cosign puts a signature: an image under a tag made of the digest. */
async function seedSignature(repository, root) {
  const payload = Buffer.from(JSON.stringify({ critical: { image: { 'docker-manifest-digest': root.digest } } }));
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: await pushBlob(repository, types.config, Buffer.from('{"architecture":"","os":"","config":{}}')),
    layers: [await pushBlob(repository, types.signature, payload)],
  };
  await pushManifest(repository, manifest, `${root.digest.replace(':', '-')}.sig`);
}

async function pushBlob(repository, mediaType, bytes) {
  const descriptor = { mediaType, digest: sha256(bytes), size: bytes.length };
  await repository.push(descriptor, {
    open: async function* open(offset) {
      yield bytes.subarray(offset);
    },
  });
  return descriptor;
}

async function pushManifest(repository, manifest, tag) {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const descriptor = { mediaType: manifest.mediaType, digest: sha256(bytes), size: bytes.length };
  await repository.pushManifest(descriptor, bytes, { tag });
  return descriptor;
}
