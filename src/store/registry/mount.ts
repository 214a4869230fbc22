/** A blob of another repository of the same registry (OCI distribution-spec v1.1, "Mounting a blob from another repository"). */
import { isAirgapError } from '../../errors.ts';
import type { HttpResponse } from '../../http/client.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { uploadPath } from '../../oci/distribution.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { CallOptions } from '../store.ts';
import type { Ask, Exchange } from './exchange.ts';
import { UploadSession } from './session.ts';
import { sessionKey, type UploadSettings } from './upload.ts';

/**
 * True when the blob is there now. False when the registry will not: it may not know how, may not let us read the other
 * repository, or may have begun an upload instead (202), which is kept for the push that follows.
 */
export async function mountBlob(
  exchange: Exchange,
  descriptor: Descriptor,
  options: CallOptions & { readonly from: RepositoryName; readonly settings: UploadSettings },
): Promise<boolean> {
  const { from, settings, signal } = options;
  if (!exchange.features.mount || from.registry !== exchange.name.registry) return false;
  const wireFrom = await exchange.repository(from.repository);
  const ask: Ask = {
    method: 'POST',
    path: (repository) => uploadPath(repository, { mount: descriptor.digest, from: wireFrom }),
    body: new Uint8Array(0),
    contentLength: 0,
    repeatable: true,
    scopes: [await exchange.scope(), await exchange.scope({ repository: from.repository, actions: 'pull' })],
    action: 'mount blob',
    reference: exchange.printed(descriptor.digest),
    signal,
  };
  const response = await askFor(exchange, ask);
  if (response === undefined) return false;
  if (response.status === 201) {
    await response.body.discard();
    return true;
  }
  if (response.status === 202 && response.headers.location !== undefined) {
    const session = await UploadSession.from(exchange, response, { reference: ask.reference });
    const key = sessionKey(exchange, descriptor);
    const earlier = settings.opened.get(key);
    settings.opened.set(key, session);
    await earlier?.cancel();
    return false;
  }
  await response.body.discard();
  if (response.status === 405 || response.status === 501) exchange.features.mount = false;
  return false;
}

/** Undefined when we are not let in, or when the registry stumbles over it however often: pushing is the other way. */
async function askFor(exchange: Exchange, ask: Ask): Promise<HttpResponse | undefined> {
  try {
    return await exchange.send({ ...ask, accept: [400, 404, 405, 409, 415, 422, 501] });
  } catch (thrown) {
    if (!isAirgapError(thrown)) throw thrown;
    if (thrown.code === 'ERR_UNAUTHORIZED' || thrown.code === 'ERR_DENIED') return undefined;
    if (thrown.code !== 'ERR_NO_SPACE' && (thrown.status ?? 0) >= 500) return undefined;
    throw thrown;
  }
}
