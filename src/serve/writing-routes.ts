/** Which request of the writing half of the API is which verb (distribution-spec v1.1, "Push" and "Content Management"). */
import type { Route } from '../oci/distribution.ts';
import type { Exchange } from './exchange.ts';
import { deleteBlob, deleteManifest, putManifest } from './manifest-writing.ts';
import type { WireName } from './names.ts';
import { notAllowed, Refusal, refusals } from './refusal.ts';
import { appendUpload, cancelUpload, describeUpload, finishUpload, startUpload, type Workshop } from './writing.ts';

export type NamedRoute = Extract<Route, { readonly repository: string }>;

/** What can be done with each kind of path of a writable registry, for `Allow`. */
const allowed: Readonly<Record<NamedRoute['kind'], string>> = {
  manifest: 'GET, HEAD, PUT, DELETE',
  blob: 'GET, HEAD, DELETE',
  uploads: 'POST',
  upload: 'GET, HEAD, PATCH, PUT, DELETE',
  tags: 'GET, HEAD',
  referrers: 'GET, HEAD',
};

/** Throws a refusal for what cannot be done here. */
export function write(
  exchange: Exchange,
  workshop: Workshop,
  asked: { route: NamedRoute; wire: WireName },
): Promise<void> {
  const { route, wire } = asked;
  const { method } = exchange;
  if (route.kind === 'manifest') {
    const { reference } = route;
    if (method === 'PUT') return putManifest(exchange, workshop, { wire, reference });
    if (method === 'DELETE') return deleteManifest(exchange, workshop, { wire, reference });
  }
  if (route.kind === 'blob' && method === 'DELETE')
    return deleteBlob(exchange, workshop, { wire, digest: route.digest });
  if (route.kind === 'uploads' && method === 'POST') return startUpload(exchange, workshop, wire);
  const handled = route.kind === 'upload' ? onUpload(exchange, workshop, { wire, id: route.session }) : undefined;
  if (handled !== undefined) return handled;
  throw notAllowed(method, allowed[route.kind]);
}

function onUpload(
  exchange: Exchange,
  workshop: Workshop,
  asked: { wire: WireName; id: string },
): Promise<void> | undefined {
  const { wire, id } = asked;
  const { method } = exchange;
  if (!allowed.upload.split(', ').includes(method)) return undefined;
  const session = workshop.sessions.find(id, wire.name);
  if (session === undefined) throw new Refusal(refusals.uploadUnknown, 'there is no such upload');
  if (method === 'PATCH') return appendUpload(exchange, workshop, session);
  if (method === 'PUT') return finishUpload(exchange, workshop, { wire, session });
  if (method === 'DELETE') return cancelUpload(exchange, workshop, session);
  return describeUpload(exchange, session);
}
