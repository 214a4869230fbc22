/** `airgap catalogue update`: which releases a registry has that are not known. */
import { AirgapError, isAirgapError } from '../../errors.ts';
import { parseReference, type RepositoryName } from '../../oci/reference.ts';
import type { Source } from '../../store/store.ts';
import { isListed, type KnownRelease, type TalosCatalogue } from '../../talos/releases.ts';
import { newestKubernetes } from '../../talos/upgrade.ts';
import {
  compareTalosVersions,
  parseTalosVersion,
  printPlain,
  printTalosVersion,
  readVersion,
  type TalosVersion,
} from '../../talos/version.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodeOfRun } from '../exit.ts';
import { listFlag, switchFlag } from '../flags.ts';
import { openSource } from '../open.ts';
import { inSession, type Session } from '../session.ts';
import { readSettings } from '../settings.ts';
import { type CatalogueFile, catalogueFile } from './catalogue-source.ts';
import { addToCatalogueFile, knownWith } from './catalogue-writing.ts';
import { askOwnTalosctl, ownArchitecture } from './run-talosctl.ts';
import { reportUpdate } from './update-report.ts';

/** Where the Image Factory learns which releases there are: by its tags (image-factory, docs/sources.md). */
const releaseRepository = 'ghcr.io/siderolabs/imager';
/** Its tags are the Kubernetes releases Talos can run; Omni learns them there. */
const kubernetesRepository = 'ghcr.io/siderolabs/kubelet';

/** More releases than will ever be new at once: a registry that names more names no releases. */
const mostFresh = 1000;

/** More tags than either repository has by far. */
const mostTags = 200_000;

/** Lists tags, adds what is new to the catalogue file, and says what is still not known. Throws what the registry throws. */
export async function updateCatalogue({ flags, context }: Invocation): Promise<number> {
  const file = catalogueFile(flags, context);
  const known = knownWith(file);
  // A file that is named may be new: nothing else reads it here.
  const env = { ...context.env, AIRGAP_CATALOGUE: undefined };
  const settings = readSettings([], { ...flags, talos: undefined, catalogue: undefined }, { ...context, env });
  const asked = listFlag(flags, 'talos').map(parseTalosVersion);
  const isRun = switchFlag(flags, 'runTalosctl');
  if (isRun) ownArchitecture();
  return inSession({ settings, context }, async (session) => {
    const source = await openSource(session, ['ghcr.io']);
    try {
      return await updateFrom(source.store, { session, asked, isRun, file, known });
    } finally {
      await source.close();
    }
  });
}

interface Update {
  readonly session: Session;
  readonly asked: readonly TalosVersion[];
  /** Run the talosctl of each release that is new. */
  readonly isRun: boolean;
  readonly file: CatalogueFile;
  readonly known: TalosCatalogue;
}

async function updateFrom(source: Source, { session, asked, isRun, file, known }: Update): Promise<number> {
  const { signal } = session;
  const found = await readTags(source, signal);
  const published = freshReleases(found.talos, { asked, known });
  if (published.length > mostFresh) throw tooMany(releaseRepository, mostFresh);
  const kubernetes = freshKubernetes(found.kubernetes, known);
  const failures: AirgapError[] = [];
  const fresh: KnownRelease[] = [];
  for (const release of published) {
    const listed = isRun ? await askedOrFailure(release, { source, signal, catalogue: known }) : release;
    if (isAirgapError(listed)) failures.push(listed);
    fresh.push(isAirgapError(listed) ? release : listed);
  }
  const isNew = (release: KnownRelease): boolean =>
    isListed(release) || !known.releases.has(printTalosVersion(release.version));
  if (fresh.some(isNew) || kubernetes.length > 0) {
    await addToCatalogueFile(file, {
      releases: new Map(fresh.map((release) => [printTalosVersion(release.version), release])),
      kubernetes,
    });
  }
  reportUpdate(session, { fresh, kubernetes, file: file.name, failures });
  return exitCodeOfRun({ complete: fresh.length - failures.length, failures, findings: 0 });
}

