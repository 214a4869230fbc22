/** A new airgap.yaml: what was answered, and what else is often wanted in comments. */
import { stringify } from 'yaml';
import type { Key } from './key.ts';
import { specGroups, specVersion } from './spec.ts';

/** Texts or a switch by `group.key`. */
export type SpecAnswers = ReadonlyMap<string, string | boolean | readonly string[]>;

/** Keys shown in comments where they were not answered; all others stand in docs/airgap-yaml.md. */
const often: readonly string[] = [
  ...['talos', 'kubernetes', 'extensions', 'configs', 'lists', 'references', 'retag', 'platforms'].map(
    (key) => `images.${key}`,
  ),
  ...['source.from', 'source.endpoints', 'target.to', 'target.naming', 'target.ca'],
  ...['bundle.volumeSize', 'bundle.signKey'],
  ...['endpoints', 'endpointCa', 'installImage', 'timeServers', 'nameservers', 'discovery'].map(
    (key) => `nodes.${key}`,
  ),
  ...['connections.ca', 'connections.retries', 'files.lock'],
];

/** Comments stand below each other up to this column. */
const widest = 50;

/** The text of a file that parseSpec() reads and that gives just the answers. `schema` is where editors find the schema. */
export function printSpec(answers: SpecAnswers, { schema }: { readonly schema: string }): string {
  const groups = specGroups.map(({ name, says, keys }) => {
    const rows = keys.flatMap((key) => rowOf(`${name}.${key.name}`, { key, answers }));
    const width = Math.min(widest, Math.max(...rows.map(({ text }) => text.length)));
    return ['', `# ${says}`, `${name}:`, ...rows.map(({ text, says }) => `${text.padEnd(width)}  # ${says}`)];
  });
  const head = [
    `# yaml-language-server: $schema=${schema}`,
    '# "airgap plan" shows what this does, "airgap mirror" does it. Passwords come from the environment.',
    `version: ${specVersion}`,
  ];
  return `${[...head, ...groups.flat()].join('\n')}\n`;
}

interface Row {
  readonly text: string;
  readonly says: string;
}

function rowOf(path: string, { key, answers }: { readonly key: Key; readonly answers: SpecAnswers }): Row[] {
  const { name, says, example } = key;
  const answer = answers.get(path);
  if (answer !== undefined) return [{ text: `  ${name}: ${valueText(answer)}`, says }];
  return often.includes(path) ? [{ text: `  # ${name}: ${example}`, says }] : [];
}

function valueText(value: string | boolean | readonly string[]): string {
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? scalar(value) : `[${value.map((item) => scalar(item)).join(', ')}]`;
}

/** Quoted where it would be something else without, also between brackets. */
function scalar(text: string): string {
  return /^[\w./@-][\w./:@-]*$/.test(text) && !text.endsWith(':')
    ? stringify(text, { lineWidth: 0 }).trimEnd()
    : JSON.stringify(text);
}
