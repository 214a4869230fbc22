/** airgap.yaml read back: every problem at once, each with its line. The file may have come from anybody. */
import { isAlias, isMap, isScalar, type Node, type Pair, type YAMLMap } from 'yaml';
import { nearestNames } from '../oci/nearest-names.ts';
import { quoteText } from '../oci/quote.ts';
import { type ParsedYaml, parseYaml } from '../yaml/parse.ts';
import type { Group, Key } from './key.ts';
import { type Problems, SpecProblems } from './problems.ts';
import { readImages, readValue } from './read-value.ts';
import { specLimits } from './schema.ts';
import { type Spec, type SpecEntry, type SpecImage, specGroups, specVersion } from './spec.ts';

/** Largest file in characters that is read. */
export const maxSpecLength = 512 * 1024;

/**
 * Reads airgap.yaml. Throws ERR_INPUT_INVALID with all problems, one per line after the first, each with file and line: keys that are not
 * known (with the nearest one), values of another type, references that cannot be read, passwords. No aliases, one document.
 */
export function parseSpec(name: string, text: string): Spec {
  const problems = new SpecProblems(name);
  if (text.length > maxSpecLength) {
    problems.add(1, `the file has ${text.length} characters, at most ${maxSpecLength} are read`);
    problems.refuse();
  }
  const reading: Reading = { problems, yaml: parseYaml(text, 'core'), entries: [], images: [] };
  const root = rootOf(reading);
  if (root !== undefined) readRoot(root, reading);
  problems.refuse();
  return { name, entries: reading.entries, images: reading.images };
}

interface Reading {
  readonly problems: Problems;
  readonly yaml: ParsedYaml;
  readonly entries: SpecEntry[];
  readonly images: SpecImage[];
}

function rootOf({ problems, yaml }: Reading): YAMLMap | undefined {
  for (const { line, state } of yaml.problems) problems.add(line, state);
  const [first, second] = yaml.documents;
  if (second !== undefined) problems.add(second.line, 'a second document begins here, and one is read');
  if (isMap(first?.contents)) return first.contents;
  if (!problems.any)
    problems.add(1, `the file is not made of keys and values; it begins with "version: ${specVersion}"`);
  return undefined;
}

function readRoot(root: YAMLMap, reading: Reading): void {
  const { problems } = reading;
  const known = ['version', ...specGroups.map(({ name }) => name)];
  let version = false;
  for (const { key, value, line } of pairsOf(root, reading)) {
    const group = specGroups.find(({ name }) => name === key);
    if (group !== undefined) readGroup(group, { value, line }, reading);
    else if (key !== 'version') problems.add(line, unknownKey(key, { known, inside: undefined }));
    else {
      version = true;
      if (!isScalar(value) || value.value !== specVersion)
        problems.add(line, `version has to be ${specVersion}: this program knows no other`);
    }
  }
  if (!version) problems.add(1, `version is missing: the file begins with "version: ${specVersion}"`);
}

interface Placed {
  readonly value: Node | null;
  readonly line: number;
}

function readGroup(group: Group, { value, line }: Placed, reading: Reading): void {
  const { problems } = reading;
  if (value === null || (isScalar(value) && value.value === null)) return;
  if (!isMap(value)) {
    const known = `"${group.keys[0]?.name}: …"`;
    problems.add(
      line,
      `${group.name} has to hold keys, for example ${known}${isAlias(value) ? '; aliases are not read' : ''}`,
    );
    return;
  }
  const known = group.keys.map(({ name }) => name);
  for (const pair of pairsOf(value, reading)) {
    const key = group.keys.find(({ name }) => name === pair.key);
    if (key === undefined) problems.add(pair.line, unknownKey(pair.key, { known, inside: group }));
    else readKey({ group, key }, pair, reading);
  }
}

function readKey(place: { readonly group: Group; readonly key: Key }, pair: Placed, reading: Reading): void {
  const { group, key } = place;
  const { problems, yaml, entries, images } = reading;
  const read = readValue(pair.value, {
    name: `${group.name}.${key.name}`,
    key,
    line: pair.line,
    problems,
    lineOf: (node) => yaml.lineOf(node) ?? pair.line,
  });
  if (read === undefined) return;
  if (key.meaning === 'image') images.push(...readImages(read.values, problems));
  else entries.push({ group: group.name, key, ...read, line: pair.line });
}

interface NamedPair extends Placed {
  readonly key: string;
}

/** The keys of a mapping with their lines; one that stands twice is told and left out. */
function pairsOf(map: YAMLMap, { problems, yaml }: Reading): NamedPair[] {
  const seen = new Set<string>();
  return map.items.slice(0, specLimits.entries).flatMap((pair): NamedPair[] => {
    const { key, value } = pair as Pair<Node | null, Node | null>;
    const line = yaml.lineOf(key) ?? 1;
    const name = isScalar(key) ? String(key.source ?? key.value) : '';
    if (seen.has(name)) {
      problems.add(line, `${quoteText(name, 40)} stands here for the second time`);
      return [];
    }
    seen.add(name);
    return [{ key: name, value, line }];
  });
}

const secretWords = /pass(?:word|wd|phrase)?$|secret|token|credential/i;

function unknownKey(
  name: string,
  { known, inside }: { readonly known: readonly string[]; readonly inside: Group | undefined },
): string {
  const shown = quoteText(name, 40);
  if (secretWords.test(name))
    return `${shown}: passwords and tokens are not read from a file: they come from the environment, as in AIRGAP_TO_PASSWORD`;
  const homes = specGroups.filter(({ keys }) => keys.some((key) => key.name === name)).map((group) => group.name);
  const where = inside === undefined ? 'no key of airgap.yaml' : `no key of ${inside.name}`;
  if (homes.length > 0) return `${shown} is ${where}: it stands below ${homes.join(' or ')}`;
  const [nearest] = nearestNames(name, known, 1);
  const advice = nearest === undefined ? `: its keys are ${known.join(', ')}` : `: did you mean ${nearest}?`;
  return `${shown} is ${where}${advice}`;
}
