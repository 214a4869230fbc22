/** What `airgap catalogue update` found, for people and for programs. */
import type { AirgapError } from '../../errors.ts';
import { isListed, type KnownRelease } from '../../talos/releases.ts';
import { addListCommand } from '../../talos/talosctl.ts';
import { printTalosVersion } from '../../talos/version.ts';
import { errorFields, errorLines } from '../error-text.ts';
import { jsonLine } from '../report/json.ts';
import { writeLines } from '../report/reporter.ts';
import { counted, tableLines } from '../report/text.ts';
import type { Session } from '../session.ts';

export interface Found {
  /** With a list where their talosctl was asked. */
  readonly fresh: readonly KnownRelease[];
  /** Without `v`. */
  readonly kubernetes: readonly string[];
  /** The catalogue file, as it was named. */
  readonly file: string;
  /** Of releases whose talosctl could not be asked. */
  readonly failures: readonly AirgapError[];
}

/** Lists on standard output, the rest on standard error. */
export function reportUpdate({ settings, context }: Pick<Session, 'settings' | 'context'>, found: Found): void {
  const { json, quiet } = settings.output;
  const nameOf = ({ version }: KnownRelease): string => printTalosVersion(version);
  const listed = found.fresh.filter(isListed);
  const without = found.fresh.filter((release) => !isListed(release)).map(nameOf);
  if (json) {
    const fields = {
      withList: listed.map((release) => ({ talos: nameOf(release), kubernetes: `v${release.kubernetes}` })),
      withoutList: without,
      kubernetes: found.kubernetes.map((text) => `v${text}`),
      file: found.file,
      failures: found.failures.map(errorFields),
    };
    context.stdout.write(`${jsonLine(fields, 2)}\n`);
    return;
  }
  const rows = [
    ...listed.map((release) => [
      nameOf(release),
      `${release.images.length} images`,
      `Kubernetes v${release.kubernetes}`,
    ]),
    ...without.map((name) => [name, 'no list', addListCommand(name)]),
  ];
  writeLines(
    context.stdout,
    tableLines([['RELEASE', 'STATE', 'TO COMPLETE IT, WITH TALOSCTL OF THAT RELEASE'], ...rows]),
  );
  writeLines(
    context.stderr,
    found.failures.flatMap((error) => errorLines(error)),
  );
  if (!quiet) writeLines(context.stderr, notes(found, { listed: listed.length, without: without.length }));
}

function notes(found: Found, counts: { readonly listed: number; readonly without: number }): string[] {
  const lists =
    counts.without === 0
      ? found.fresh.length === 0
        ? ['note: every release of the registry has a list']
        : []
      : [
          `note: ${counted(counts.without, 'release')} without a list: no image of a release holds the list, only its talosctl prints it (--run-talosctl fetches and runs it)`,
        ];
  const added =
    counts.listed === 0 ? [] : [`note: wrote the lists of ${counted(counts.listed, 'release')} to ${found.file}`];
  const newer = found.kubernetes.map((text) => `v${text}`).join(', ');
  return [...added, ...lists, ...(newer === '' ? [] : [`note: newer Kubernetes: ${newer}`])];
}
