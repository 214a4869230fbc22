/** What `airgap init` asks, and what counts as an answer. */
import { parsePlatform } from '../../oci/platform.ts';
import type { SpecAnswers } from '../../spec/print.ts';
import { parseLocation, splitPlace } from '../../store/location.ts';
import { talosReleases } from '../../talos/catalogue.ts';
import { parseTalosVersion, printTalosVersion } from '../../talos/version.ts';
import { type Flags, listFlag, textFlag } from '../flags.ts';
import { readEndpoint } from '../values.ts';

/** One question. Its answer goes under `path`, as `group.key`. */
export interface Question {
  readonly path: string;
  readonly text: string;
  /** What an empty answer stands for; empty for nothing. */
  readonly byDefault: string;
  /** What the answer may be given as on the command line. */
  readonly option?: string;
  readonly several?: boolean;
  /** Throws an AirgapError for what is no answer. */
  readonly check: (text: string) => void;
  /** Asked only then. Default: always. */
  readonly when?: (answers: SpecAnswers) => boolean;
}

/** How "nothing" is answered where the default is something. */
export const nothing = '-';

/** The questions in their order. */
export function questions(): readonly Question[] {
  return [
    {
      path: 'images.talos',
      text: 'Talos release, or an upgrade as in v1.13.9..v1.14.4; - for none',
      byDefault: newestRelease(),
      option: 'talos',
      check: (text) => text.split('..').forEach((version) => void parseTalosVersion(version)),
    },
    {
      path: 'images.extensions',
      text: 'System extensions by name, or all',
      byDefault: '',
      several: true,
      check: anything,
      when: (answers) => answers.has('images.talos'),
    },
    {
      path: 'images.lists',
      text: 'Other image lists, as in images.txt',
      byDefault: '',
      option: 'list',
      several: true,
      check: anything,
    },
    {
      path: 'images.platforms',
      text: 'Platforms, as in linux/amd64; empty for all',
      byDefault: '',
      option: 'platform',
      several: true,
      check: parsePlatform,
    },
    {
      path: 'target.to',
      text: 'Where images go: HOST[:PORT], oci:DIR or bundle:FILE',
      byDefault: 'oci:airgap-mirror',
      option: 'to',
      check: parseLocation,
    },
    {
      path: 'nodes.endpoints',
      text: 'Addresses nodes will use, as in http://10.5.0.1:6000; empty where not known yet',
      byDefault: '',
      option: 'endpoint',
      several: true,
      check: (text) => readEndpoint('--endpoint', text),
      when: (answers) => splitPlace(String(answers.get('target.to'))) !== undefined,
    },
    { path: 'nodes.timeServers', text: 'Time servers of the nodes', byDefault: '', several: true, check: anything },
    { path: 'nodes.nameservers', text: 'Nameservers of the nodes', byDefault: '', several: true, check: anything },
  ];
}

/** Answers given as options, by path; each was checked. */
export function givenAnswers(flags: Flags): Map<string, string | readonly string[]> {
  const given = new Map<string, string | readonly string[]>();
  for (const { path, option, several, check } of questions()) {
    if (option === undefined) continue;
    const texts =
      several === true ? listFlag(flags, option) : [textFlag(flags, option) ?? ''].filter((text) => text !== '');
    for (const text of texts) check(text);
    if (texts.length > 0) given.set(path, several === true ? texts : (texts[0] ?? ''));
  }
  return given;
}

/** What a line answers; undefined for nothing. Throws what `check` throws. */
export function readAnswer(
  { byDefault, several, check }: Question,
  line: string,
): string | readonly string[] | undefined {
  const text = line.trim() === '' ? byDefault : line.trim();
  if (text === '' || text === nothing) return undefined;
  const parts = several === true ? text.split(/[\s,]+/).filter((part) => part !== '') : [text];
  for (const part of parts) check(part);
  return several === true ? parts : text;
}

function anything(): void {}

function newestRelease(): string {
  const newest = talosReleases().findLast(({ version }) => version.prerelease === '');
  return newest === undefined ? '' : printTalosVersion(newest.version);
}
