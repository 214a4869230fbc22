/**
 * Where a node finds an image's signature: three look-ups through the same mirrors, the first that has one counts
 * (siderolabs/talos v1.14.0, internal/pkg/containers/image/verify/internal/cosign/cosign.go, VerifyImage()). Whether a signature
 * is valid is not looked at.
 */
import { referrersUrlAt } from '../../node/node-pull.ts';
import type { SignaturePlace } from '../../node/verification.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { childrenOf, documentOf, type ManifestDocument } from '../../oci/manifest.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import { ContentCheck } from './content-check.ts';
import { repairOf } from './failure.ts';
import { type Found, failed, joined, nothing, type Pulling } from './found.ts';
import { resolveName } from './resolve-name.ts';
import type { PullFailure, SignatureAccount, Trail } from './verdict.ts';

/** How artifacts and layers begin that hold a Sigstore bundle, and the one type that the referrers API is asked for. */
const bundleType = 'application/vnd.dev.sigstore.bundle';
const bundleArtifact = `${bundleType}.v0.3+json`;
/** As many as a node looks at. */
const mostLayers = 100;

export interface SignaturesWanted {
  readonly digest: Digest;
  readonly because: string;
  /** Without one the image counts as not found. */
  readonly isDemanded: boolean;
}

interface LookUp {
  readonly place: SignaturePlace;
  readonly found: Found;
  /** Whole: manifest and blobs. */
  readonly isThere: boolean;
  /** The node goes no further: what is there is not whole. */
  readonly ends: boolean;
}

/** Throws only when interrupted. */
export async function checkSignatures(pulling: Pulling, wanted: SignaturesWanted): Promise<SignatureAccount> {
  const { digest, because } = wanted;
  const tag = digest.replace(':', '-');
  const trails: Trail[] = [];
  const failures: PullFailure[] = [];
  for (const ask of [
    () => byReferrers(pulling, digest),
    () => byTag(pulling, { tag, place: 'bundle-tag' }),
    () => byTag(pulling, { tag: `${tag}.sig`, place: 'signature-tag' }),
  ]) {
    const { place, found, isThere, ends } = await ask();
    trails.push(...found.trails);
    if (isThere) return { because, found: place, trails, ...earlierAsked(trails) };
    failures.push(...found.failures);
    if (ends) break;
  }
  const failure =
    failures.find(({ verdict }) => verdict !== 'not-found') ?? failures.at(-1) ?? unsigned(pulling, digest);
  if (!wanted.isDemanded) return { because, trails, note: 'no signature of a kind that nodes look for' };
  return { because, trails, failure };
}

async function byReferrers(pulling: Pulling, digest: Digest): Promise<LookUp> {
  const { pull, asker } = pulling;
  const looked = await asker.look(
    pull,
    {
      method: 'GET',
      url: (step) => withArtifactType(referrersUrlAt(step, pull.image.repository, digest)),
      accept: `${mediaTypes.ociIndex}, */*`,
      action: `list referrers of "${digest}"`,
      body: 'keep',
    },
    { purpose: 'referrers', what: digest, onlyOn404: true },
  );
  if (looked.outcome.kind !== 'answered') {
    return { place: 'referrers', found: failed(looked, pulling), isThere: false, ends: false };
  }
  const bundles = referrersIn(looked.outcome.reply.bytes).filter((one) => one.artifactType?.startsWith(bundleType));
  const start = { ...nothing, trails: [looked.trail] };
  const { found, isThere } = await firstWhole(pulling, bundles);
  return { place: 'referrers', found: joined([start, found]), isThere, ends: bundles.length > 0 };
}

async function byTag(
  pulling: Pulling,
  { tag, place }: { readonly tag: string; readonly place: SignaturePlace },
): Promise<LookUp> {
  const { found: resolved, root } = await resolveName(pulling, tag, 'signature');
  if (root === undefined) return { place, found: resolved, isThere: false, ends: false };
  const check = new ContentCheck(pulling);
  const { found, document } = await check.document(root, 'signature');
  const start = joined([resolved, found]);
  if (document === undefined) return { place, found: start, isThere: false, ends: false };
  const layers = place === 'signature-tag' ? layersOf(document) : await bundleLayers(check, document);
  if (layers.length === 0) return { place, found: start, isThere: false, ends: false };
  const parts = await Promise.all(layers.map((layer) => check.blob(layer)));
  const isThere = parts.some(({ failures }) => failures.length === 0);
  return { place, found: joined([start, ...parts]), isThere, ends: true };
}

/** The first that is whole; what is amiss with the others is no failure then. */
async function firstWhole(
  pulling: Pulling,
  referrers: readonly Descriptor[],
): Promise<{ readonly found: Found; readonly isThere: boolean }> {
  const parts: Found[] = [];
  for (const referrer of referrers) {
    const found = await new ContentCheck(pulling).content(referrer);
    parts.push(found);
    if (found.failures.length === 0) return { found: joined(parts), isThere: true };
  }
  return { found: joined(parts), isThere: false };
}

/** Of the manifest, or of those an index lists; which are asked for without being missed. */
async function bundleLayers(check: ContentCheck, { manifest }: ManifestDocument): Promise<Descriptor[]> {
  const isBundle = ({ mediaType }: Descriptor): boolean => mediaType.startsWith(bundleType);
  if (manifest.kind === 'image') return manifest.layers.slice(0, mostLayers).filter(isBundle);
  const children = childrenOf(manifest).slice(0, mostLayers);
  const documents = await Promise.all(
    children
      .filter(({ mediaType }) => mediaType === mediaTypes.ociManifest)
      .map(async (child) => (await check.document(child, 'signature')).document),
  );
  return documents.flatMap((document) => (document === undefined ? [] : layersOf(document).filter(isBundle)));
}

function layersOf({ manifest }: ManifestDocument): readonly Descriptor[] {
  return manifest.kind === 'image' ? manifest.layers.slice(0, mostLayers) : [];
}

function referrersIn(bytes: Uint8Array | undefined): readonly Descriptor[] {
  try {
    return bytes === undefined ? [] : childrenOf(documentOf(bytes, mediaTypes.ociIndex).manifest);
  } catch {
    return [];
  }
}

/** The keys in the order that Go's url.Values writes them in. */
function withArtifactType(text: string): string {
  const url = new URL(text);
  url.searchParams.set('artifactType', bundleArtifact);
  url.searchParams.sort();
  return url.href;
}

/** A look-up that nothing on site answered is no error to the node, but its request tries to leave the site. */
function earlierAsked(trails: readonly Trail[]): { readonly note?: string } {
  const host = trails.map(({ leavesTo }) => leavesTo).find((one) => one !== undefined);
  return host === undefined
    ? {}
    : { note: `${host} is asked before the signature is found: it fails, and the node goes on` };
}

function unsigned({ expected }: Pulling, digest: Digest): PullFailure {
  const what = `signature of ${digest}`;
  return { verdict: 'not-found', what, answered: 'none of the three look-ups has one', todo: repairOf(expected) };
}
