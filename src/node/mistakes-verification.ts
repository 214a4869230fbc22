/** Mistakes in the rules of ImageVerificationConfig. */
import { quoteText } from '../oci/quote.ts';
import type { VerificationRule } from '../talos/node-config.ts';
import { isSince, isSinceMinor, printTalosVersion } from '../talos/version.ts';
import type { Diagnosing, Diagnosis } from './diagnose.ts';
import { hostsNeededBy } from './verification.ts';

/** All mistakes of this file. */
export function verificationMistakes(diagnosing: Diagnosing): Diagnosis[] {
  const { config } = diagnosing;
  return config.verification.flatMap((rule, index) => {
    const origin = config.origins.get(`rule ${index}`);
    const found = [keyless(rule), publicKey(rule, diagnosing), oneSpelling(rule, diagnosing), pattern(rule)];
    return found.filter((one) => one !== undefined).map((one) => ({ ...one, origin }));
  });
}

function keyless(rule: VerificationRule): Diagnosis | undefined {
  const [host] = hostsNeededBy(rule);
  if (host === undefined) return undefined;
  return {
    code: 'keyless-needs-internet',
    severity: 'error',
    message: `the keyless rule for ${quoteText(rule.image)} needs ${quoteText(host)}: without it no image that it matches is pulled`,
    hint: 'sign the images with a key of your own and write a publicKey rule, or take the rule out',
  };
}

/** Fixed in v1.13.8 and v1.14.0 (siderolabs/talos#13886, 6f17c5033). */
function publicKey(rule: VerificationRule, { version }: Diagnosing): Diagnosis | undefined {
  const fixed = isSinceMinor(version, 14) ? '1.14.0' : '1.13.8';
  if (rule.verifier.kind !== 'publicKey' || !isSinceMinor(version, 13) || isSince(version, fixed)) return undefined;
  return {
    code: 'public-key-broken',
    severity: 'error',
    message: `the publicKey rule for ${quoteText(rule.image)} lets no image through: Talos ${printTalosVersion(version)} cannot check with a key`,
    hint: 'take the rule out until the nodes run v1.13.8 or v1.14.0',
  };
}

const hubs = ['docker.io', 'index.docker.io'] as const;

/** Which of Docker Hub's names a pattern is compared with differs between releases. */
function oneSpelling(rule: VerificationRule, { config }: Diagnosing): Diagnosis | undefined {
  const hub = hubs.find((name) => rule.image.startsWith(`${name}/`));
  if (hub === undefined) return undefined;
  const other = `${hub === 'docker.io' ? 'index.docker.io' : 'docker.io'}${rule.image.slice(hub.length)}`;
  if (config.verification.some(({ image }) => image === other)) return undefined;
  return {
    code: 'one-spelling',
    severity: 'warning',
    message: `the rule for ${quoteText(rule.image)} may match nothing: Docker Hub's images are compared as "docker.io/…" in some releases, as "index.docker.io/…" in others`,
    hint: `write the same rule for ${quoteText(other)} too`,
  };
}

/** What Talos itself warns about (siderolabs/talos v1.13.9, types/security/image_verification.go). */
function pattern(rule: VerificationRule): Diagnosis | undefined {
  const { image } = rule;
  const path = image.slice(image.indexOf('/') + 1);
  const isTagged = image.includes('@') || (image.includes('/') && path.includes(':'));
  const isBare = !image.includes('/') && image !== '*' && image !== '**';
  if (!isTagged && !isBare) return undefined;
  return {
    code: 'rule-pattern',
    severity: 'warning',
    message: isTagged
      ? `the rule for ${quoteText(image)} matches nothing: patterns are compared with registry and repository, without tag and digest`
      : `the rule for ${quoteText(image)} has no "/": patterns are compared with registry and repository`,
    hint: isTagged
      ? `write ${quoteText(image.replace(/@.*$/s, '').replace(/^([^/]*\/[^:]*):.*$/s, '$1'))}`
      : 'write REGISTRY/REPOSITORY, for example "registry.k8s.io/*"',
  };
}
