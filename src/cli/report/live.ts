/** The live view of a run as lines of text that fit a screen. Pure: state and size go in, lines come out. */
import type { Progress, Transfer } from './progress.ts';
import { counted, imageName, printableAscii, shortened, sizeText, timeText } from './text.ts';

export interface ViewSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ViewStyle {
  readonly color: boolean;
  /** Block characters for bars; ASCII without. */
  readonly unicode: boolean;
}

/** Transfers shown at most; the others are counted. */
const transfersShown = 8;

const phaseWords: Readonly<Record<Progress['phase'], string>> = {
  start: 'starting',
  resolve: 'resolving',
  survey: 'looking what the target has',
  copy: 'copying',
  verify: 'verifying',
  check: 'reading',
  emit: 'writing',
};

/** Lines of at most `columns - 1` columns and `rows - 1` in number, so that a terminal never wraps or scrolls them. */
export function liveLines(
  progress: Progress,
  options: { readonly now: number; readonly size: ViewSize; readonly style: ViewStyle },
): string[] {
  const width = Math.max(1, options.size.columns - 1);
  const room = Math.max(1, options.size.rows - 1);
  const waits = progress.waits(options.now).map((wait) => {
    const seconds = Math.max(1, Math.ceil((wait.until - options.now) / 1000));
    return paint(
      cutAt(`${printableAscii(wait.host)} asks us to wait ${seconds} s (${printableAscii(wait.reason)})`, width),
      'yellow',
      options.style,
    );
  });
  const hasBytes = progress.phase === 'copy' || progress.phase === 'check';
  const head = hasBytes ? copyHead(progress, { ...options, width }) : [cutAt(phaseLine(progress), width)];
  const transfers = progress.phase === 'copy' ? transferLines(progress, { style: options.style, width }) : [];
  return [...head, ...waits, ...transfers].slice(0, room);
}

function phaseLine(progress: Progress): string {
  const words = phaseWords[progress.phase];
  return progress.phaseTotal === 0 ? words : `${words}  ${progress.phaseDone}/${progress.phaseTotal} images`;
}

function copyHead(
  progress: Progress,
  view: { readonly now: number; readonly width: number; readonly style: ViewStyle },
): string[] {
  const done = progress.imagesDone + progress.imagesFailed;
  const failed = progress.imagesFailed === 0 ? '' : `  ${progress.imagesFailed} failed`;
  const images = progress.phase === 'check' ? phaseWords.check : `images ${done}/${progress.images}${failed}`;
  const bytes = `${sizeText(progress.bytesMoved)} of ${sizeText(progress.bytesTotal)}`;
  const rate = progress.rate(view.now);
  const left = progress.timeLeft(view.now);
  const speed = rate === undefined ? '' : `  ${sizeText(rate)}/s`;
  const time = left === undefined || left > 100 * 3600_000 ? '' : `  ${timeText(left)} left`;
  // The longest figures take 52 columns: the bar keeps its width while they change.
  const barWidth = Math.min(30, view.width - images.length - 52);
  const bar =
    barWidth >= 6 ? `${barText(share(progress.bytesMoved, progress.bytesTotal), barWidth, view.style)}  ` : '';
  const first = `${images}  ${bar}${bytes}${speed}${time}`;
  const apart: string[] = [];
  if (progress.mountedBlobs > 0)
    apart.push(`${counted(progress.mountedBlobs, 'blob')} mounted (${sizeText(progress.mountedBytes)})`);
  if (progress.presentBlobs > 0)
    apart.push(`${counted(progress.presentBlobs, 'blob')} already there (${sizeText(progress.presentBytes)})`);
  const lines = [paint(cutAt(first, view.width), 'bold', view.style)];
  if (apart.length > 0) lines.push(cutAt(apart.join('  '), view.width));
  return lines;
}

function transferLines(progress: Progress, view: { readonly width: number; readonly style: ViewStyle }): string[] {
  const all = movingFirst(progress.transfers());
  const shown = all.slice(0, transfersShown);
  const lines = shown.map((transfer) => transferLine(transfer, view));
  if (all.length > shown.length) lines.push(cutAt(`  and ${all.length - shown.length} more`, view.width));
  return lines;
}

/** What has arrived and is still being handed on has nothing to show: it makes room for what moves. */
function movingFirst(transfers: readonly Transfer[]): Transfer[] {
  const isMoving = ({ bytes, size }: Transfer): boolean => bytes < size;
  return [...transfers.filter(isMoving), ...transfers.filter((transfer) => !isMoving(transfer))];
}

function transferLine(transfer: Transfer, view: { readonly width: number; readonly style: ViewStyle }): string {
  if (transfer.retry !== undefined) {
    return cutAt(
      `  ${imageName(printableAscii(transfer.image))}  trying again: ${printableAscii(transfer.retry)}`,
      view.width,
    );
  }
  const part = share(transfer.bytes, transfer.size);
  const figures = `${String(Math.floor(part * 100)).padStart(3)} %  ${sizeText(transfer.size).padStart(8)}`;
  const barWidth = view.width >= 60 ? 16 : 0;
  const bar = barWidth === 0 ? '' : `${barText(part, barWidth, view.style)} `;
  const room = view.width - 2 - bar.length - figures.length - 2;
  if (room < 8) return cutAt(`  ${figures.trim()}`, view.width);
  const name = shortened(
    `${imageName(printableAscii(transfer.image))}  ${transfer.digest.replace(/^sha\d+:/, '').slice(0, 12)}`,
    room,
  );
  return `  ${bar}${figures}  ${name}`;
}

/** A bar of exactly `width` columns. */
function barText(part: number, width: number, style: ViewStyle): string {
  const filled = Math.round(part * width);
  const [full, empty] = style.unicode ? ['█', '░'] : ['#', '-'];
  return full.repeat(filled) + empty.repeat(width - filled);
}

function share(part: number, whole: number): number {
  return whole <= 0 ? 1 : Math.min(1, Math.max(0, part / whole));
}

function cutAt(text: string, width: number): string {
  return text.length <= width ? text : text.slice(0, width);
}

const colors = { bold: '1', yellow: '33', red: '31' } as const;

function paint(text: string, color: keyof typeof colors, style: ViewStyle): string {
  return style.color ? `\u001b[${colors[color]}m${text}\u001b[0m` : text;
}
