/** `airgap catalogue add`: the list that talosctl of a release prints becomes known. */
import { resolve } from 'node:path';
import { kubernetesRange, printKubernetesRange } from '../../talos/kubernetes.ts';
import { listedRelease } from '../../talos/release-list.ts';
import { isListed, type MinorRule, type TalosCatalogue, withOverlay } from '../../talos/releases.ts';
import { addListCommand } from '../../talos/talosctl.ts';
import { oldestHost } from '../../talos/upgrade-rules.ts';
import { parseTalosVersion, printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { collect, readInputFile } from '../files.ts';
import { type Flags, listFlag, switchFlag, textFlag } from '../flags.ts';
import { jsonLine } from '../report/json.ts';
import { writeLines } from '../report/reporter.ts';
import { listWithTalosctl } from '../talosctl.ts';
import { usageError } from '../values.ts';
import { catalogueFile } from './catalogue-source.ts';
import { addToCatalogueFile, knownWith, nothingKnown } from './catalogue-writing.ts';
import { listedLines } from './listed-lines.ts';

/** Checks the list, adds it to the catalogue file and says what is known now. Throws ERR_USAGE, ERR_INPUT_INVALID. */
export async function addRelease({ flags, context }: Invocation): Promise<number> {
  const file = catalogueFile(flags, context);
  const before = knownWith(file);
  const asked = releaseAsked(flags);
  const { version, name, bytes } = await readGiven(asked, { flags, context });
  const minors = minorGiven(version, flags);
  const known = withOverlay(before, { ...nothingKnown, minors });
  const release = listedRelease(version, listedLines(name, bytes), {
    source: name,
    installImage: textFlag(flags, 'installImage'),
    catalogue: known,
  });
  const talos = printTalosVersion(version);
  await addToCatalogueFile(file, { releases: new Map([[talos, release]]), minors });
  if (switchFlag(flags, 'json')) {
    const { kubernetes, images } = release;
    context.stdout.write(`${jsonLine({ talos, kubernetes, images, file: file.path }, 2)}\n`);
  } else if (!switchFlag(flags, 'quiet')) {
    const replaced = before.releases.get(talos);
    const instead = replaced !== undefined && isListed(replaced) ? ', in place of the list it had' : '';
    writeLines(context.stderr, [
      `wrote ${file.name}: Talos ${talos} with Kubernetes v${release.kubernetes}, ${release.images.length} images${instead}`,
      ...unknownRules(version, known).map((rule) => `note: ${rule}`),
    ]);
  }
  return exitCodes.ok;
}

function releaseAsked(flags: Flags): TalosVersion | undefined {
  const asked = listFlag(flags, 'talos');
  if (asked.length > 1) throw usageError('Cannot add several releases at once: a list is of one', 'give --talos once');
  return asked[0] === undefined ? undefined : parseTalosVersion(asked[0]);
}

interface GivenList {
  readonly version: TalosVersion;
  /** What the list is called in messages, and as the source of the entry. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function readGiven(
  asked: TalosVersion | undefined,
  { flags, context }: Pick<Invocation, 'flags' | 'context'>,
): Promise<GivenList> {
  const file = textFlag(flags, 'list');
  if (file === undefined) return askTalosctl(asked, context);
  if (asked === undefined)
    throw usageError(
      'Cannot add a list: nothing says which release it is of',
      'name it with --talos, as in --talos v1.14.5',
    );
  const bytes =
    file === '-'
      ? await collect(context.stdin, { shown: 'standard input', signal: context.signal })
      : await readInputFile(resolve(context.cwd, file), file);
  return { version: asked, name: file === '-' ? `the list given for ${printTalosVersion(asked)}` : file, bytes };
}

async function askTalosctl(asked: TalosVersion | undefined, context: Invocation['context']): Promise<GivenList> {
  const printed = await listWithTalosctl(context);
  if (printed === undefined) {
    const command = addListCommand(asked === undefined ? undefined : printTalosVersion(asked));
    throw usageError(
      'Cannot add a release: no list was given, and there is no talosctl on PATH',
      `with talosctl of the release: ${command}`,
    );
  }
  const own = printTalosVersion(printed.version);
  if (asked !== undefined && printTalosVersion(asked) !== own)
    throw usageError(
      `Cannot add Talos "${printTalosVersion(asked)}": talosctl on PATH is of ${own}, and prints the images of that`,
      'give the list of the right talosctl with --list',
    );
  return { version: printed.version, name: `talosctl ${own}, ${printed.command}`, bytes: printed.output };
}

function minorGiven(version: TalosVersion, flags: Flags): Map<number, MinorRule> {
  const range = textFlag(flags, 'kubernetesRange');
  const oldest = textFlag(flags, 'upgradeFrom');
  if (range === undefined && oldest === undefined) return new Map();
  if (version.major !== 1)
    throw usageError(
      `Cannot add rules of Talos ${version.major}.${version.minor}: a catalogue has those of minors of Talos 1`,
      'leave --kubernetes-range and --upgrade-from away',
    );
  const rule = {
    kubernetes: range === undefined ? undefined : readRange(range),
    upgradeFrom: oldest === undefined ? undefined : parseTalosVersion(oldest),
  };
  return new Map([[version.minor, rule]]);
}

function readRange(text: string): { readonly min: number; readonly max: number } {
  const match = /^v?1\.(\d{1,3})-v?1\.(\d{1,3})$/.exec(text);
  const [min, max] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && min <= max) return { min, max };
  throw usageError(`Cannot read --kubernetes-range ${JSON.stringify(text)}: not MIN-MAX`, 'write it as 1.33-1.38');
}

function unknownRules(version: TalosVersion, known: TalosCatalogue): string[] {
  const range = kubernetesRange(version, known);
  const minor = `1.${version.minor}`;
  const missing = [
    ...(range === undefined ? ['which Kubernetes it runs beside its default (--kubernetes-range)'] : []),
    ...(oldestHost(version, known) === undefined && version.minor > 1
      ? ['which releases may be upgraded to it (--upgrade-from)']
      : []),
  ];
  if (missing.length === 0)
    return range?.from === 'catalogue' ? [`Talos ${minor} runs Kubernetes ${printKubernetesRange(range)}`] : [];
  return [`of Talos ${minor} is not known ${missing.join(', nor ')}: upgrades to it are refused until it is`];
}
