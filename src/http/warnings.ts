/** A registry's `Warning:` header (distribution-spec v1.1, "Warnings"): shown once per host and text. */
import type { EventSink } from '../events.ts';
import { printable } from './refusal.ts';

const warning = /(?:^|,)\s*299\s+\S+\s+"((?:[^"\\]|\\.)*)"/g;
const longest = 4096;
const mostPerHost = 100;

export class Warnings {
  readonly #events: EventSink;
  readonly #shown = new Map<string, Set<string>>();

  constructor(events: EventSink) {
    this.#events = events;
  }

  observe(host: string, header: string | undefined): void {
    if (header === undefined) return;
    for (const [, text] of header.slice(0, longest).matchAll(warning)) {
      const message = printable(text?.replaceAll(/\\(.)/g, '$1'), 500);
      const shown = this.#shown.get(host) ?? new Set();
      this.#shown.set(host, shown);
      if (message === '' || shown.has(message) || shown.size >= mostPerHost) continue;
      shown.add(message);
      this.#events({ type: 'warning', host, message });
    }
  }
}
