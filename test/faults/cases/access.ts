/** Redirects and tokens. */
import { actions, fault } from '../../support/faultyServer.ts';
import type { CaseRun, FaultCase } from '../stage.ts';

const cutAtBlobHost = fault(
  { method: 'GET', path: /\/app\/big\/blobs\/sha/, at: 'blobHost', times: 2 },
  actions.cutAfter(600_000),
);

function noCredentialsElsewhere({ stage }: CaseRun): void {
  const asked = stage.upstream.log.find({ at: 'blobHost' });
  if (asked.length === 0) throw new Error('the other host was not asked');
  if (asked.some(({ hasAuthorization }) => hasAuthorization)) throw new Error('a credential left its host');
}

export const redirects: readonly FaultCase[] = [
  {
    name: 'blobs are redirected to another host',
    expected: 'complete',
    upstream: { redirectBlobs: true },
    check: noCredentialsElsewhere,
  },
  {
    name: 'blobs are redirected to a host that rejects Authorization, behind tokens',
    expected: 'complete',
    upstream: { redirectBlobs: true, tokens: {} },
    check: noCredentialsElsewhere,
  },
  {
    name: 'redirected and cut in the middle',
    expected: 'complete',
    upstream: { redirectBlobs: true, tokens: {} },
    upstreamFaults: [cutAtBlobHost],
    most: 2,
    check: noCredentialsElsewhere,
  },
  {
    name: 'redirected to a URL that expires before the rest is fetched',
    expected: 'complete',
    upstream: { redirectBlobs: { expiresMs: 250 } },
    upstreamFaults: [
      fault({ method: 'GET', path: /\/app\/big\/blobs\/sha/, at: 'blobHost', times: 2 }, actions.stallAfter(600_000)),
    ],
    client: { idleTimeoutMs: 500 },
    check: noCredentialsElsewhere,
  },
  {
    name: 'redirected in a circle',
    expected: 'ERR_PROTOCOL',
    upstreamFaults: [
      {
        method: 'GET',
        path: /\/app\/two\/blobs\/sha/,
        action: { kind: 'status', status: 307, headers: { location: '?again' }, body: '' },
      },
    ],
  },
];

const slow = fault({}, actions.delay(300));

export const tokens: readonly FaultCase[] = [
  {
    name: 'tokens live one second, requests take 300 ms, at both ends',
    expected: 'complete',
    upstream: { tokens: { lifetimeMs: 1000, expiresIn: 1 } },
    target: { tokens: { lifetimeMs: 1000, expiresIn: 1 } },
    upstreamFaults: [slow],
    targetFaults: [slow],
  },
  {
    name: 'tokens live one second and say nothing of it, requests take 100 ms',
    expected: 'complete',
    upstream: { tokens: { lifetimeMs: 1000, expiresIn: 0 } },
    target: { tokens: { lifetimeMs: 1000, expiresIn: 0 } },
    upstreamFaults: [fault({}, actions.delay(100))],
    targetFaults: [fault({}, actions.delay(100))],
    most: 3.1,
  },
  {
    name: 'tokens live one second, two requests at once',
    expected: 'complete',
    client: { concurrency: 2 },
    upstream: { tokens: { lifetimeMs: 1000, expiresIn: 1 } },
    upstreamFaults: [slow],
  },
  {
    name: 'tokens are revoked in the middle',
    expected: 'complete',
    upstream: { tokens: {} },
    target: { tokens: {} },
    most: 2.1,
    upstreamFaults: [fault({ path: /\/blobs\/sha/ }, actions.slow(2_000_000))],
    during: async ({ upstream, target }) => {
      for (let round = 0; round < 2; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 250));
        upstream.guard.revoke();
        target.guard.revoke();
      }
    },
  },
  {
    name: 'the token service refuses',
    expected: 'ERR_UNAUTHORIZED',
    upstream: { tokens: { credential: { username: 'somebody', password: 'else' } } },
    repairable: false,
  },
];
