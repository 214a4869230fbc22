/** Which request of the writing half of the API is which verb (distribution-spec v1.1, "Push" and "Content Management"). */
import type { Route } from '../oci/distribution.ts';
import type { Exchange } from './exchange.ts';
import type { WireName } from './names.ts';
import { Refusal, refusals } from './refusal.ts';
import {
  appendUpload,
  cancelUpload,
  describeUpload,
  finishUpload,
  putManifest,
  startUpload,
  type Workshop,
} from './writing.ts';

export type NamedRoute = Extract<Route, { readonly repository: string }>;

/** Undefined for what cannot be done here. */
export function write(
  exchange: Exchange,
  workshop: Workshop,
  asked: { route: NamedRoute; wire: WireName },
): Promise<void> | undefined {
  const { route, wire } = asked;
  const { method } = exchange;
  if (route.kind === 'manifest' && method === 'PUT')
    return putManifest(exchange, workshop, { wire, reference: route.reference });
  if (route.kind === 'uploads' && method === 'POST') return startUpload(exchange, workshop, wire);
  if (route.kind !== 'upload') return undefined;
  const session = workshop.sessions.find(route.session, wire.name);
  if (session === undefined) throw new Refusal(refusals.uploadUnknown, 'there is no such upload');
  if (method === 'GET' || method === 'HEAD') return describeUpload(exchange, session);
  if (method === 'PATCH') return appendUpload(exchange, session);
  if (method === 'PUT') return finishUpload(exchange, workshop, { wire, session });
  if (method === 'DELETE') return cancelUpload(exchange, workshop, session);
  return undefined;
}
