/** The mirrors the tests of this folder emit: every naming, on the images of a small cluster. */
import { type MirrorRule, mirrorsOf } from '../../src/mirror/rule.ts';
import { parseReference, type Reference } from '../../src/oci/reference.ts';

export const endpoint = 'http://10.5.0.1:6000';

export const images: readonly Reference[] = [
  'ghcr.io/siderolabs/kubelet:v1.36.3',
  'registry.k8s.io/pause:3.10.1',
  'registry.k8s.io/coredns/coredns:v1.14.6',
  'docker.io/library/nginx:1.27',
  `quay.io/cilium/cilium:v1.18.0@sha256:${'c'.repeat(64)}`,
  'localhost:5000/team/app:v2',
].map(parseReference);

export const registries: readonly string[] = [...new Set(images.map((image) => image.registry))];

const registry = '10.5.0.1:6000';

export const forms = {
  flat: { rule: { naming: 'replace-host', registry, prefix: '' }, perRegistry: false },
  'per-registry': { rule: { naming: 'replace-host', registry, prefix: '' }, perRegistry: true },
  prefix: { rule: { naming: 'by-registry', registry, prefix: 'mirror' }, perRegistry: false },
} as const satisfies Record<string, { rule: MirrorRule; perRegistry: boolean }>;

export type Form = keyof typeof forms;

export function mirrorsFor(form: Form) {
  const { rule, perRegistry } = forms[form];
  return mirrorsOf(rule, endpoint, { registries, perRegistry });
}
