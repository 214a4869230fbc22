/** `airgap catalogue update`: which releases a registry has that are not known. */
import { AirgapError, isAirgapError } from '../../errors.ts';
import { parseReference, type RepositoryName } from '../../oci/reference.ts';
import type { Source } from '../../store/store.ts';
import { isListed, type KnownRelease, type TalosCatalogue } from '../../talos/releases.ts';
import { talosctlListArguments } from '../../talos/talosctl.ts';
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
import { exitCodes } from '../exit.ts';
import { listFlag } from '../flags.ts';
import { openSource } from '../open.ts';
import { jsonLine } from '../report/json.ts';
import { writeLines } from '../report/reporter.ts';
import { counted, tableLines } from '../report/text.ts';
import { inSession, type Session } from '../session.ts';
import { readSettings } from '../settings.ts';
import { catalogueFile } from './catalogue-source.ts';
import { addToCatalogueFile, knownWith } from './catalogue-writing.ts';

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
  return inSession({ settings, context }, async (session) => {
    const found = await readTags(session);
    const fresh = freshReleases(found.talos, { asked, known });
    if (fresh.length > mostFresh) throw tooMany(releaseRepository, mostFresh);
    const kubernetes = freshKubernetes(found.kubernetes, known);
    if (fresh.some(({ version }) => !known.releases.has(printTalosVersion(version))) || kubernetes.length > 0) {
      await addToCatalogueFile(file, {
        releases: new Map(fresh.map((release) => [printTalosVersion(release.version), release])),
        kubernetes,
      });
    }
    report(session, { fresh, kubernetes, file: file.name });
    return exitCodes.ok;
  });
}

interface Tags {
  readonly talos: readonly TalosVersion[];
  readonly kubernetes: readonly TalosVersion[];
}

async function readTags(session: Session): Promise<Tags> {
  const source = await openSource(session, ['ghcr.io']);
  try {
    const read = (name: string): Promise<TalosVersion[]> => versionsIn(source.store, { name, signal: session.signal });
    // A mirror of some images need not have a kubelet.
    const [talos, kubernetes] = await Promise.all([
      read(releaseRepository),
      read(kubernetesRepository).catch(noneThere),
    ]);
    return { talos, kubernetes };
  } finally {
    await source.close();
  }
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
  const tags = store.repository(repository).tags;
  if (tags === undefined)
    throw new AirgapError('ERR_UNSUPPORTED', `Cannot list the tags of ${name}: the source does not list tags`, {
      end: 'source',
    });
  const versions: TalosVersion[] = [];
  let count = 0;
  for await (const tag of store.repository(repository).tags?.({ signal }) ?? []) {
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
  for (const version of found) {
    const own = newest.get(version.minor) ?? newestKubernetes(version.minor, known);
    if (version.prerelease === '' && own !== undefined && compareTalosVersions(version, own) > 0)
      newest.set(version.minor, version);
  }
  return [...newest.values()].sort(compareTalosVersions).map(printPlain);
}

interface Found {
  readonly fresh: readonly KnownRelease[];
  readonly kubernetes: readonly string[];
  readonly file: string;
}

function report({ settings, context }: Session, { fresh, kubernetes, file }: Found): void {
  const { json, quiet } = settings.output;
  const releases = fresh.map(({ version }) => printTalosVersion(version));
  if (json) {
    context.stdout.write(
      `${jsonLine({ withoutList: releases, kubernetes: kubernetes.map((text) => `v${text}`), file }, 2)}\n`,
    );
    return;
  }
  const rows = releases.map((name) => [
    name,
    'no list',
    `talosctl ${talosctlListArguments(name).join(' ')} | airgap catalogue add --talos ${name} --list -`,
  ]);
  writeLines(
    context.stdout,
    tableLines([['RELEASE', 'STATE', 'TO COMPLETE IT, WITH TALOSCTL OF THAT RELEASE'], ...rows]),
  );
  if (quiet) return;
  writeLines(context.stderr, [
    fresh.length === 0
      ? 'note: every release of the registry has a list'
      : `note: ${counted(fresh.length, 'release')} without a list: no image of a release holds the list, only its talosctl prints it`,
    ...(kubernetes.length === 0 ? [] : [`note: newer Kubernetes: ${kubernetes.map((text) => `v${text}`).join(', ')}`]),
  ]);
}
