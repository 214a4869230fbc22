/** Which rule of ImageVerificationConfig decides about an image. */
import { formatRepository, type RepositoryName } from '../../oci/reference.ts';
import type { VerificationRule } from '../../talos/node-config.ts';

/**
 * The first whose pattern matches `registry/repository`, with Docker Hub as `index.docker.io`; `*` also spans `/`
 * (siderolabs/talos v1.13.9, pkg/machinery/resources/security/image_verification_rule.go).
 */
export function ruleFor(rules: readonly VerificationRule[], image: RepositoryName): VerificationRule | undefined {
  const registry = image.registry === 'docker.io' ? 'index.docker.io' : image.registry;
  const name = formatRepository({ registry, repository: image.repository });
  return rules.find(({ image: pattern }) => matches(pattern, name));
}

function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === name;
  if (!name.startsWith(first)) return false;
  const last = rest.pop() ?? '';
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