/** One that fails stands in no other's way. */
async function askedOrFailure(
  release: KnownRelease,
  from: Parameters<typeof askOwnTalosctl>[1],
): Promise<KnownRelease | AirgapError> {
  try {
    return await askOwnTalosctl(release.version, from);
  } catch (error) {
    if (isAirgapError(error) && error.code !== 'ERR_INTERRUPTED') return error;
    throw error;
  }
}

interface Tags {
  readonly talos: readonly TalosVersion[];
  readonly kubernetes: readonly TalosVersion[];
}

async function readTags(source: Source, signal: AbortSignal): Promise<Tags> {
  const read = (name: string): Promise<TalosVersion[]> => versionsIn(source, { name, signal });
  // A mirror of some images need not have a kubelet.
  const [talos, kubernetes] = await Promise.all([read(releaseRepository), read(kubernetesRepository).catch(noneThere)]);
  return { talos, kubernetes };
}

function noneThere(error: unknown): TalosVersion[] {
  if (isAirgapError(error) && error.code === 'ERR_NOT_FOUND') return [];
  throw error;
}

/** Tags that are versions with a `v`; signatures and builds between releases are none. */
async function versionsIn(
  store: Source,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<TalosVersion[]> {
  const repository: RepositoryName = parseReference(`${name}:latest`);
  const tags = store.repository(repository).tags?.({ signal });
  if (tags === undefined)
    throw new AirgapError('ERR_UNSUPPORTED', `Cannot list the tags of ${name}: the source does not list tags`, {
      end: 'source',
    });
  const versions: TalosVersion[] = [];
  let count = 0;
  for await (const tag of tags) {
    count += 1;
    if (count > mostTags) throw tooMany(name, mostTags);
    const version = tag.startsWith('v') ? readVersion(tag) : undefined;
    if (version !== undefined && version.major === 1) versions.push(version);
  }
  return versions;
}

function tooMany(name: string, most: number): AirgapError {
  const state = `it has more than ${most} tags that are not known`;
  return new AirgapError('ERR_PROTOCOL', `Cannot take releases from ${name}: ${state}`, { end: 'source' });
}

/** Pre-releases only where they are named; without a list, all of them. */
function freshReleases(
  found: readonly TalosVersion[],
  { asked, known }: { readonly asked: readonly TalosVersion[]; readonly known: TalosCatalogue },
): KnownRelease[] {
  const names = new Set(found.map(printTalosVersion));
  const missing = asked.map(printTalosVersion).find((name) => !names.has(name));
  if (missing !== undefined)
    throw new AirgapError('ERR_NOT_FOUND', `Cannot find Talos "${missing}": ${releaseRepository} has no such tag`, {
      end: 'source',
      hint: 'airgap catalogue update --from-registry lists what there is',
    });
  const wanted = asked.length > 0 ? asked : found.filter(({ prerelease }) => prerelease === '');
  return wanted
    .filter((version) => {
      const own = known.releases.get(printTalosVersion(version));
      return own === undefined || !isListed(own);
    })
    .map((version) => ({
      version,
      kubernetes: undefined,
      images: undefined,
      source: `${releaseRepository}:${printTalosVersion(version)}`,
    }))
    .sort((a, b) => compareTalosVersions(a.version, b.version));
}

/** The newest patch of each minor, where it is newer than the one that is known; of minors that no release is known to run, none. */
function freshKubernetes(found: readonly TalosVersion[], known: TalosCatalogue): string[] {
  const newest = new Map<number, TalosVersion>();
  for (const version of found.toSorted(compareTalosVersions))
    if (version.prerelease === '') newest.set(version.minor, version);
  const fresh = [...newest.values()].filter((version) => {
    const own = newestKubernetes(version.minor, known);
    return own !== undefined && compareTalosVersions(version, own) > 0;
  });
  return fresh.map(printPlain);
}
