/** What a check found, for readers. Pure. */
import type { CheckFinding, ContentCheck, SizedContent } from '../verify/check.ts';
import { isSignatureTag } from './inputs-from-store.ts';
import { counted, printable, sizeText, tableLines, timeText } from './report/text.ts';

/** Most images and findings that are listed. */
const mostShown = 200;

/** A check and what was known beside it. */
export interface CheckReport {
  /** As it can be typed again: `bundle:talos.tar`. */
  readonly place: string;
  readonly check: ContentCheck;
  /** Of the check, and volumes that ought to be here. */
  readonly findings: readonly CheckFinding[];
  readonly milliseconds: number;
  readonly signature: 'absent' | 'unchecked' | 'verified' | undefined;
  /** Numbers of volumes that are not here, of how many there are. */
  readonly missingVolumes: readonly number[];
  readonly volumes: number;
  /** What a delta leaves to the receiver. */
  readonly base: readonly SizedContent[];
}

/** A row for each finding, then the images that are not whole; empty when there are none. */
export function checkFindingLines({ findings }: CheckReport): string[] {
  if (findings.length === 0) return [];
  const rows = findings
    .slice(0, mostShown)
    .map(({ verdict, what, size, name, message }) => [
      verdict,
      what,
      size === undefined ? '-' : sizeText(size),
      printable(name),
      printable(message),
    ]);
  const images = [...new Set(findings.flatMap((finding) => finding.images))].sort();
  return [
    ...tableLines([['VERDICT', 'WHAT', 'SIZE', 'NAME', 'STATE'], ...rows], { right: [2] }),
    ...more(findings.length),
    ...(images.length === 0 ? [] : [`not whole: ${namesText(images)}`]),
    ...images.slice(0, mostShown).map((image) => `  ${printable(image)}`),
    ...more(images.length),
  ];
}

/** Images, and apart from them tags of signatures, which are no images of their own. */
function namesText(names: Iterable<string>): string {
  const all = [...names];
  const signatures = all.filter(isSignatureTag).length;
  const images = all.length - signatures;
  return [
    ...(images === 0 && signatures > 0 ? [] : [counted(images, 'image')]),
    ...(signatures === 0 ? [] : [counted(signatures, 'signature')]),
  ].join(' and ');
}

function more(count: number): string[] {
  return count > mostShown ? [`  and ${count - mostShown} more`] : [];
}

/** What was read and how fast, and what was not. */
export function checkLines(report: CheckReport): string[] {
  const { place, check, findings, milliseconds, signature } = report;
  const read = check.content.filter(({ verdict }) => verdict !== 'absent-volume' && verdict !== 'at-receiver');
  const count = (what: string): number => read.filter((content) => content.what === what).length;
  const broken = new Set(findings.flatMap(({ images }) => images));
  const verdict =
    findings.length === 0
      ? 'everything is right'
      : `${counted(findings.length, 'finding')}, ${namesText(broken)} not whole`;
  const speed = milliseconds < 100 ? '' : ` (${sizeText((check.bytesRead * 1000) / milliseconds)}/s)`;
  const parts = [
    counted(check.images, 'image'),
    counted(count('manifest'), 'manifest'),
    counted(count('blob'), 'blob'),
    `${sizeText(check.bytesRead)} read and hashed in ${timeText(milliseconds)}${speed}`,
  ];
  return [
    `checked ${printable(place)}: ${parts.join(', ')}: ${verdict}`,
    ...volumeLines(report),
    ...receiverLines(report),
    ...(check.leftOut === 0
      ? []
      : [
          `note: ${counted(check.leftOut, 'manifest')} that indexes list ${check.leftOut === 1 ? 'is' : 'are'} not here: left out with --platform, or lost; the lock tells (--lock FILE)`,
        ]),
    ...(signature === 'unchecked' ? ['note: it is signed; --verify-key PUB checks by whom'] : []),
    ...(signature === 'verified' ? ['its signature is right'] : []),
  ];
}

function volumeLines({ check, missingVolumes, volumes }: CheckReport): string[] {
  if (missingVolumes.length === 0) return [];
  const which = missingVolumes.length === 1 ? 'volume' : 'volumes';
  const images = new Set(check.waiting.flatMap((content) => content.images));
  const what = `${counted(check.waiting.length, 'blob')} (${sizeText(sum(check.waiting))}) of ${namesText(images)}`;
  return [`not here: ${which} ${missingVolumes.join(', ')} of ${volumes}, with parts of ${what}, which were not read`];
}

function receiverLines({ check, base }: CheckReport): string[] {
  if (base.length === 0 && check.expected.length === 0) return [];
  const images = check.expected.length === 0 ? '' : `, and ${counted(check.expected.length, 'image')} whole`;
  return [`expected at the receiver: ${counted(base.length, 'blob')} (${sizeText(sum(base))})${images}`];
}

function sum(contents: readonly SizedContent[]): number {
  return contents.reduce((bytes, { size }) => bytes + size, 0);
}
