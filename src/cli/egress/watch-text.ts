/** What a watch says: one line for each change, refresh and trouble, nothing twice in a row. Pure but for what was said before. */
import { isAirgapError } from '../../errors.ts';
import type { WatchEvent } from '../../probe/watch.ts';
import { counted, printableAscii, timeText } from '../report/text.ts';
import { reasonOf } from './resolve-text.ts';

export interface ToldLine {
  readonly text: string;
  /** For standard error, whatever was asked to be quiet. */
  readonly isProblem: boolean;
}

/** Turns events into lines. A trouble that goes on is told again only when it changes. */
export class Told {
  readonly #troubles = new Map<string, string>();

  /** Undefined for what was said already. */
  line(event: WatchEvent): ToldLine | undefined {
    switch (event.type) {
      case 'changed':
        return { text: changeText(event), isProblem: false };
      case 'refreshed':
        this.#troubles.delete(writing);
        return { text: refreshText(event), isProblem: false };
      case 'recovered':
        this.#troubles.delete(event.host);
        return { text: `${printableAscii(event.host)}: resolved again`, isProblem: false };
      case 'failed':
        return this.#trouble(event.host, failureText(event));
      case 'unwritten':
        return this.#trouble(writing, unwrittenText(event));
    }
  }

  #trouble(about: string, { text, state }: { readonly text: string; readonly state: string }): ToldLine | undefined {
    if (this.#troubles.get(about) === state) return undefined;
    this.#troubles.set(about, state);
    return { text, isProblem: true };
  }
}

/** No host has this name. */
const writing = '';

type Of<T extends WatchEvent['type']> = Extract<WatchEvent, { type: T }>;

function changeText({ host, came, left, staySeconds }: Of<'changed'>): string {
  const parts = [
    ...came.map((address) => `+${printableAscii(address)}`),
    ...left.map((address) => `-${printableAscii(address)}`),
  ];
  const stay = left.length === 0 ? '' : ` (stays up to ${timeText(staySeconds * 1000)})`;
  return `${printableAscii(host)}: ${parts.join(' ')}${stay}`;
}

function refreshText({ hosts, addresses, nextMs }: Of<'refreshed'>): string {
  const [only] = hosts;
  const what = hosts.length === 1 && only !== undefined ? printableAscii(only) : counted(hosts.length, 'name');
  return `refreshed ${what}: ${counted(addresses, 'address', 'addresses')}, next in ${timeText(nextMs)}`;
}

/** `state` is what is told again when it changes: neither times nor the server that was asked last. */
function failureText({ host, failure, keptSeconds, partly }: Of<'failed'>): { text: string; state: string } {
  const kept = keptSeconds === 0 ? 'its sets are empty' : `its addresses stay for ${timeText(keptSeconds * 1000)} more`;
  const what = partly ? 'cannot resolve all of' : 'cannot resolve';
  const rest = partly ? '' : `; ${kept}`;
  return {
    text: `${what} ${printableAscii(host)}: ${printableAscii(reasonOf(failure, host))}${rest}; tried again`,
    state: `${failure.kind} ${partly} ${keptSeconds === 0}`,
  };
}

function unwrittenText({ error }: Of<'unwritten'>): { text: string; state: string } {
  const message = isAirgapError(error) ? error.message : String(error);
  const hint = isAirgapError(error) && error.hint !== undefined ? ` (${error.hint})` : '';
  const text = `${printableAscii(message)}${printableAscii(hint)}; tried again`;
  return { text, state: message };
}
