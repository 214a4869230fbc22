/** Which part of the distribution API a path asks for (distribution-spec v1.1, "Endpoints"). */

export type Route =
  | { readonly kind: 'base' | 'catalog' | 'health' }
  | { readonly kind: 'tags' | 'uploads'; readonly name: string }
  | { readonly kind: 'manifest' | 'blob' | 'referrers' | 'session'; readonly name: string; readonly last: string };

/** Undefined for a path the API does not have. Names and references are not checked here. */
export function parseRoute(path: string): Route | undefined {
  if (path === '/v2/' || path === '/v2') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  if (path === '/healthz') return { kind: 'health' };
  if (!path.startsWith('/v2/')) return undefined;
  const segments = path.slice('/v2/'.length).split('/');
  const name = (keep: number) => segments.slice(0, keep).join('/');
  const [c, b, a] = [segments.at(-3), segments.at(-2), segments.at(-1)];
  const count = segments.length;
  if (a === undefined || b === undefined) return undefined;
  if (b === 'tags' && a === 'list' && count > 2) return { kind: 'tags', name: name(count - 2) };
  if (c === 'blobs' && b === 'uploads' && count > 3) {
    return a === '' ? { kind: 'uploads', name: name(count - 3) } : { kind: 'session', name: name(count - 3), last: a };
  }
  if (count < 3) return undefined;
  if (b === 'blobs' && a === 'uploads') return { kind: 'uploads', name: name(count - 2) };
  if (b === 'manifests') return { kind: 'manifest', name: name(count - 2), last: a };
  if (b === 'blobs') return { kind: 'blob', name: name(count - 2), last: a };
  if (b === 'referrers') return { kind: 'referrers', name: name(count - 2), last: a };
  return undefined;
}
