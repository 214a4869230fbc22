/** The configuration of a node as Talos would have it: read from one text, or from several laid over each other. */
import type { Origin } from '../errors.ts';
import type { NodeConfig } from '../talos/node-config.ts';
import type { TalosVersion } from '../talos/version.ts';
import { type ConfigText, patchedDocuments } from './documents.ts';
import { noteKeys } from './known-keys.ts';
import { readOutbound } from './read-outbound.ts';
import { readRegistries } from './read-registries.ts';
import { readSettings } from './read-settings.ts';
import { readVerification } from './read-verification.ts';

export type { ConfigText } from './documents.ts';

/**
 * Reads a machine configuration, of one document or several, or a patch that `airgap emit` wrote, and lays the further texts
 * over it in order: strategic merge patches (with `$patch: delete`) and RFC 6902 patches. With a `version`, a patch that release
 * cannot read is refused; keys and documents it does not know are left to diagnose(). Endpoints are read as they are, those
 * without a scheme too, as Talos takes them. Throws ERR_INPUT_INVALID with file and line, and nothing else, for what Talos
 * refuses in every release.
 */
export function readNodeConfig(
  texts: readonly ConfigText[],
  options: { readonly version?: TalosVersion | undefined } = {},
): NodeConfig {
  const documents = patchedDocuments(texts, options.version);
  const origins = new Map<string, Origin>();
  noteKeys(documents, origins);
  return {
    ...readRegistries(documents, origins),
    ...readSettings(documents, origins),
    outbound: readOutbound(documents),
    verification: readVerification(documents, origins),
    origins,
  };
}
