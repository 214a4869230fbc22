/** Token scopes: `type:name:action,action` (distribution token specification). */

/** True when `held` grants everything `asked` names. */
export function coversScope(held: readonly string[], asked: string): boolean {
  const wanted = split(asked);
  return held.some((scope) => {
    const { resource, actions } = split(scope);
    return resource === wanted.resource && wanted.actions.every((action) => actions.includes(action));
  });
}

/** The given scopes with what a challenge asks for besides, sorted, each once. */
export function mergeScopes(given: readonly string[], asked: string | undefined): string[] {
  const more = (asked ?? '').split(/\s+/).filter((scope) => scope !== '' && !coversScope(given, scope));
  return [...new Set([...given, ...more])].sort();
}

function split(scope: string): { readonly resource: string; readonly actions: readonly string[] } {
  const colon = scope.lastIndexOf(':');
  return { resource: scope.slice(0, Math.max(colon, 0)), actions: scope.slice(colon + 1).split(',') };
}
