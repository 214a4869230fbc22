/** Lists that come in pages, each naming the next one in `Link` (OCI distribution-spec v1.1, "Listing Tags"; RFC 8288). */
import { parseLinkNext } from '../../oci/distribution.ts';
import type { Ask, Exchange } from './exchange.ts';
import type { Refusal } from './refusal.ts';

/** Most bytes of one page, and most pages: 1000 names each make a million. */
const pageBytes = 16 * 1024 * 1024;
const mostPages = 1000;

export interface PageRequest {
  readonly ask: Ask;
  /** For the first page only: what an answer that is no success means. Throws, or gives a request to try instead, or undefined for an empty list. */
  readonly refused: (refusal: Refusal) => Ask | undefined;
}

export interface PageAnswer {
  readonly bytes: Uint8Array;
  /** Lower case, without parameters. */
  readonly mediaType: string;
}

/** Gives page after page. Throws ERR_PROTOCOL for a page that is too large, for pages without end or in a loop, and for a next page on another host. */
export async function* pages(exchange: Exchange, request: PageRequest): AsyncGenerator<PageAnswer> {
  let ask: Ask = { ...request.ask, accept: [400, 404, 405, 410, 501] };
  const seen = new Set<string>();
  for (let count = 0; count < mostPages; count += 1) {
    const response = await exchange.send(ask);
    if (response.status >= 300) {
      const refusal = await exchange.refusal(response, ask);
      if (count > 0) throw refusal.error();
      const other = request.refused(refusal);
      if (other === undefined) return;
      ask = other;
      continue;
    }
    seen.add(response.url.href);
    const mediaType = (response.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    try {
      yield { bytes: await response.body.bytes(pageBytes), mediaType };
    } catch (thrown) {
      throw exchange.explained(thrown, { reference: ask.reference, host: response.url.host });
    }
    const next = parseLinkNext(response.headers.link);
    if (next === undefined) return;
    const url = await exchange.follow(next, response, ask);
    if (seen.has(url.href)) throw exchange.broken(ask, 'the pages of the answer go round in a circle', { response });
    ask = { ...ask, path: url };
  }
  throw exchange.broken(ask, `the answer has more than ${mostPages} pages`);
}
