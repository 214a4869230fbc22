/** The word that says what `airgap egress` does, and inputs that look as if they were meant to be that word. */
import { usageError } from '../values.ts';
import { type EgressAction, egressActions } from './settings.ts';

const words = egressActions.filter((action) => action !== 'list');

/**
 * An input such as `chek` is an image of Docker Hub for the parser: the list would be printed with status 0, and whoever asked for a check
 * would take it for one. Throws ERR_USAGE for a bare word that is an action or one slip away from it; written in full it stays an image.
 */
export function refuseActionWords(inputs: readonly string[], action: EgressAction): void {
  for (const input of inputs) {
    const meant = words.find((word) => isSlipOf(input, word));
    if (meant === undefined) continue;
    const full = `an image of that name is written docker.io/library/${input}, a file ./${input}`;
    if (action !== 'list')
      throw usageError(`Cannot read ${JSON.stringify(input)} after "${action}": one of them at a time`, full);
    if (input === meant) throw usageError(`Cannot read "${meant}" there: it comes before the inputs`, full);
    throw usageError(`Cannot read ${JSON.stringify(input)}: did you mean "airgap egress ${meant}"?`, full);
  }
}

/** The same, or one letter more, less or other, or two that changed places. */
function isSlipOf(text: string, word: string): boolean {
  let start = 0;
  while (start < text.length && text[start] === word[start]) start += 1;
  let end = 0;
  while (end < Math.min(text.length, word.length) - start && text.at(-1 - end) === word.at(-1 - end)) end += 1;
  const [own, other] = [text.slice(start, text.length - end), word.slice(start, word.length - end)];
  if (own.length <= 1 && other.length <= 1) return true;
  return own.length === 2 && other.length === 2 && own === `${other[1]}${other[0]}`;
}
