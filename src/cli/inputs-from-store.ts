/** Everything a store holds, as requests: what is mirrored out of a directory when nothing is named. */
import { mergeRequests } from '../input/merge.ts';
import type { RequestedReference } from '../input/requested.ts';
import type { Source } from '../store/store.ts';

/** Whether a tag, also at the end of a reference, belongs to another image and travels with it: a signature, an attestation, a list of referrers. */
export function isSignatureTag(tag: string): boolean {
  return /(?:^|:)sha(?:256|512)-[0-9a-f]+(?:\.(?:sig|att|sbom))?$/.test(tag);
}

/** Every tagged image, signatures and referrers by tag left out. Empty where the store cannot list what it holds. */
export async function requestsFromStore(source: Source, signal: AbortSignal): Promise<RequestedReference[]> {
  const requests: RequestedReference[] = [];
  for await (const name of source.catalog?.({ signal }) ?? []) {
    for await (const tag of source.repository(name).tags?.({ signal }) ?? []) {
      if (!isSignatureTag(tag)) requests.push({ reference: { ...name, tag }, origins: [{ document: 'source' }] });
    }
  }
  return mergeRequests([requests]);
}
