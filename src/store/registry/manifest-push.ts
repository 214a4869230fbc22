/** Manifests into a registry (OCI distribution-spec v1.1, "Pushing Manifests"). */
import type { Descriptor } from '../../oci/descriptor.ts';
import { digestOf } from '../../oci/digest.ts';
import { manifestPath } from '../../oci/distribution.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import type { Tag } from '../../oci/reference.ts';
import type { CallOptions } from '../store.ts';
import { checkManifest } from '../verified.ts';
import type { Ask, Exchange } from './exchange.ts';
import type { Refusal } from './refusal.ts';

/**
 * Puts the bytes as they are, by digest or by tag. May be repeated: the same bytes under the same name change nothing.
 * Throws ERR_PROTOCOL (retryable, with status) when the registry misses something the manifest names: push that again first;
 * ERR_DIGEST_MISMATCH when the registry stored it under another digest; ERR_NO_SPACE; ERR_SIZE_MISMATCH over 4 MiB.
 */
export async function pushManifest(
  exchange: Exchange,
  manifest: { readonly descriptor: Descriptor; readonly bytes: Uint8Array },
  options: CallOptions & { readonly tag?: Tag | undefined },
): Promise<void> {
  const { descriptor, bytes } = manifest;
  checkManifest(descriptor, bytes);
  const ask = askToPut(exchange, manifest, options);
  const response = await exchange.send({ ...ask, accept: [400, 404, 405, 409, 413, 415, 422] });
  if (response.status >= 300) throw explain(await exchange.refusal(response, ask), descriptor);
  await response.body.discard();
  const stored = response.headers['docker-content-digest'];
  if (stored === undefined || stored === descriptor.digest) return;
  // By tag the registry picks the algorithm; then the digest says nothing about another one.
  if (options.tag !== undefined && stored.split(':')[0] !== descriptor.digest.split(':')[0]) return;
  throw exchange.broken(ask, `registry stored ${stored.slice(0, 160)}, not ${descriptor.digest}`, {
    code: 'ERR_DIGEST_MISMATCH',
    response,
    digest: descriptor.digest,
    hint: 'the registry, or a proxy before it, changes manifests: signatures would not hold',
  });
}

/**
 * Whether the registry takes an index that names an absent child: one is put by digest, without a tag, and deleted again.
 * Undefined when only trying could tell and `mayWrite` is false. Throws what stops any push: ERR_UNAUTHORIZED, ERR_DENIED, ERR_UNREACHABLE and the like.
 */
export async function acceptsSparseIndex(
  exchange: Exchange,
  options: CallOptions & { readonly mayWrite?: boolean | undefined },
): Promise<boolean | undefined> {
  const { features } = exchange;
  if (features.sparseIndex !== undefined || options.mayWrite === false) return features.sparseIndex;
  const bytes = Buffer.from(JSON.stringify(probeIndex()));
  const descriptor = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.length };
  const ask = { ...askToPut(exchange, { descriptor, bytes }, options), action: 'try an incomplete index as' };
  const response = await exchange.send({
    ...ask,
    accept: [400, 404, 405, 409, 412, 413, 415, 422, 501],
  });
  await response.body.discard();
  features.sparseIndex = response.status < 300;
  if (features.sparseIndex) await remove(exchange, ask, options);
  return features.sparseIndex;
}

function askToPut(
  exchange: Exchange,
  manifest: { readonly descriptor: Descriptor; readonly bytes: Uint8Array },
  options: CallOptions & { readonly tag?: Tag | undefined },
): Ask {
  const { descriptor, bytes } = manifest;
  const name = options.tag ?? descriptor.digest;
  return {
    method: 'PUT',
    path: (repository) => manifestPath(repository, name),
    headers: { 'content-type': descriptor.mediaType },
    body: bytes,
    contentLength: bytes.length,
    repeatable: true,
    action: 'push manifest',
    reference: exchange.printed(name),
    signal: options.signal,
  };
}

function explain(refusal: Refusal, descriptor: Descriptor): Error {
  const { digest } = descriptor;
  if (refusal.has('MANIFEST_BLOB_UNKNOWN') || refusal.has('BLOB_UNKNOWN') || refusal.has('MANIFEST_UNKNOWN')) {
    return refusal.error({ code: 'ERR_PROTOCOL', retryable: true, digest });
  }
  // 404 without a code, from a PUT: some registries say so of a missing child, others of a repository that must be made first.
  if (refusal.status === 404) {
    return refusal.error({ code: 'ERR_PROTOCOL', retryable: true, digest, hint: 'does the repository exist there' });
  }
  return refusal.error({ digest });
}

/** Deleting is a courtesy: many registries forbid it, and what stays has no tag and is collected as garbage. */
async function remove(exchange: Exchange, put: Ask, options: CallOptions): Promise<void> {
  try {
    const response = await exchange.send({
      method: 'DELETE',
      path: put.path,
      scopes: [await exchange.scope({ actions: 'delete' })],
      accept: [400, 401, 403, 404, 405, 500, 501],
      action: 'delete manifest',
      reference: put.reference,
      signal: options.signal,
    });
    await response.body.discard();
  } catch {
    // See above.
  }
}

/** One child that no registry has: the digest of bytes nobody pushes. */
function probeIndex(): object {
  const absent = digestOf(Buffer.from('airgap: a child that is not there'));
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [
      {
        mediaType: mediaTypes.ociManifest,
        digest: absent,
        size: 424,
        platform: { os: 'linux', architecture: 'amd64' },
      },
    ],
    annotations: { 'org.opencontainers.image.description': 'airgap tries whether incomplete indexes are taken' },
  };
}
