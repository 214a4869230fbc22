/** `airgap images --diff A B`: what changes between two releases, with bytes where they are asked for. */
import { printReference } from '../../oci/reference.ts';
import { diffReleases, type ImageChange } from '../../talos/release-diff.ts';
import { parseTalosVersion, printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { errorFields } from '../error-text.ts';
import { exitCodeOfRun } from '../exit.ts';
import { failureLines } from '../failures.ts';
import { jsonLine } from '../report/json.ts';
import { writeLines } from '../report/reporter.ts';
import { imageName, sizeText, tableLines } from '../report/text.ts';
import { inSession, type Session } from '../session.ts';
import { usageError } from '../values.ts';
import { type DiffSizes, diffSizes, referencesOf } from './diff-sizes.ts';
import { nodeArchitecture } from './selection.ts';

export interface DiffWish {
  readonly context: Session['context'];
  readonly settings: Session['settings'];
  /** As given: two releases, or one `A..B`. */
  readonly releases: readonly string[];
  /** Ask the registries. */
  readonly sizes: boolean;
}

/** Prints the difference. The status is that of a run that could not ask for some images, where sizes are asked for. */
export async function showDiff({ context, settings, releases, sizes }: DiffWish): Promise<number> {
  const [from, to] = readReleases(releases);
  const { catalogue } = settings;
  const changes = diffReleases(from, to, { catalogue, arch: nodeArchitecture(settings) });
  const shown = { from, to, changes, columns: undefined as number | undefined };
  if (!sizes) return print({ context, settings }, { ...shown, sizes: undefined });
  return inSession({ settings, context }, async (session) => {
    const asked = await diffSizes(session, changes);
    return print(session, { ...shown, columns: session.columns, sizes: asked });
  });
}

interface Shown {
  readonly from: TalosVersion;
  readonly to: TalosVersion;
  readonly changes: readonly ImageChange[];
  readonly columns: number | undefined;
  readonly sizes: DiffSizes | undefined;
}

function print({ context, settings }: Pick<Session, 'context' | 'settings'>, shown: Shown): number {
  const failures = shown.sizes?.failures ?? [];
  if (settings.output.json) context.stdout.write(`${jsonLine(diffFields(shown), 2)}\n`);
  else writeLines(context.stdout, diffLines(shown));
  writeLines(context.stderr, failureLines(failures));
  return exitCodeOfRun({
    complete: shown.sizes?.images.size ?? shown.changes.length,
    failures: failures.map(({ error }) => error),
    findings: 0,
  });
}

function diffLines({ from, to, changes, sizes, columns }: Shown): string[] {
  const bytes = (change: ImageChange): string[] => {
    if (sizes === undefined) return [];
    const { to: reference } = referencesOf(change);
    const found = reference === undefined ? undefined : sizes.images.get(reference);
    if (reference === undefined) return ['-', '-'];
    return found === undefined ? ['?', '?'] : [sizeText(found.bytes), sizeText(found.newBytes)];
  };
  const rows = changes.map((change) => [
    change.state,
    imageName(change.repository),
    change.from ?? '-',
    change.to ?? '-',
    ...bytes(change),
  ]);
  const head = [
    'STATE',
    'IMAGE',
    printTalosVersion(from),
    printTalosVersion(to),
    ...(sizes === undefined ? [] : ['SIZE', 'NEW']),
  ];
  const total =
    sizes === undefined ? [] : [['total', '', '', '', sizeText(sizes.total.bytes), sizeText(sizes.total.newBytes)]];
  const counts = (['added', 'removed', 'changed', 'same'] as const)
    .map((state) => `${changes.filter((change) => change.state === state).length} ${state}`)
    .join(', ');
  return [...tableLines([head, ...rows, ...total], { right: [4, 5], columns, shrink: 1 }), '', counts];
}

function diffFields({ from, to, changes, sizes }: Shown): Readonly<Record<string, unknown>> {
  return {
    from: printTalosVersion(from),
    to: printTalosVersion(to),
    images: changes.map((change) => ({ ...change, ...sizes?.images.get(referencesOf(change).to ?? '') })),
    ...(sizes === undefined
      ? {}
      : {
          total: sizes.total,
          failures: sizes.failures.map(({ image, error }) => ({
            image: printReference(image.reference),
            error: errorFields(error),
          })),
        }),
  };
}

function readReleases(given: readonly string[]): [TalosVersion, TalosVersion] {
  const names = given.length === 1 ? (given[0] ?? '').split('..') : given;
  const [from, to] = names;
  if (names.length !== 2 || from === undefined || to === undefined) {
    throw usageError(
      `Cannot compare ${names.length === 1 ? '1 release' : `${names.length} releases`}: --diff takes two`,
      'for example airgap images --diff v1.13.9 v1.14.4',
    );
  }
  return [parseTalosVersion(from), parseTalosVersion(to)];
}
