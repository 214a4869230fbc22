/** From what a bundle will hold to its set: which volumes, which bytes in which. The same contents give the same set, in whatever order they come. Pure. */
import { AirgapError } from '../../errors.ts';
import { type Digest, digestOf } from '../../oci/digest.ts';
import { layoutFileText } from '../layout/index-file.ts';
import type { BundleContents } from './bundle.ts';
import { bundleNames } from './bundle-names.ts';
import { mostVolumes, type Packable, packBlobs } from './packing.ts';
import { printSet, printVolume, type SetDraft, setIdOf } from './print-set.ts';
import { type BundleSet, entryNames } from './set.ts';
import { blockSize } from './tar-fields.ts';
import { endSize, entrySize, paddedSize } from './tar-header.ts';
import { manifestEntryName, signatureLimit } from './volume-layout.ts';

export interface BundlePlan {
  readonly set: BundleSet;
  /** Content of the set's files, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface PlanOptions {
  /** Largest volume in bytes. Undefined: one file, as large as it gets. */
  readonly volumeSize: number | undefined;
  /** Room is kept for a signature. */
  readonly signed: boolean;
}

/** A set without what depends on the packing. */
type Unpacked = Omit<SetDraft, 'volumes' | 'blobs'>;

/** Throws ERR_USAGE, naming the smallest size that works, where volumes are too small; ERR_INPUT_INVALID for contents that contradict themselves. */
export function planBundle(contents: BundleContents, options: PlanOptions): BundlePlan {
  const files = filesOf(contents);
  const manifests = uniqueContent(contents.images.flatMap((image) => image.manifests.map((one) => one.descriptor)));
  const isManifest = new Set(manifests.map(({ digest }) => digest));
  const isBase = new Set(contents.base.map(({ digest }) => digest));
  const blobs = uniqueContent(contents.blobs.filter(({ digest }) => !isManifest.has(digest) && !isBase.has(digest)));
  const unpacked: Unpacked = {
    version: 1,
    ...(options.volumeSize === undefined ? {} : { volumeSize: options.volumeSize }),
    ...(contents.talos === undefined ? {} : { talos: contents.talos }),
    files: [...files].map(([name, bytes]) => ({ name, size: bytes.length, digest: digestOf(bytes) })),
    manifests,
    base: baseOf(contents, isManifest),
  };
  const draft = pack(unpacked, { blobs, ...options });
  if (draft === undefined) throw tooSmall(unpacked, { blobs, ...options });
  return { set: { ...draft, id: setIdOf(draft) }, files };
}

type Packing = PlanOptions & { readonly blobs: readonly Packable[] };

/** The size of `set.json` follows from the packing, and the packing from that size: repeated until both agree. */
function pack(unpacked: Unpacked, packing: Packing): SetDraft | undefined {
  let document = 0;
  for (;;) {
    const room =
      packing.volumeSize === undefined ? Number.MAX_SAFE_INTEGER : roomOf(unpacked, { ...packing, document });
    const packed = packBlobs(packing.blobs, room);
    if (packed === undefined) return undefined;
    const draft = { ...unpacked, ...packed };
    const size = paddedSize(Buffer.byteLength(printSet({ ...draft, id: '0'.repeat(64) })));
    if (packing.volumeSize === undefined || size <= document) return draft;
    document = size;
  }
}

/** Bytes of a volume that are left for blobs and their lines in `volume.json`. */
function roomOf(unpacked: Unpacked, options: Packing & { readonly document: number }): number {
  const named = [
    ...unpacked.files,
    ...unpacked.manifests.map(({ digest, size }) => ({ name: manifestEntryName(digest), size })),
    { name: entryNames.set, size: options.document },
    ...(options.signed ? [{ name: entryNames.signature, size: signatureLimit }] : []),
    { name: entryNames.volume, size: emptyVolumeSize + blockSize },
  ];
  const fixed = named.reduce((total, { name, size }) => total + entrySize(name, size), endSize);
  return (options.volumeSize ?? 0) - fixed;
}

/** Bytes of `volume.json` without content, at most. */
const emptyVolumeSize = Buffer.byteLength(
  printVolume({ version: 1, set: '0'.repeat(64), number: mostVolumes, volumes: mostVolumes, content: [] }),
);

function tooSmall(unpacked: Unpacked, packing: Packing): AirgapError {
  const works = (blocks: number) => {
    const volumeSize = blocks * blockSize;
    return pack({ ...unpacked, volumeSize }, { ...packing, volumeSize }) !== undefined;
  };
  let fails = Math.floor((packing.volumeSize ?? 0) / blockSize);
  let enough = Math.max(1, fails);
  while (!works(enough)) {
    fails = enough;
    enough *= 2;
  }
  while (enough - fails > 1) {
    const middle = Math.floor((fails + enough) / 2);
    if (works(middle)) enough = middle;
    else fails = middle;
  }
  const state = `volumes of ${packing.volumeSize} bytes are too small for what each has to hold`;
  return new AirgapError('ERR_USAGE', `Cannot write bundle: ${state}, or more than ${mostVolumes} are needed`, {
    hint: `use --volume-size ${enough * blockSize} or more`,
  });
}

/** Each digest once, sorted. */
function uniqueContent(descriptors: readonly Packable[]): Packable[] {
  const found = new Map<Digest, Packable>();
  let total = 0;
  for (const { digest, size } of descriptors) {
    const known = found.get(digest);
    if (known === undefined) total += size;
    else if (known.size !== size)
      throw contradiction(`content "${digest}" should have ${known.size} and ${size} bytes`);
    found.set(digest, { digest, size });
    // Half of what numbers hold is left to headers and fillings.
    if (total > Number.MAX_SAFE_INTEGER / 2) throw contradiction('the sizes of its content add up to more than can be');
  }
  return [...found.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

function baseOf(contents: BundleContents, isManifest: ReadonlySet<Digest>): BundleSet['base'] {
  const base = new Map(contents.base.filter(({ digest }) => !isManifest.has(digest)).map((one) => [one.digest, one]));
  return [...base.values()]
    .sort((a, b) => (a.digest < b.digest ? -1 : 1))
    .map((one) => ({ ...one, upstream: sortedOnce(one.upstream), repositories: sortedOnce(one.repositories) }));
}

function sortedOnce(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

function filesOf(contents: BundleContents): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([
    ['oci-layout', Buffer.from(layoutFileText)],
    ['index.json', Buffer.from(bundleNames(contents.images).text())],
  ]);
  for (const { name, bytes } of contents.files) {
    if (files.has(name)) throw contradiction(`two files would be named "${name}"`);
    files.set(name, bytes);
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function contradiction(state: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot write bundle: ${state}`);
}
