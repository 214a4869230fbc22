/** The Talos configuration that makes nodes ask a server. */
import { isAirgapError } from '../../errors.ts';
import type { TalosCatalogue } from '../../talos/releases.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { writeFileAtomic } from '../files.ts';
import { configVersionFor, patchText } from '../placing.ts';

export interface PatchWanted {
  /** URLs nodes ask, in this order. At least one. */
  readonly endpoints: readonly string[];
  /** Upstream registries that are served. */
  readonly registries: readonly string[];
  /** The release asked for, and the one the content is for. */
  readonly asked: TalosVersion | undefined;
  readonly ofContent: TalosVersion | undefined;
  /** For the newest release, where neither is known. Default: what is built in. */
  readonly catalogue?: TalosCatalogue | undefined;
  /** PEM of our own authority. */
  readonly authority: string | undefined;
  /** Reading needs a user. */
  readonly needsUser: boolean;
}

export interface Patch {
  /** As in `v1.14.4`. */
  readonly talos: string;
  readonly text: string;
}

/** The text, named after the file it goes into. Throws ERR_UNSUPPORTED where the release cannot express it. */
export function serverPatch(wanted: PatchWanted, file: string): Patch {
  const { endpoints, registries, authority } = wanted;
  const version = configVersionFor({ configVersion: wanted.asked, catalogue: wanted.catalogue }, wanted.ofContent);
  const mirrors = endpoints.map((endpoint) => ({ registry: '*', endpoint, pathPrefix: '' }));
  const text = patchText({ mirrors, registries, version, authority }, file);
  return { talos: printTalosVersion(version), text: wanted.needsUser ? withUserNote(text, endpoints) : text };
}

/** A password does not belong into a file that is written unasked. */
function withUserNote(text: string, endpoints: readonly string[]): string {
  const hosts = endpoints.map((endpoint) => new URL(endpoint).host).join(', ');
  const note = [
    `Reading needs a user: give the nodes one for ${hosts}, with a RegistryAuthConfig document (Talos 1.12 and later)`,
    'or machine.registries.config.HOST.auth (before).',
  ];
  return note.map((line) => `# ${line}\n`).join('') + text;
}

/** Undefined when it is written; else why it could not be: the server can run without. */
export async function writePatch(file: string, text: string): Promise<string | undefined> {
  try {
    await writeFileAtomic(file, text);
    return undefined;
  } catch (error) {
    if (isAirgapError(error)) return error.message;
    throw error;
  }
}
