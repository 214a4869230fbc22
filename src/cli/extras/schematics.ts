/** Installers of schematics, for every release that is wanted. */
import { resolve } from 'node:path';
import { parseReferences } from '../../input/list.ts';
import type { RequestedReference } from '../../input/requested.ts';
import { factoryInstallers, isSchematicId, readSchematic, type Schematic } from '../../talos/schematic.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { readInputFile } from '../files.ts';
import type { Settings } from '../settings.ts';

/** A schematic as it was given; what it holds is known where its file was read. */
export interface GivenSchematic {
  /** The file, or `schematic 376567988ad3` for an id. */
  readonly name: string;
  readonly id: string;
  readonly schematic: Schematic | undefined;
}

/** Throws ERR_INPUT_INVALID and ERR_UNSUPPORTED as readSchematic() does, and for a file that cannot be read. */
export async function readSchematics({ extras, cwd }: Pick<Settings, 'extras' | 'cwd'>): Promise<GivenSchematic[]> {
  const given: GivenSchematic[] = [];
  for (const text of extras.schematics) {
    if (isSchematicId(text)) {
      given.push({ name: `schematic ${text.slice(0, 12)}`, id: text, schematic: undefined });
      continue;
    }
    const bytes = await readInputFile(resolve(cwd, text), text);
    const schematic = readSchematic(text, Buffer.from(bytes).toString('utf8'));
    given.push({ name: text, id: schematic.id, schematic });
  }
  return given;
}

/** Throws as factoryInstallers(). */
export function installerRequests(
  schematics: readonly GivenSchematic[],
  wanted: { readonly releases: readonly TalosVersion[] } & Pick<Settings, 'extras'>,
): RequestedReference[] {
  const { installerPlatforms: platforms, secureboot, factory } = wanted.extras;
  return schematics.flatMap(({ name, id }) => {
    const references = wanted.releases.flatMap((version) =>
      factoryInstallers(version, { id, platforms, secureboot, factory }),
    );
    return parseReferences(name, references);
  });
}

/** The steps of an upgrade name the default installer; with that one machines would lose what their schematic holds. */
export function upgradeNotices(
  schematics: readonly GivenSchematic[],
  wanted: { readonly releases: readonly TalosVersion[] } & Pick<Settings, 'extras'>,
): string[] {
  const { installerPlatforms: platforms, secureboot, factory } = wanted.extras;
  return schematics.flatMap(({ name, id }) =>
    wanted.releases.slice(1).map((version) => {
      const installers = factoryInstallers(version, { id, platforms, secureboot, factory });
      return `machines of ${name} are upgraded to ${printTalosVersion(version)} with an installer of their own: ${installers.join(' or ')}`;
    }),
  );
}

/** What the user is told of a schematic that was computed here: the factory must know it too. */
export function schematicNotices(schematics: readonly GivenSchematic[], factory: string): string[] {
  return schematics.flatMap(({ name, id, schematic }) =>
    schematic === undefined ? [] : [`${name} is schematic ${id} of ${factory}`],
  );
}
