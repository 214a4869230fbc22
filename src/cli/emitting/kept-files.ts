/** Files that nothing emitted may be written over: what a command reads, and what it writes besides. Pure. */
import { resolve } from 'node:path';
import { type Flags, listFlag, textFlag } from '../flags.ts';
import type { Settings } from '../settings.ts';
import { defaultSpecFile } from '../spec/find-file.ts';

const single = ['endpointClientCert', 'endpointClientKey', 'trustedRoots', 'catalogue', 'failedList'];

/** Absolute. Names that are no files do no harm here. */
export function keptFiles(
  flags: Flags,
  { cwd, inputs, lockFile }: Pick<Settings, 'cwd' | 'inputs' | 'lockFile'>,
): string[] {
  const named = single.flatMap((name) => textFlag(flags, name) ?? []);
  const afterName = ['endpointCa', 'verifyPublicKey'].flatMap((name) =>
    listFlag(flags, name).map((text) => text.slice(text.indexOf('=') + 1)),
  );
  const read = [...inputs, ...named, ...afterName, ...listFlag(flags, 'schematic'), ...listFlag(flags, 'config')];
  return [lockFile, ...[textFlag(flags, 'file') ?? defaultSpecFile, ...read].map((name) => resolve(cwd, name))];
}
