/** Manifests over the wire (OCI distribution-spec v1.1, "Pulling manifests", "Pushing Manifests"). */
import type { AirgapError } from '../../errors.ts';
import type { HttpResponse } from '../../http/client.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { algorithmOf, type Digest, digestOf, isDigest } from '../../oci/digest.ts';
import { manifestPath } from '../../oci/distribution.ts';
import { acceptedManifests, isManifestType, isSchema1Type, mediaTypes } from '../../oci/media-type.ts';
import { quoteText } from '../../oci/quote.ts';
import type { Tag } from '../../oci/reference.ts';
import { manifestLimit } from '../peek.ts';
import type { CallOptions, ManifestContent } from '../store.ts';
import type { Ask, Exchange } from './exchange.ts';

const accept = { accept: acceptedManifests.join(', ') };

type Wanted = Tag | Digest;

/** HEAD; GET where HEAD is refused or does not say what a descriptor needs. Throws ERR_NOT_FOUND, ERR_UNSUPPORTED (schema 1). */
export async function resolveManifest(exchange: Exchange, wanted: Wanted, options: CallOptions): Promise<Descriptor> {
  if (exchange.features.headManifest) {
    const ask = manifestAsk(exchange, { wanted, options, method: 'HEAD', action: 'resolve' });
    const response = await exchange.send({ ...ask, accept: [400, 404, 405, 501] });
    await response.body.discard();
    if (response.status === 404) throw (await exchange.refusal(response, ask)).error();
    if (response.status === 405 || response.status === 501) exchange.features.headManifest = false;
    if (response.status < 300) {
      const descriptor = descriptorFromHead(exchange, { response, wanted, ask });
      if (descriptor !== undefined) return descriptor;
    }
  }
  return (await readManifest(exchange, wanted, { ...options, action: 'resolve' })).descriptor;
}

/** GET. Wrong bytes are asked for once more, then they are an error. Throws ERR_NOT_FOUND, ERR_DIGEST_MISMATCH, ERR_SIZE_MISMATCH, ERR_UNSUPPORTED, ERR_PROTOCOL. */
export async function readManifest(
  exchange: Exchange,
  wanted: Wanted,
  options: CallOptions & { readonly action?: string },
): Promise<ManifestContent> {
  const ask = manifestAsk(exchange, { wanted, options, method: 'GET', action: options.action ?? 'fetch manifest' });
  const first = await getManifest(exchange, wanted, ask);
  if (!('expected' in first)) return first;
  const second = await getManifest(exchange, wanted, ask);
  if (!('expected' in second)) return second;
  throw exchange.broken(ask, `what came has digest ${second.actual}, not ${second.expected}, twice`, {
    code: 'ERR_DIGEST_MISMATCH',
    digest: second.expected,
    response: second.response,
    hint: 'the registry or a proxy before it gives out wrong bytes or a wrong Docker-Content-Digest',
  });
}

interface Mismatch {
  readonly response: HttpResponse;
  readonly expected: Digest;
  readonly actual: Digest;
}

async function getManifest(exchange: Exchange, wanted: Wanted, ask: Ask): Promise<ManifestContent | Mismatch> {
  const response = await exchange.send({ ...ask, accept: [400, 404, 405, 410] });
  if (response.status >= 300) throw (await exchange.refusal(response, ask)).error();
  const bytes = await boundedBytes(exchange, response, ask);
  const claimed = response.headers['docker-content-digest'];
  const expected = isDigest(wanted) ? wanted : claimed !== undefined && isDigest(claimed) ? claimed : undefined;
  const actual = digestOf(bytes, expected === undefined ? 'sha256' : algorithmOf(expected));
  if (expected !== undefined && actual !== expected) return { expected, actual, response };
  const mediaType = manifestType(exchange, { bytes, response, ask });
  return { descriptor: { mediaType, digest: actual, size: bytes.length }, bytes };
}

function manifestAsk(
  exchange: Exchange,
  request: {
    readonly wanted: Wanted;
    readonly options: CallOptions;
    readonly method: 'GET' | 'HEAD';
    readonly action: string;
  },
): Ask {
  return {
    method: request.method,
    path: (repository) => manifestPath(repository, request.wanted),
    headers: accept,
    action: request.action,
    reference: exchange.printed(request.wanted),
    signal: request.options.signal,
  };
}

/** Undefined when the headers do not say enough, or contradict what was asked: the bytes decide then. */
function descriptorFromHead(
  exchange: Exchange,
  head: { readonly response: HttpResponse; readonly wanted: Wanted; readonly ask: Ask },
): Descriptor | undefined {
  const { response, wanted, ask } = head;
  const mediaType = typeOf(response);
  if (isSchema1Type(mediaType)) throw schema1(exchange, ask, response);
  const claimed = response.headers['docker-content-digest'];
  const length = response.headers['content-length'];
  if (!isManifestType(mediaType) || length === undefined || !/^[1-9][0-9]{0,14}$/.test(length)) return undefined;
  if (isDigest(wanted)) {
    if (claimed !== undefined && claimed !== wanted) return undefined;
    return { mediaType, digest: wanted, size: Number(length) };
  }
  return claimed !== undefined && isDigest(claimed) ? { mediaType, digest: claimed, size: Number(length) } : undefined;
}

async function boundedBytes(exchange: Exchange, response: HttpResponse, ask: Ask): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body) {
      length += chunk.length;
      if (length > manifestLimit) break;
      chunks.push(chunk);
    }
  } catch (thrown) {
    throw exchange.explained(thrown, { reference: ask.reference, host: response.url.host });
  }
  if (length <= manifestLimit)
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  throw exchange.broken(ask, `it is larger than ${manifestLimit} bytes`, { code: 'ERR_SIZE_MISMATCH', response });
}

/** What the document says it is, else what the header says, else what its shape says: the document is what gets copied. */
function manifestType(
  exchange: Exchange,
  from: { readonly bytes: Uint8Array; readonly response: HttpResponse; readonly ask: Ask },
): string {
  const header = typeOf(from.response);
  const document = parseObject(from.bytes);
  if (document === undefined) {
    const what = quoteText(header === '' ? 'nothing' : header, 80);
    throw exchange.broken(from.ask, `what came is no JSON object (content type ${what})`, {
      response: from.response,
      hint: 'is this address a registry, and no login page or proxy in between',
    });
  }
  const written = typeof document.mediaType === 'string' ? document.mediaType : '';
  if (isSchema1Type(written) || isSchema1Type(header) || document.schemaVersion === 1) {
    throw schema1(exchange, from.ask, from.response);
  }
  if (isManifestType(written)) return written;
  if (isManifestType(header) && written === '') return header;
  if (written === '' && Array.isArray(document.manifests)) return mediaTypes.ociIndex;
  if (written === '' && Array.isArray(document.layers)) return mediaTypes.ociManifest;
  throw exchange.broken(from.ask, `media type ${quoteText(written === '' ? header : written, 80)} is not known`, {
    code: 'ERR_UNSUPPORTED',
    response: from.response,
  });
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function schema1(exchange: Exchange, ask: Ask, response: HttpResponse): AirgapError {
  return exchange.broken(ask, 'it is a Docker schema 1 manifest, a format given up in 2019', {
    code: 'ERR_UNSUPPORTED',
    response,
    hint: 'pull it with an old Docker and push it again, or take a newer tag of the image',
  });
}

/** The content type without parameters, lower case; empty when there is none. */
function typeOf(response: HttpResponse): string {
  return (response.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}
