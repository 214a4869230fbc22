/** The kinds of requests a mirror run makes, as faults match them. */
import type { Match } from '../support/faults.ts';

export interface RequestKind {
  readonly name: string;
  readonly end: 'upstream' | 'target';
  readonly match: Match;
  /** The run has to use tokens, or to send large blobs in parts, for this kind to happen. */
  readonly needs?: 'tokens' | 'parts';
}

const hasBody: NonNullable<Match['when']> = (headers) => Number(headers['content-length'] ?? 0) > 0;

export const requestKinds: readonly RequestKind[] = [
  { name: 'manifest GET', end: 'upstream', match: { method: 'GET', path: /\/manifests\// } },
  { name: 'blob GET', end: 'upstream', match: { method: 'GET', path: /\/blobs\/sha/ } },
  { name: 'token request', end: 'upstream', match: { method: 'GET', path: /^\/token/ }, needs: 'tokens' },
  { name: 'HEAD at the target', end: 'target', match: { method: 'HEAD' } },
  { name: 'upload POST', end: 'target', match: { method: 'POST', path: /\/uploads\/(?!.*mount=)/ } },
  { name: 'mount POST', end: 'target', match: { method: 'POST', path: /[?&]mount=/ } },
  { name: 'upload PATCH', end: 'target', match: { method: 'PATCH' }, needs: 'parts' },
  { name: 'upload PUT', end: 'target', match: { method: 'PUT', path: /\/uploads\//, when: hasBody } },
  { name: 'manifest PUT', end: 'target', match: { method: 'PUT', path: /\/manifests\// } },
];

/** Blobs above 256 KiB go in parts of 300 000 bytes. */
export const inParts = { monolithicLimitBytes: 256 * 1024, chunkBytes: 300_000 } as const;
