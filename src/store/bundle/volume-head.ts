/** Everything in a file of a bundle that is no blob, as it is written at the end: headers, documents, manifests. */
import { AirgapError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { BundlePlan } from './bundle-plan.ts';
import { printSet, unknownChecksum } from './print-set.ts';
import { entryNames } from './set.ts';
import { paddedSize, tarHeader } from './tar-header.ts';
import { signatureLimit, type VolumeEntry, type VolumeLayout, volumeText } from './volume-layout.ts';

export interface HeadContent {
  readonly plan: BundlePlan;
  readonly layout: VolumeLayout;
  /** Of `airgap/set.json`; undefined when the bundle is not signed. */
  readonly signature: Uint8Array | undefined;
  readonly checksumOf: (digest: Digest, start: number) => Digest | undefined;
  readonly manifest: (entry: string) => Promise<Uint8Array>;
}

/** Bytes and where they go, front to back. Every block is written whole, so that nothing of an earlier attempt stays. */
export async function* volumeHead(
  head: HeadContent,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly offset: number }> {
  const documents = documentsOf(head);
  for (const entry of head.layout.head) {
    const content = documents.get(entry.name) ?? (await head.manifest(entry.name));
    yield { bytes: entryBytes(entry, content), offset: entry.header };
  }
  for (const segment of head.layout.segments) {
    yield { bytes: tarHeader(segment.name, segment.size), offset: segment.header };
  }
}

/** The signature of a set. Throws ERR_USAGE when it does not fit into its place. */
export function signSet(setBytes: Uint8Array, sign: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const signature = sign(setBytes);
  if (signature.length > 0 && signature.length <= signatureLimit) return signature;
  throw new AirgapError(
    'ERR_USAGE',
    `Cannot sign bundle: a signature of ${signature.length} bytes came, at most ${signatureLimit} have a place`,
  );
}

function documentsOf({ plan, layout, signature, checksumOf }: HeadContent): Map<string, Uint8Array> {
  const { set, files } = plan;
  const text = volumeText(set, {
    number: layout.number,
    checksumOf: (digest, start) => checksumOf(digest, start) ?? unknownChecksum,
  });
  return new Map([
    ...files,
    [entryNames.set, Buffer.from(printSet(set))],
    [entryNames.volume, Buffer.from(text)],
    ...(signature === undefined ? [] : [[entryNames.signature, signature] as const]),
  ]);
}

function entryBytes(entry: VolumeEntry, content: Uint8Array): Uint8Array {
  const header = tarHeader(entry.name, content.length);
  const bytes = Buffer.alloc(header.length + paddedSize(entry.size));
  bytes.set(header);
  bytes.set(content, header.length);
  return bytes;
}
