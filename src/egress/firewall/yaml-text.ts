/** Documents for kubectl. */
import { stringify } from 'yaml';

/** Kubernetes reads YAML 1.1: a host named `no` or `1_000` needs quotes there, or is no text. */
export function printYaml(document: object): string {
  return `---\n${stringify(document, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' })}`;
}
