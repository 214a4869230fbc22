/** Images beside those of lists and releases: what can be said at once, and what is read out of catalogues through the source. */
import { type CatalogueEntry, chooseEntries, everything } from '../../catalogues/entry.ts';
import { extensionCatalogue, readExtensionCatalogue } from '../../catalogues/extensions.ts';
import { overlayCatalogue, readOverlayCatalogue } from '../../catalogues/overlays.ts';
import { isAirgapError } from '../../errors.ts';
import { mergeRequests } from '../../input/merge.ts';
import type { RequestedReference } from '../../input/requested.ts';
import { printReference, type Reference } from '../../oci/reference.ts';
import type { Source } from '../../store/store.ts';
import { compareTalosVersions, isSinceMinor, printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import type { GatheredInputs } from '../inputs.ts';
import { selectedImages } from '../releases/release-images.ts';
import { counted } from '../report/text.ts';
import type { Session } from '../session.ts';
import type { Settings } from '../settings.ts';
import { type ConfigGroup, configImages, readConfigGroups } from './configs.ts';
import {
  type GivenSchematic,
  installerRequests,
  readSchematics,
  schematicNotices,
  upgradeNotices,
} from './schematics.ts';
import { needsCatalogues } from './settings.ts';

/** Inputs with what files alone tell beside them. */
export interface ExtraInputs extends GatheredInputs {
  /** Read once: one may come out of a pipe. */
  readonly schematics: readonly GivenSchematic[];
  /** What `--config` names; read once too. */
  readonly configs: readonly ConfigGroup[];
}

/**
 * The same inputs with what files alone tell beside them: installers of schematics, and what configurations name. Throws
 * ERR_USAGE and ERR_INPUT_INVALID.
 */
export async function withExtraImages(gathered: GatheredInputs, settings: Settings): Promise<ExtraInputs> {
  const schematics = await readSchematics(settings);
  const usual = gathered.requests.filter(({ origins }) =>
    origins.some(({ document }) => document.startsWith('talos ')),
  );
  const configs = await readConfigGroups(settings);
  const configured = configImages(
    configs,
    usual.map(({ reference }) => reference),
  );
  const wanted = { releases: releasesOf(settings), extras: settings.extras };
  const installers = installerRequests(schematics, wanted);
  const told = [...schematicNotices(schematics, settings.extras.factory), ...upgradeNotices(schematics, wanted)];
  return {
    ...gathered,
    requests: mergeRequests([gathered.requests, installers, configured.requests]),
    notices: [...gathered.notices, ...told, ...configured.notices],
    warnings: [...(gathered.warnings ?? []), ...configured.warnings],
    schematics,
    configs,
  };
}

interface CatalogueImages {
  readonly requests: readonly RequestedReference[];
  readonly notices: readonly string[];
  readonly warnings: readonly string[];
}

/** Registries that are read for catalogues. */
export function catalogueRegistries({ extras }: Pick<Settings, 'extras'>): string[] {
  return needsCatalogues(extras) ? ['ghcr.io'] : [];
}

/**
 * What the catalogues of the releases list under the names that were asked for, and the catalogue images themselves: whoever
 * mirrors on from here reads them again, and an Image Factory needs them. Throws what the source throws, ERR_PROTOCOL for
 * what is no catalogue, and ERR_USAGE for names it does not have.
 */
async function catalogueImages(
  { settings, schematics }: { readonly settings: Settings } & Pick<ExtraInputs, 'schematics'>,
  read: { readonly source: Source; readonly signal: AbortSignal },
): Promise<CatalogueImages> {
  if (!needsCatalogues(settings.extras)) return { requests: [], notices: [], warnings: [] };
  const { extensions, overlays } = settings.extras;
  const releases = releasesOf(settings);
  const ofExtensions = extensions.length === 0 ? [] : await eachCatalogue(releases, readOne('extension', read));
  const ofOverlays = overlays.length === 0 ? [] : await eachCatalogue(withOverlays(releases), readOne('overlay', read));
  const chosen = [
    ...chosenFrom(ofExtensions, { names: extensions, what: 'extension' }),
    ...chosenFrom(ofOverlays, { names: overlays, what: 'overlay' }),
  ];
  const warnings = [
    ...chosen.flatMap(({ warnings: own }) => own),
    ...ofExtensions.flatMap((one) => missingExtensions(schematics, one)),
  ];
  const without = (overlays.length === 0 ? [] : releases)
    .filter((version) => !isSinceMinor(version, 7))
    .map((version) => `Talos ${printTalosVersion(version)} has no overlays: there are none before 1.7`);
  const { requests, untagged } = requestsOf(chosen);
  const digestOnly =
    untagged === 0
      ? []
      : [
          untagged === 1
            ? '1 image of an older release has the tag of another one of a newer release: mirrored by digest alone'
            : `${untagged} images of older releases have the tags of others of newer releases: mirrored by digest alone`,
        ];
  return { requests, notices: [...chosen.map(({ notice }) => notice), ...without, ...digestOnly], warnings };
}

/** The same inputs with those images beside them; what there is to say is said. Throws as catalogueImages(). */
export async function withCatalogueImages(
  gathered: ExtraInputs,
  at: { readonly session: Session; readonly source: Source },
): Promise<GatheredInputs> {
  const { settings, reporter, signal } = at.session;
  const { requests, notices, warnings } = await catalogueImages(
    { settings, schematics: gathered.schematics },
    { source: at.source, signal },
  );
  for (const message of notices) reporter.event({ type: 'notice', message });
  for (const message of warnings) reporter.event({ type: 'notice', message, isWarning: true });
  return { ...gathered, requests: mergeRequests([gathered.requests, requests]) };
}

interface ReadRelease {
  readonly version: TalosVersion;
  readonly catalogue: Reference;
  readonly entries: readonly CatalogueEntry[];
}

type ReadOne = (version: TalosVersion) => Promise<ReadRelease>;

function readOne(
  what: 'extension' | 'overlay',
  { source, signal }: { readonly source: Source; readonly signal: AbortSignal },
): ReadOne {
  return async (version) => {
    const isExtension = what === 'extension';
    const catalogue = isExtension ? extensionCatalogue(version) : overlayCatalogue(version);
    const reading = isExtension ? readExtensionCatalogue : readOverlayCatalogue;
    return { version, catalogue, entries: await reading(source, version, { signal }).catch(asCatalogue(version)) };
  };
}

async function eachCatalogue(releases: readonly TalosVersion[], readRelease: ReadOne): Promise<ReadRelease[]> {
  const found: ReadRelease[] = [];
  for (const version of releases) found.push(await readRelease(version));
  return found;
}

/** An upgrade may begin before there were overlays. Where no release has them, the refusal of the last is told. */
function withOverlays(releases: readonly TalosVersion[]): readonly TalosVersion[] {
  const having = releases.filter((version) => isSinceMinor(version, 7));
  return having.length === 0 ? releases.slice(-1) : having;
}

interface Chosen extends ReadRelease {
  readonly notice: string;
  readonly warnings: readonly string[];
}

function chosenFrom(
  read: readonly ReadRelease[],
  wanted: { readonly names: readonly string[]; readonly what: 'extension' | 'overlay' },
): Chosen[] {
  const catalogues = read.map(({ catalogue, entries }) => ({ catalogue: printReference(catalogue), entries }));
  return chooseEntries(catalogues, wanted).flatMap(({ entries, missing }, index): Chosen[] => {
    const own = read[index];
    if (own === undefined) return [];
    const image = printReference(own.catalogue);
    const isAll = wanted.names.includes(everything);
    const count = isAll ? 'all of them are wanted' : `${entries.length} of them wanted`;
    const notice = `${image} lists ${counted(own.entries.length, wanted.what)}: ${count}`;
    const version = printTalosVersion(own.version);
    const warnings = missing.map(
      (name) => `${image} does not list ${name}: on their way nodes have to do without it on Talos ${version}`,
    );
    return [{ ...own, entries, notice, warnings }];
  });
}

/** One tag stands for one image: where releases disagree, the newest has the tag, and the others are had by their digests. */
function requestsOf(chosen: readonly Chosen[]): { readonly requests: RequestedReference[]; readonly untagged: number } {
  const holders = new Map<string, Reference['digest']>();
  const untagged = new Set<string>();
  const requests: RequestedReference[] = [];
  const newestFirst = [...chosen].sort((a, b) => compareTalosVersions(b.version, a.version));
  for (const { catalogue, entries } of newestFirst) {
    const origins = [{ document: printReference(catalogue) }];
    requests.push({ reference: catalogue, origins });
    for (const { reference } of entries) {
      const { digest, ...tagged } = reference;
      const { tag: _, ...bare } = reference;
      const name = printReference(tagged);
      const holder = holders.get(name) ?? digest;
      holders.set(name, holder);
      if (holder !== digest) untagged.add(printReference(bare));
      requests.push({ reference: holder === digest ? reference : bare, origins });
    }
  }
  return { requests: mergeRequests([requests]), untagged: untagged.size };
}

/** An installer with an extension that the release does not have is refused by the factory. */
function missingExtensions(
  schematics: readonly GivenSchematic[],
  of: { readonly entries: readonly CatalogueEntry[]; readonly catalogue: Reference },
): string[] {
  const known = new Set(of.entries.map(({ name }) => `siderolabs/${name}`));
  return schematics.flatMap(({ name, schematic }) => {
    const missing = (schematic?.extensions ?? []).filter((extension) => !known.has(extension));
    if (missing.length === 0) return [];
    return [
      `${name} names ${missing.join(', ')}, which ${printReference(of.catalogue)} does not list: a factory builds no installer of it`,
    ];
  });
}

/** An absent catalogue has a hint of its own. */
function asCatalogue(version: TalosVersion): (error: unknown) => never {
  return (error) => {
    if (!isAirgapError(error) || error.code !== 'ERR_NOT_FOUND') throw error;
    throw error.with({
      hint: `the catalogue of Talos ${printTalosVersion(version)} is read from where images are read: it must be there as well`,
    });
  };
}

/** Of an upgrade each of its releases. */
function releasesOf(settings: Settings): readonly TalosVersion[] {
  const { talos } = settings;
  return talos === undefined ? [] : selectedImages({ ...settings, talos }).releases;
}
