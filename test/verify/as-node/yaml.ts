/** Documents of a node's configuration. */

export interface MirrorYaml {
  readonly registry?: string;
  readonly endpoints: readonly (string | { readonly url: string; readonly overridePath: boolean })[];
  readonly fallback?: boolean;
}

/** A RegistryMirrorConfig document; without fallback unless it is wanted. */
export function mirrorYaml({ registry = '*', endpoints, fallback = false }: MirrorYaml): string {
  const list = endpoints.map((one) => (typeof one === 'string' ? { url: one } : one));
  const document = { apiVersion: 'v1alpha1', kind: 'RegistryMirrorConfig', name: registry, endpoints: list };
  return `${JSON.stringify({ ...document, ...(fallback ? {} : { skipFallback: true }) })}\n---\n`;
}

/** Any other document. JSON is YAML too. */
export function documentYaml(kind: string, fields: object): string {
  return `${JSON.stringify({ apiVersion: 'v1alpha1', kind, ...fields })}\n---\n`;
}
