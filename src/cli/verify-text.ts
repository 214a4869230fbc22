/** What a verification found, for readers. Pure. */
import type { Verification } from '../verify/verification.ts';
import { grouped } from './report/grouped.ts';
import { counted, printable, sizeText } from './report/text.ts';

/** Most images the lock does not know that are listed. */
const extrasShown = 50;

/** Most images that are listed with one finding. */
const imagesShown = 50;

type Finding = Verification['findings'][number];

/** Findings by image, each with its repair once; images that could not be asked for, for one and the same reason, stand in one. Empty when there are none. */
export function findingLines(verification: Verification): string[] {
  const byImage = grouped(verification.findings, ({ image }) => image);
  const byCause = grouped(byImage, (findings) => causeOf(findings) ?? findings[0]?.image ?? '');
  return byCause.flatMap((group) => {
    const names = group.map(([finding]) => printable(finding?.image ?? ''));
    const [findings = []] = group;
    if (names.length === 1) return [`finding: ${names.join('')}`, ...textOf(findings)];
    const more = names.length > imagesShown ? [`  and ${names.length - imagesShown} more`] : [];
    const shown = names.slice(0, imagesShown).map((name) => `  ${name}`);
    return [`finding: ${counted(names.length, 'image')}`, ...shown, ...more, ...textOf(findings)];
  });
}

/** Undefined where an image is a matter of its own. */
function causeOf(findings: readonly Finding[]): string | undefined {
  const [only, another] = findings;
  if (only?.hint === undefined || another !== undefined) return undefined;
  return `${only.kind} ${only.hint} ${only.repair}`;
}

function textOf(findings: readonly Finding[]): string[] {
  const hints = [...new Set(findings.flatMap(({ hint }) => hint ?? []))];
  const repairs = [...new Set(findings.map(({ repair }) => repair))];
  return [
    ...findings.map(({ kind, message }) => `  ${kind}: ${printable(message)}`),
    ...hints.map((hint) => `  hint: ${printable(hint)}`),
    ...repairs.map((repair) => `  repair: ${printable(repair)}`),
  ];
}

/** What was looked at, and what is there beyond it. */
export function verificationLines(verification: Verification): string[] {
  const { images, manifests, blobs, bytes, deep, findings, extras, catalogNote } = verification;
  const read = deep ? 'every byte read and hashed' : 'blobs asked for their size';
  const broken = new Set(findings.map((finding) => finding.image)).size;
  const verdict =
    findings.length === 0
      ? 'everything stands'
      : `${counted(findings.length, 'finding')} in ${counted(broken, 'image')}`;
  const lines = [
    `verified ${counted(images, 'image')}: ${counted(manifests, 'manifest')}, ${counted(blobs, 'blob')}, ${sizeText(bytes)} (${read}): ${verdict}`,
  ];
  const isSilent = findings.some(({ kind }) => kind === 'unreachable');
  if (catalogNote !== undefined && !isSilent)
    lines.push(`note: the catalog could not be read whole: ${printable(catalogNote)}`);
  if (extras.length > 0) {
    lines.push(
      `also at the target, and not asked for (${extras.length}):`,
      ...extras.slice(0, extrasShown).map((extra) => `  ${printable(extra)}`),
    );
    if (extras.length > extrasShown) lines.push(`  and ${extras.length - extrasShown} more`);
  }
  return lines;
}
