/** Puts the parts of a client together; everything about how they work stands in their own files. */

import { AirgapError } from '../errors.ts';
import { noEvents } from '../events.ts';
import { Auth } from './auth.ts';
import type { HttpClient, HttpClientSettings } from './client.ts';
import { Connections } from './connections.ts';
import { Sender } from './send.ts';
import { Statistics } from './statistics.ts';
import { Transport } from './transport.ts';
import { Warnings } from './warnings.ts';

const defaultRetries = 5;
const defaultIdleTimeoutMs = 60_000;
const defaultBackoffMs = 250;
const longestTokenAnswer = 1024 * 1024;

/**
 * A client for one side of a copy: any number of hosts, each with its own slots and its own pace.
 * Errors carry `retryable: true` when repeating may help and this client could not do it itself (a streamed body, a body cut in
 * the middle, an unknown fate); false once its retries are spent. Throws ERR_USAGE for a proxy URL it cannot use.
 */
export function openHttpClient(settings: HttpClientSettings): HttpClient {
  const events = settings.events ?? noEvents;
  const idleTimeoutMs = settings.idleTimeoutMs ?? defaultIdleTimeoutMs;
  const backoffMs = settings.backoffMs ?? defaultBackoffMs;
  const closing = new AbortController();
  const statistics = new Statistics();
  const connections = new Connections({ tls: settings.tls ?? {}, proxy: settings.proxy ?? {}, idleTimeoutMs });
  const warnings = new Warnings(events);
  const transport = new Transport({ connections, statistics, warnings, settings, idleTimeoutMs, backoffMs, events });
  const sender: Sender = new Sender({
    transport,
    auth: () => auth,
    end: settings.end,
    retry: { retries: settings.retries ?? defaultRetries, backoffMs },
    beforeLeaving: settings.beforeLeaving,
    events,
    signals: [settings.signal, closing.signal],
  });
  const auth = new Auth({
    credentials: settings.credentials ?? (async () => undefined),
    credentialsOverPlainHttp: settings.credentialsOverPlainHttp ?? false,
    beforeLeaving: settings.beforeLeaving,
    ask: async (request, { action, registry, signal, accept }) => {
      const asked = { ...request, action, signal, accept, repeatable: true };
      const response = await sender.send(asked, { role: 'token', registry });
      return { status: response.status, text: await response.body.text(longestTokenAnswer) };
    },
  });
  return {
    send: (request) => sender.send(request, { role: 'registry' }),
    statistics: () => statistics.snapshot(),
    contacts: () => statistics.contacts(),
    close: async () => {
      closing.abort(new AirgapError('ERR_INTERRUPTED', 'Cannot go on: the connection was closed by this program'));
      await connections.close();
    },
  };
}
