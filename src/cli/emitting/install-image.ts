/** The installer that machines are told to use. */
import { resolve } from 'node:path';
import { parseReference, printReference } from '../../oci/reference.ts';
import { defaultInstallImage } from '../../talos/catalogue.ts';
import { factoryInstallers, isSchematicId, readSchematic, schematicId } from '../../talos/schematic.ts';
import { extraSettings, namesInstaller } from '../extras/settings.ts';
import { readInputFile } from '../files.ts';
import { type Flags, textFlag } from '../flags.ts';
import { usageError } from '../values.ts';
import type { EmissionContext } from './settings.ts';

/**
 * The one that is named; without a name that of the schematic, else the release's own. Undefined where none is asked for.
 * Throws ERR_USAGE where several schematics or platforms were given, as a configuration holds one.
 */
export async function installImageIn(
  flags: Flags,
  { version, cwd }: Pick<EmissionContext, 'version' | 'cwd'>,
): Promise<string | undefined> {
  const named = textFlag(flags, 'installImage');
  if (named !== undefined) return printReference(parseReference(named));
  if (flags.installImage !== true) return undefined;
  const { schematics, installerPlatforms: platforms, secureboot, factory } = extraSettings(flags);
  const [schematic, ...more] = schematics;
  if (more.length > 0 || platforms.length > 1) {
    throw usageError(
      'Cannot write one install image: several schematics or platforms were given',
      'name the image: --install-image REFERENCE',
    );
  }
  if (!namesInstaller(flags)) return defaultInstallImage(version);
  const id = schematic !== undefined && isSchematicId(schematic) ? schematic : await idOfFile(schematic, cwd);
  const [image] = factoryInstallers(version, { id, platforms, secureboot, factory });
  return image;
}

/** Without a file that of a schematic without changes. */
async function idOfFile(name: string | undefined, cwd: string): Promise<string> {
  if (name === undefined) return schematicId('customization: {}');
  const text = Buffer.from(await readInputFile(resolve(cwd, name), name)).toString('utf8');
  return readSchematic(name, text).id;
}
