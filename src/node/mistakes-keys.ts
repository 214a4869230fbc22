/** Keys and documents a release does not know. Talos refuses the whole configuration for one. */
import { nearestNames } from '../oci/nearest-names.ts';
import { quoteText } from '../oci/quote.ts';
import { documentsSince } from '../talos/config-kinds.ts';
import { printTalosVersion } from '../talos/version.ts';
import type { Diagnosing, Diagnosis } from './diagnose.ts';
import { isKnownKind, keyMeantBy, keyMissingIn, knowsKind } from './known-keys.ts';

/** `unknown-key`, `unknown-document` and `both-forms`. */
export function keyMistakes({ config, version }: Diagnosing): Diagnosis[] {
  const release = `Talos ${printTalosVersion(version)}`;
  const found: Diagnosis[] = [];
  for (const [key, origin] of config.origins) {
    const [what = '', ...rest] = key.split(' ');
    const path = rest.join(' ');
    const since = what === 'key' ? keyMissingIn(version, path) : undefined;
    const message = `${release} refuses this configuration: it does not know ${quoteText(path)}`;
    if (what === 'rival') {
      const [kind = '', rival = ''] = rest;
      const both = `${release} refuses this configuration: it has both ${quoteText(rival)} and ${kind}`;
      found.push({ code: 'both-forms', severity: 'error', message: both, hint: 'take one of them out', origin });
    } else if (what === 'unknown') {
      const right = keyMeantBy(path);
      const hint =
        right === undefined
          ? 'take it out, or write it as the reference of this release has it'
          : `write ${quoteText(right)}`;
      found.push({ code: 'unknown-key', severity: 'error', message, hint, origin });
    } else if (since !== undefined) {
      const hint = `take it out: Talos knows it from v${since} on`;
      found.push({ code: 'unknown-key', severity: 'error', message, hint, origin });
    } else if (what === 'document' && !knowsKind(version, rest[0] ?? '')) {
      const hint = documentHint(rest[0] ?? '');
      found.push({ code: 'unknown-document', severity: 'error', message, hint, origin });
    }
  }
  return found;
}

function documentHint(kind: string): string {
  if (['RegistryMirrorConfig', 'RegistryTLSConfig', 'RegistryAuthConfig'].includes(kind))
    return 'write it below machine.registries: documents for it are known from v1.12.0 on';
  const [near] = isKnownKind(kind) ? [] : nearestNames(kind, Object.keys(documentsSince), 1);
  if (near !== undefined) return `write ${quoteText(near)}`;
  return 'take the document out, or write what it says in the form of this release';
}
