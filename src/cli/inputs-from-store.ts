/** Everything a store holds, as requests: what is mirrored out of a directory when nothing is named. */
import { mergeRequests } from '../input/merge.ts';
import type { RequestedReference } from '../input/requested.ts';
import type { Source } from '../store/store.ts';

/** Tags that belong to another image and travel with it. */
const belongsToImage = /^sha(?:256|512)-[0-9a-f]+(?:\.(?:sig|att|sbom))?$/;

/** Every tagged image, signatures and referrers by tag left out. Empty where the store cannot list what it holds. */
export async function requestsFromStore(source: Source, signal: AbortSignal): Promise<RequestedReference[]> {
  const requests: RequestedReference[] = [];
  for await (const name of source.catalog?.({ signal }) ?? []) {
    for await (const tag of source.repository(name).tags?.({ signal }) ?? []) {
      if (!belongsToImage.test(tag)) requests.push({ reference: { ...name, tag }, origins: [{ document: 'source' }] });
    }
  }
  return mergeRequests([requests]);
}
