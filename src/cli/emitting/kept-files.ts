/** Files that nothing emitted may be written over: what a command reads, and what it writes besides. Pure. */
import { resolve } from 'node:path';
import { type Flags, listFlag, textFlag } from '../flags.ts';
import { defaultCatalogueFile } from '../releases/catalogue-source.ts';
import type { Settings } from '../settings.ts';
import { nonEmpty } from '../settings-parts.ts';
import { defaultSpecFile } from '../spec/find-file.ts';

const single = ['endpointClientCert', 'endpointClientKey', 'trustedRoots', 'catalogue', 'failedList'];

/** Absolute. Names that are no files do no harm here. */
export function keptFiles(
  flags: Flags,
  { cwd, inputs, lockFile, environment: env }: Pick<Settings, 'cwd' | 'inputs' | 'lockFile' | 'environment'>,
): string[] {
  const named = single.flatMap((name) => textFlag(flags, name) ?? []);
  const afterName = ['endpointCa', 'verifyPublicKey'].flatMap((name) =>
    listFlag(flags, name).map((text) => text.slice(text.indexOf('=') + 1)),
  );
  const read = [...inputs, ...named, ...afterName, ...listFlag(flags, 'schematic'), ...listFlag(flags, 'config')];
  const declared = textFlag(flags, 'file') ?? nonEmpty(env.AIRGAP_FILE) ?? defaultSpecFile;
  const catalogue = nonEmpty(env.AIRGAP_CATALOGUE) ?? defaultCatalogueFile;
  return [lockFile, ...[declared, catalogue, ...read].map((name) => resolve(cwd, name))];
}
