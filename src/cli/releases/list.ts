/** `airgap catalogue list`: every release that is known, its Kubernetes, and where that is from. */
import { kubernetesRange, printKubernetesRange } from '../../talos/kubernetes.ts';
import { isListed, type KnownRelease, releasesOf, type TalosCatalogue } from '../../talos/releases.ts';
import { parseTalosVersion, printTalosVersion } from '../../talos/version.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { listFlag, switchFlag } from '../flags.ts';
import { jsonLine } from '../report/json.ts';
import { writeLines } from '../report/reporter.ts';
import { counted, printable, tableLines } from '../report/text.ts';
import { usageError } from '../values.ts';
import { knownReleases } from './catalogue-source.ts';

export function listCatalogue({ flags, context }: Invocation): number {
  const known = knownReleases(flags, context);
  const asked = listFlag(flags, 'talos').map((text) => printTalosVersion(parseTalosVersion(text)));
  const missing = asked.find((name) => !known.releases.has(name));
  if (missing !== undefined)
    throw usageError(
      `Cannot show Talos "${missing}": the catalogue does not know this release`,
      `airgap catalogue update --from-registry --talos ${missing}`,
    );
  const releases = releasesOf(known).filter(
    ({ version }) => asked.length === 0 || asked.includes(printTalosVersion(version)),
  );
  if (switchFlag(flags, 'json')) {
    context.stdout.write(`${jsonLine({ releases: releases.map((release) => releaseFields(release, known)) }, 2)}\n`);
    return exitCodes.ok;
  }
  const rows = releases.map((release) => releaseRow(release, known));
  writeLines(
    context.stdout,
    tableLines([['RELEASE', 'KUBERNETES', 'RUNS', 'IMAGES', 'FROM'], ...rows], { right: [3] }),
  );
  if (!switchFlag(flags, 'quiet')) writeLines(context.stderr, [summary(releases)]);
  return exitCodes.ok;
}

function releaseRow(release: KnownRelease, known: TalosCatalogue): string[] {
  const range = kubernetesRange(release.version, known);
  return [
    printTalosVersion(release.version),
    release.kubernetes === undefined ? '-' : `v${release.kubernetes}`,
    range === undefined ? '-' : printKubernetesRange(range),
    release.images === undefined ? 'no list' : String(release.images.length),
    origin(release),
  ];
}

function origin({ file, images }: KnownRelease): string {
  if (file !== undefined) return printable(file);
  return images === undefined ? 'built in: published, list not known' : 'built in';
}

function releaseFields(release: KnownRelease, known: TalosCatalogue): Readonly<Record<string, unknown>> {
  const range = kubernetesRange(release.version, known);
  return {
    talos: printTalosVersion(release.version),
    kubernetes: release.kubernetes,
    kubernetesRange: range === undefined ? undefined : printKubernetesRange(range),
    images: release.images,
    source: release.source,
    verifiedAgainst: release.verifiedAgainst,
    file: release.file,
  };
}

function summary(releases: readonly KnownRelease[]): string {
  const without = releases.filter((release) => !isListed(release)).length;
  const rest = without === 0 ? '' : `, ${without} of them without a list`;
  return `note: ${counted(releases.length, 'release')}${rest}; newer ones: airgap catalogue update --from-registry`;
}
