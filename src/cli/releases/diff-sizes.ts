/** How large the images of two releases are, as their registries say. */
import { parseReferences } from '../../input/list.ts';
import type { Digest } from '../../oci/digest.ts';
import { printReference } from '../../oci/reference.ts';
import { resolveImages } from '../../resolve/resolve.ts';
import type { ResolvedImage } from '../../resolve/resolved.ts';
import type { ImageChange } from '../../talos/release-diff.ts';
import { type Failure, failuresOf } from '../failures.ts';
import { openSource } from '../open.ts';
import type { Session } from '../session.ts';

export interface ImageBytes {
  /** Manifests and blobs of the platforms asked for, each once. */
  readonly bytes: number;
  /** Of those, what no image of the first release has. */
  readonly newBytes: number;
}

export interface DiffSizes {
  /** By reference of the second release. Without those that could not be asked. */
  readonly images: ReadonlyMap<string, ImageBytes>;
  /** Content shared by images counted once. */
  readonly total: ImageBytes;
  readonly failures: readonly Failure[];
}

/** The references a change is between; undefined where there is none. */
export function referencesOf({ repository, from, to }: ImageChange): { readonly from?: string; readonly to?: string } {
  return {
    ...(from === undefined ? {} : { from: `${repository}:${from}` }),
    ...(to === undefined ? {} : { to: `${repository}:${to}` }),
  };
}

/** Reads the manifests of both releases. Nothing of a blob is fetched but configs that must tell a platform. Throws when the source cannot be opened. */
export async function diffSizes(session: Session, changes: readonly ImageChange[]): Promise<DiffSizes> {
  const { settings, signal, reporter } = session;
  const pairs = changes.map(referencesOf);
  const references = [...new Set(pairs.flatMap(({ from, to }) => [from, to]))].filter((text) => text !== undefined);
  const requests = parseReferences('catalogue', references);
  const upstreams = requests.map(({ reference }) => reference.registry);
  const source = await openSource(session, upstreams);
  try {
    const { images, failures } = await resolveImages(
      requests.map((request) => ({ ...request, target: request.reference })),
      { source: source.store, wish: settings.wish, signatures: false, signal, events: reporter.event },
    );
    const contents = new Map(images.map((image) => [printReference(image.reference), contentOf(image)]));
    return {
      ...bytesOf(pairs, contents),
      failures: failuresOf({ failures }),
    };
  } finally {
    await source.close();
  }
}

type Content = ReadonlyMap<Digest, number>;

function contentOf(image: ResolvedImage): Content {
  const descriptors = [...image.manifests.map(({ descriptor }) => descriptor), ...image.blobs];
  return new Map(descriptors.map(({ digest, size }) => [digest, size]));
}

function bytesOf(
  pairs: readonly { readonly from?: string; readonly to?: string }[],
  contents: ReadonlyMap<string, Content>,
): Pick<DiffSizes, 'images' | 'total'> {
  const of = (reference: string | undefined): Content | undefined =>
    reference === undefined ? undefined : contents.get(reference);
  const before = new Set(pairs.flatMap(({ from }) => [...(of(from)?.keys() ?? [])]));
  const count = (content: Content): ImageBytes => {
    const entries = [...content];
    const sum = (list: typeof entries): number => list.reduce((total, [, size]) => total + size, 0);
    return { bytes: sum(entries), newBytes: sum(entries.filter(([digest]) => !before.has(digest))) };
  };
  const after = pairs.flatMap(({ to }) => {
    const content = of(to);
    return to === undefined || content === undefined ? [] : [{ to, content }];
  });
  const all: Content = new Map(after.flatMap(({ content }) => [...content]));
  return { images: new Map(after.map(({ to, content }) => [to, count(content)])), total: count(all) };
}
