/** One line for each event that is worth a line. Pure. */
import type { AirgapEvent } from '../../events.ts';
import type { Progress } from './progress.ts';
import { imageName, printable, sizeText, timeText } from './text.ts';

/** What is worth a line in every human view: failures of copying, warnings, notices. What cannot be resolved stands in the plan. */
export function importantLine(event: AirgapEvent): string | undefined {
  switch (event.type) {
    case 'image:failed':
      // An interrupt is told once, at the end.
      if (event.code === 'ERR_INTERRUPTED') return undefined;
      return `failed   ${imageName(event.image)}: ${printable(event.message)}`;
    case 'warning':
      return `warning: ${printable(event.host)} says: ${printable(event.message)}`;
    case 'notice':
      return `${event.isWarning === true ? 'warning' : 'note'}: ${printable(event.message)}`;
    default:
      return undefined;
  }
}

/** Repetitions that wait for less are no reason to worry; errors tell how often was tried. */
const worthTellingMs = 1000;

/** What a log should hold beyond that: finished images, waits and repetitions. */
export function logLine(event: AirgapEvent): string | undefined {
  switch (event.type) {
    case 'image:done':
      return `copied   ${imageName(event.image)} (${sizeText(event.bytes)})`;
    case 'image:present':
      return `present  ${imageName(event.image)}`;
    case 'wait':
      return `waiting  ${printable(event.host)} asks us to wait ${Math.ceil(event.seconds)} s (${printable(event.reason)})`;
    case 'blob:retry':
      if (event.delayMs < worthTellingMs) return undefined;
      return `retry    ${imageName(event.image)} ${shortDigest(event.digest)} in ${timeText(event.delayMs)}: ${printable(event.message)}`;
    case 'blob:resume':
      return `resumed  ${shortDigest(event.digest)} at ${sizeText(event.offset)} of ${sizeText(event.size)}`;
    case 'http:retry':
      if (event.delayMs < worthTellingMs) return undefined;
      return `retry    ${printable(event.host)} ${printable(event.method)} in ${timeText(event.delayMs)}: ${printable(event.message)}`;
    default:
      return importantLine(event);
  }
}

const phaseWords: Readonly<Record<string, string>> = {
  resolve: 'resolving',
  survey: 'surveying the target',
  verify: 'verifying',
};

/** Where the run is, for a log; undefined when there is nothing to say. */
export function progressLine(progress: Progress, now: number): string | undefined {
  if (progress.phase !== 'copy' && progress.phase !== 'check') {
    const words = phaseWords[progress.phase];
    if (words === undefined) return undefined;
    return progress.phaseTotal === 0 ? `${words} ..` : `${words} ${progress.phaseDone}/${progress.phaseTotal} images`;
  }
  const done = progress.imagesDone + progress.imagesFailed;
  const rate = progress.rate(now);
  const left = progress.timeLeft(now);
  return [
    progress.phase === 'check' ? 'reading' : `copying  images ${done}/${progress.images}`,
    `${sizeText(progress.bytesMoved)} of ${sizeText(progress.bytesTotal)}`,
    ...(rate === undefined ? [] : [`${sizeText(rate)}/s`]),
    ...(left === undefined ? [] : [`${timeText(left)} left`]),
  ].join(', ');
}

function shortDigest(digest: string): string {
  return printable(digest)
    .replace(/^sha\d+:/, '')
    .slice(0, 12);
}
