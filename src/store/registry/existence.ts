/** Whether content is there: HEAD (OCI distribution-spec v1.1, "Checking if content exists in the registry"), else the least that tells. */
import { isAirgapError } from '../../errors.ts';
import type { HttpResponse } from '../../http/client.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { isDigest } from '../../oci/digest.ts';
import { blobPath, manifestPath, parseContentRange, printRange } from '../../oci/distribution.ts';
import { isManifestType } from '../../oci/media-type.ts';
import type { CallOptions } from '../store.ts';
import type { Ask, Exchange } from './exchange.ts';
import { readManifest } from './manifests.ts';

/** True when content is there with the descriptor's size, as far as the registry tells sizes. Content of another size is as good as absent. */
export async function contentExists(
  exchange: Exchange,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<boolean> {
  const { features } = exchange;
  const isManifest = isManifestType(descriptor.mediaType);
  if (isManifest ? features.headManifest : features.headBlob) {
    const answer = await askHead(exchange, descriptor, { ...options, isManifest });
    if (answer !== 'refused') return answer;
    if (isManifest) features.headManifest = false;
    else features.headBlob = false;
  }
  return isManifest ? manifestIsThere(exchange, descriptor, options) : blobIsThere(exchange, descriptor, options);
}

async function askHead(
  exchange: Exchange,
  descriptor: Descriptor,
  options: CallOptions & { readonly isManifest: boolean },
): Promise<boolean | 'refused'> {
  const ask: Ask = {
    ...askFor(exchange, descriptor, options),
    method: 'HEAD',
    // Nothing but this type will do: a registry must not convert it into another.
    ...(options.isManifest ? { headers: { accept: descriptor.mediaType } } : {}),
  };
  const response = await exchange.send({ ...ask, accept: [404, 405, 410, 501] });
  await response.body.discard();
  if (response.status === 405 || response.status === 501) return 'refused';
  return response.status < 300 && saysTheSame(response, descriptor);
}

async function manifestIsThere(exchange: Exchange, descriptor: Descriptor, options: CallOptions): Promise<boolean> {
  try {
    const found = await readManifest(exchange, descriptor.digest, { ...options, action: 'look for' });
    return found.descriptor.size === descriptor.size;
  } catch (thrown) {
    if (isAirgapError(thrown) && thrown.code === 'ERR_NOT_FOUND') return false;
    throw thrown;
  }
}

/** One byte is asked for, and no body is read to its end: this must not cost a download. */
async function blobIsThere(exchange: Exchange, descriptor: Descriptor, options: CallOptions): Promise<boolean> {
  const ask: Ask = {
    ...askFor(exchange, descriptor, { ...options, isManifest: false }),
    method: 'GET',
    headers: {
      'accept-encoding': 'identity',
      ...(descriptor.size > 0 ? { range: printRange({ start: 0, end: 1 }) } : {}),
    },
  };
  const response = await exchange.send({ ...ask, accept: [404, 410, 416] });
  await response.body.discard();
  if (response.status >= 300) return false;
  if (response.status !== 206) return saysTheSame(response, descriptor);
  const size = parseContentRange(response.headers['content-range'])?.size;
  return size === undefined || size === descriptor.size;
}

function askFor(
  exchange: Exchange,
  descriptor: Descriptor,
  options: CallOptions & { readonly isManifest: boolean },
): Omit<Ask, 'method'> {
  const { digest } = descriptor;
  return {
    path: (repository) => (options.isManifest ? manifestPath(repository, digest) : blobPath(repository, digest)),
    action: 'look for',
    reference: exchange.printed(digest),
    signal: options.signal,
  };
}

function saysTheSame(response: HttpResponse, descriptor: Descriptor): boolean {
  const length = response.headers['content-length'];
  const digest = response.headers['docker-content-digest'];
  if (length !== undefined && Number(length) !== descriptor.size) return false;
  return (
    digest === undefined ||
    !isDigest(digest) ||
    digest === descriptor.digest ||
    !sameAlgorithm(digest, descriptor.digest)
  );
}

/** A registry may name content by its own algorithm whatever it was asked by. */
function sameAlgorithm(one: string, other: string): boolean {
  return one.split(':', 1)[0] === other.split(':', 1)[0];
}
