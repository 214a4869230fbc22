/** The whole way of one image through a node, step by step, for readers. Pure. */
import {
  type Asked,
  type ImageVerdict,
  type PullAccount,
  type SignatureAccount,
  type StepAccount,
  type Trail,
  verdictText,
} from '../../verify/as-node/verdict.ts';
import { counted, printable, sizeText, tableLines, tableWidth } from '../report/text.ts';
import { failureText, pullerName } from './verdict-text.ts';

const labelWidth = 12;

/** Begins with the image's name; ends with an empty line. `columns`: width of the terminal. */
export function explainLines(image: ImageVerdict, columns: number | undefined): string[] {
  return [
    printable(image.image),
    ...image.pulls.flatMap((pull) => pullLines(pull, columns)),
    ...(image.signatures === undefined ? [] : signatureLines(image.signatures, columns)),
    ...labelled('verdict', [verdictText(image)]),
    ...image.failures.flatMap((failure) => [...failureText(failure), `    do: ${printable(failure.todo)}`]),
    '',
  ];
}

function pullLines(pull: PullAccount, columns: number | undefined): string[] {
  const name = printable(pull.image);
  const who =
    pull.puller === 'talos' ? `${pullerName(pull.puller)} itself` : `${pullerName(pull.puller)}, for the kubelet`;
  const content = [counted(pull.blobs, 'blob'), sizeText(pull.bytes), ...pull.platforms].join(', ');
  return [
    ...labelled('pulled by', [`${who}, as ${name}`]),
    ...labelled('mirror', [pull.matched === undefined ? 'none matches' : `the entry of ${printable(pull.matched)}`]),
    ...labelled('because', pull.reasons.map(printable)),
    ...labelled('asks', stepLines(pull.steps)),
    ...trailLines(pull.trails, columns),
    ...(pull.blobs === 0 ? [] : labelled('content', [content])),
  ];
}

function signatureLines({ because, found, trails, note }: SignatureAccount, columns: number | undefined): string[] {
  const places = {
    referrers: 'by the referrers API',
    'bundle-tag': 'by its bundle tag',
    'signature-tag': 'by its .sig tag',
  };
  return [
    ...labelled('signature', [`looked for by Talos: ${printable(because)}`]),
    ...trailLines(trails, columns),
    ...labelled('signed', [
      found === undefined ? 'not found' : places[found],
      ...(note === undefined ? [] : [printable(note)]),
    ]),
  ];
}

function stepLines(steps: readonly StepAccount[]): string[] {
  if (steps.length === 0) return ['nobody'];
  const rows = steps.map((step, index) => [`${index + 1}.`, printable(step.base || step.endpoint), notesOf(step)]);
  return tableLines(rows);
}

function notesOf({ ns, tls, auth, isUpstream, problem }: StepAccount): string {
  const notes = [
    ...(problem === undefined ? [] : [`passed over: ${problem}`]),
    ...(ns === undefined ? [] : [`?ns=${ns}`]),
    ...tls,
    ...(auth === undefined ? [] : [auth]),
    ...(isUpstream ? ['the registry itself'] : []),
  ];
  return printable(notes.join(', '));
}

/** A row for each request; below it what it says beyond that. Where rows are too wide, requests stand on lines of their own. */
function trailLines(trails: readonly Trail[], columns: number | undefined): string[] {
  const entries = trails.flatMap(entriesOf);
  const rows = [['LOOKED FOR', 'ANSWER', 'SIZE', 'REQUEST'], ...entries.map(({ row }) => row)];
  const isNarrow = columns !== undefined && tableWidth(rows) + 2 > columns;
  const table = tableLines(isNarrow ? rows.map((row) => row.slice(0, 3)) : rows, { indent: '  ', right: [2] });
  const [head = '', ...lines] = table;
  const indent = ' '.repeat(isNarrow ? 4 : head.indexOf('REQUEST'));
  return [
    head,
    ...lines.flatMap((line, index) => {
      const { row = [], below = [] } = entries[index] ?? {};
      return [line, ...[...(isNarrow ? [row[3] ?? ''] : []), ...below].map((text) => indent + text)];
    }),
  ];
}

interface Entry {
  readonly row: readonly string[];
  readonly below: readonly string[];
}

function entriesOf(trail: Trail): Entry[] {
  const platform = /\(([^()]+)\)$/.exec(trail.what)?.[1];
  const label = platform === undefined ? trail.purpose : `${trail.purpose} ${platform}`;
  const entries = trail.asked.map((asked, index) => entryOf(asked, index === 0 ? label : ''));
  if (trail.leavesTo === undefined) return entries;
  const next = `${trail.leavesTo} is next: off site, not asked`;
  return [...entries, { row: [entries.length === 0 ? label : '', '-', '-', printable(next)], below: [] }];
}

function entryOf(asked: Asked, label: string): Entry {
  const { method, url, status, size, digest, redirectedTo, said } = asked;
  const isOk = said === undefined;
  return {
    row: [
      printable(label),
      `${status ?? 'none'}`,
      isOk && size !== undefined ? sizeText(size) : '-',
      printable(`${method} ${url}`),
    ],
    below: [
      ...(said === undefined ? [] : [printable(said)]),
      ...(redirectedTo === undefined ? [] : [`answered by ${printable(redirectedTo)}`]),
      ...(isOk && digest !== undefined && !url.includes(digest) ? [`is ${printable(digest)}`] : []),
    ],
  };
}

function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(labelWidth)}${line}`);
}
