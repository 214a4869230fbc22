/** What a verification found, for readers. Pure. */
import type { Verification } from '../verify/verification.ts';
import { counted, printable, sizeText } from './report/text.ts';

/** Most images the lock does not know that are listed. */
const extrasShown = 50;

/** Findings by image, each with its repair once; empty when there are none. */
export function findingLines(verification: Verification): string[] {
  const byImage = groupByImage(verification);
  return [...byImage].flatMap(([image, findings]) => [
    `finding: ${printable(image)}`,
    ...findings.map((finding) => `  ${finding.kind}: ${printable(finding.message)}`),
    ...[...new Set(findings.map((finding) => finding.repair))].map((repair) => `  repair: ${printable(repair)}`),
  ]);
}

function groupByImage(verification: Verification): Map<string, Verification['findings'][number][]> {
  const groups = new Map<string, Verification['findings'][number][]>();
  for (const finding of verification.findings)
    groups.set(finding.image, [...(groups.get(finding.image) ?? []), finding]);
  return groups;
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
