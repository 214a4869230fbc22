/** What a node would make of its images, for readers. Pure. */

import { printOrigin } from '../../errors.ts';
import type { Diagnosis } from '../../node/diagnose.ts';
import type { Puller } from '../../node/pull.ts';
import {
  type ImageVerdict,
  type NodeVerification,
  type PullFailure,
  type VerdictKind,
  verdictText,
} from '../../verify/as-node/verdict.ts';
import { grouped } from '../report/grouped.ts';
import { counted, imageName, printable, printableAscii, sizeText, tableLines, tableWidth } from '../report/text.ts';
import type { Configuration } from './configuration.ts';

/** Most failures that are told of one image, and images whose failures are told. */
const failuresShown = 5;
const imagesShown = 50;

const verdictOrder: readonly VerdictKind[] = [
  'found',
  'not-found',
  'leaves-site',
  'wrong-digest',
  'wrong-platform',
  'cannot-pull',
];

/** Which configuration counts, and how it came to be. */
export function configurationLine({ from, files }: Pick<Configuration, 'from' | 'files'>, version: string): string {
  const [base = '', ...patches] = files.map(printable);
  const as = `as a node with Talos ${version}`;
  if (from === 'emitted')
    return `${as} and the configuration that airgap emit writes for it (none was given with --config)`;
  const patched = patches.length === 0 ? '' : `, patched with ${patches.join(', ')}`;
  return `${as} and ${base}${from === 'beside-lock' ? ', the configuration beside the lock' : ''}${patched}`;
}

/** `controlplane.yaml:12: message`, and what to do. */
export function diagnosisLines({ severity, message, hint, origin }: Diagnosis): string[] {
  const place = origin === undefined ? '' : `${printable(printOrigin(origin))}: `;
  return [`${severity}: ${place}${printable(message)}`, ...(hint === '' ? [] : [`  do: ${printable(hint)}`])];
}

/** A row for each image, and one that counts. `columns`: width of the terminal. */
export function verdictLines(verification: NodeVerification, columns: number | undefined): string[] {
  const { images } = verification;
  const whole = tableOf(images, verdictCell);
  const isWide = columns !== undefined && tableWidth(whole) > columns;
  const table = isWide ? tableOf(images, (image) => verdictCell({ ...image, host: undefined })) : whole;
  return [...tableLines(images.length === 0 ? [] : table, { columns, right: [2] }), summaryLine(verification)];
}

function tableOf(images: readonly ImageVerdict[], verdictOf: (image: ImageVerdict) => string): string[][] {
  const rows = images.map((image) => [
    printableAscii(imageName(image.image)),
    image.pulls.map(({ puller }) => pullerName(puller)).join(', '),
    contentText(image),
    printableAscii(verdictOf(image)),
  ]);
  return [['IMAGE', 'PULLED BY', 'SIZE', 'VERDICT'], ...rows];
}

/** A host that is undefined is told elsewhere. */
interface CellVerdict extends Pick<ImageVerdict, 'verdict' | 'signatures'> {
  readonly host?: string | undefined;
}

/** Why images are not as they should be, with what to do; images with one and the same reason stand in one. Empty when all are as they should be. */
export function failureLines({ images }: NodeVerification): string[] {
  const failing = images.filter(({ failures }) => failures.length > 0);
  const hidden = failing.length - imagesShown;
  return [
    ...grouped(failing.slice(0, imagesShown), reasonOf).flatMap(groupLines),
    ...(hidden > 0 ? [`and ${counted(hidden, 'image')} more`] : []),
  ];
}

/** An image with several failures, or with a repair of its own, is a matter of its own. */
function reasonOf(image: ImageVerdict): string {
  const [only, another] = image.failures;
  if (only === undefined || another !== undefined) return image.image;
  return `${verdictText(image)} ${only.answered} ${only.todo}`;
}

function groupLines(group: readonly ImageVerdict[]): string[] {
  const [first] = group;
  if (first === undefined) return [];
  if (group.length === 1) return [`${verdictText(first)}: ${printable(first.image)}`, ...reasonLines(first)];
  const names = group.map(({ image }) => `  ${printable(image)}`);
  return [`${verdictText(first)}: ${counted(group.length, 'image')}`, ...names, ...reasonLines(first)];
}

/** `talos` is Talos' own resolver, `cri` containerd for the kubelet. */
export function pullerName(puller: Puller): string {
  return puller === 'talos' ? 'Talos' : 'containerd';
}

function verdictCell(image: CellVerdict): string {
  const text = image.verdict === 'leaves-site' && image.host === undefined ? 'leaves the site' : verdictText(image);
  return image.verdict === 'found' && image.signatures?.found !== undefined ? `${text}, signed` : text;
}

function contentText({ pulls }: ImageVerdict): string {
  const bytes = Math.max(0, ...pulls.map((pull) => pull.bytes));
  return bytes === 0 ? '-' : sizeText(bytes);
}

function summaryLine({ images, requests, deep }: NodeVerification): string {
  const parts = verdictOrder.flatMap((kind) => {
    const count = images.filter(({ verdict }) => verdict === kind).length;
    const said = kind === 'leaves-site' ? 'would leave the site' : verdictText({ verdict: kind });
    return count === 0 ? [] : [`${count} ${said}`];
  });
  const how = deep ? 'every byte read and hashed' : 'blobs asked for their size';
  return `${counted(images.length, 'image')}: ${parts.join(', ')} (${counted(requests, 'request')}, ${how})`;
}

function reasonLines({ failures }: ImageVerdict): string[] {
  const hidden = failures.length - failuresShown;
  return [
    ...failures.slice(0, failuresShown).flatMap(failureText),
    ...(hidden > 0 ? [`  and ${hidden} more`] : []),
    ...[...new Set(failures.map(({ todo }) => todo))].map((todo) => `  do: ${printable(todo)}`),
  ];
}

/** Also for one image's whole way. */
export function failureText({ what, url, answered }: PullFailure): string[] {
  return [
    `  ${printable(what)}: ${printable(answered)}`,
    ...(url === undefined ? [] : [`    asked ${printable(url)}`]),
  ];
}
