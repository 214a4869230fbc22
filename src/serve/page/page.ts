/** The page at `/`: what is here and how nodes get it, for people. Read-only, without cookies, complete in one answer. */
import { createHash } from 'node:crypto';
import type { Exchange } from '../exchange.ts';
import { forgetOldest } from '../oldest.ts';
import type { Library } from '../reading.ts';
import { CurrentInventory, type CurrentInventoryOptions } from './current-inventory.ts';
import { type Asked, printPage, printReadingPage } from './document.ts';
import type { PageFacts } from './facts.ts';
import type { Inventory } from './inventory.ts';
import { script } from './script.ts';
import { style } from './style.ts';

export type { PageFacts, TalosPatch } from './facts.ts';

/** Longest text that is searched for, in characters. */
const longestSearch = 200;
/** Pages that are kept as they were printed. */
const keptPages = 8;

interface PrintedPage {
  readonly bytes: Buffer;
  readonly etag: string;
}

/**
 * What answers GET and HEAD of `/`: a page about the store, read when it is first asked for and again when the store changed.
 * `?q=` searches, `?page=` leafs through. A large store is shown as being read until it has been. Throws what the store
 * throws when it is listed.
 */
export function registryPage(
  facts: PageFacts,
  options: CurrentInventoryOptions = {},
): (exchange: Exchange, library: Library) => Promise<void> {
  const current = new CurrentInventory(options);
  const printed = new WeakMap<Inventory, Map<string, PrintedPage>>();
  return async (exchange, library) => {
    const { inventory, reading } = await current.of(library.store);
    const asked = askedIn(exchange.query);
    const { names } = library;
    if (inventory === undefined)
      return answer(exchange, print(printReadingPage(facts, reading ?? { done: 0, total: 0 })));
    if (reading !== undefined) return answer(exchange, print(printPage({ facts, names, inventory, asked, reading })));
    const pages = printed.get(inventory) ?? new Map<string, PrintedPage>();
    printed.set(inventory, pages);
    const key = `${asked.page} ${asked.search}`;
    const page = pages.get(key) ?? print(printPage({ facts, names, inventory, asked }));
    keep(pages, { key, page });
    answer(exchange, page);
  };
}

/**
 * Nothing may be loaded from anywhere, and only our own style and script run (CSP Level 3): whatever a name in the store
 * says, it cannot become active. The icon is a data URL.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src ${sourceOf(style)}`,
  `script-src ${sourceOf(script)}`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

function sourceOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

function askedIn(query: URLSearchParams): Asked {
  const page = query.get('page') ?? '1';
  return {
    search: (query.get('q') ?? '').slice(0, longestSearch),
    page: /^[1-9][0-9]{0,5}$/.test(page) ? Number(page) : 1,
  };
}

function print(text: string): PrintedPage {
  const bytes = Buffer.from(text);
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` };
}

/** The page last asked for is the last to go. */
function keep(
  pages: Map<string, PrintedPage>,
  { key, page }: { readonly key: string; readonly page: PrintedPage },
): void {
  pages.delete(key);
  pages.set(key, page);
  forgetOldest(pages, keptPages);
}

function answer(exchange: Exchange, { bytes, etag }: PrintedPage): void {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'private, no-cache',
    etag,
  };
  if (exchange.has(etag)) exchange.send(304, headers);
  else exchange.send(200, headers, bytes);
}
