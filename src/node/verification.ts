/** What a node asks for an image's signature before it pulls it, where ImageVerificationConfig tells it to. */
import { formatRepository, type RepositoryName } from '../oci/reference.ts';
import type { NodeConfig, VerificationRule } from '../talos/node-config.ts';

/** Keyless rules need the TUF root from here, refreshed each day (siderolabs/talos v1.13.9, controllers/security/tuf_trusted_root.go). */
export const tufHost = 'tuf-repo-cdn.sigstore.dev';

/** `referrers`: the API; `bundle-tag`: `sha256-HEX`; `signature-tag`: `sha256-HEX.sig`. */
export type SignaturePlace = 'referrers' | 'bundle-tag' | 'signature-tag';

/**
 * The rule a node takes for an image: the first whose pattern matches `registry/repository` as the image is named, never the
 * mirror's name. Docker Hub's images match under both spellings, `docker.io` and `index.docker.io`: which one counts differs
 * between releases (siderolabs/talos v1.13.9, verify/verify.go; later containers/image/imageref). Undefined: pulled unchecked.
 */
export function verificationRuleFor(config: NodeConfig, image: RepositoryName): VerificationRule | undefined {
  const name = formatRepository(image);
  const names = image.registry === 'docker.io' ? [name, `index.${name}`] : [name];
  return config.verification.find((rule) => names.some((one) => matchesGlob(rule.image, one)));
}

/** Hosts of the internet without which the rule lets no image through. */
export function hostsNeededBy(rule: VerificationRule): readonly string[] {
  return rule.verifier.kind === 'keyless' ? [tufHost] : [];
}

/** `*` is any text, slashes too; everything else is itself (github.com/ryanuber/go-glob v1.0.0). Takes time linear in the name for each part. */
export function matchesGlob(pattern: string, name: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first)) return false;
  let from = first.length;
  for (const part of parts) {
    const index = name.indexOf(part, from);
    if (index < 0) return false;
    from = index + part.length;
  }
  return name.length >= from + last.length && name.endsWith(last);
}
