/** The end of a mirror into an image cache: the OCI form is made, and what a node needs for it is written down. */
import { dirname, join, parse } from 'node:path';
import { type ImageCache, isImageCache } from '../../store/image-cache/image-cache.ts';
import type { Target } from '../../store/store.ts';
import { isSince, printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { writeFileAtomic } from '../files.ts';
import { configVersionFor } from '../placing.ts';
import { counted } from '../report/text.ts';
import type { Session } from '../session.ts';
import { cachePatch } from './node-volume.ts';

export interface WrittenCache {
  readonly form: ImageCache['form'];
  /** Bytes of all files of the tree. */
  readonly bytes: number;
  /** False: an OCI form that had everything already is as it was. */
  readonly isNew: boolean;
  /** The release it is for. */
  readonly version: TalosVersion;
  /** The file with the node's settings; undefined where the release has no image cache. */
  readonly patch: string | undefined;
}

/** The release in whose source it was seen that a node tells such a manifest's type from its shape; those of 1.9 do not. */
const typedSince = '1.13.9';

/** `airgap-image-cache.yaml` for `airgap.lock`. */
export function cachePatchFile(lockFile: string): string {
  return join(dirname(lockFile), `${parse(lockFile).name}-image-cache.yaml`);
}

/** Undefined for any other target, and where no image stands. */
export async function finishCache(
  { settings, reporter, signal }: Session,
  ended: { readonly target: Target; readonly images: number; readonly talos: TalosVersion | undefined },
): Promise<WrittenCache | undefined> {
  const { target, images } = ended;
  if (images === 0 || !isImageCache(target)) return undefined;
  const bytes = await target.treeBytes();
  const isNew = await target.seal({ signal });
  const version = configVersionFor(settings, ended.talos);
  const untyped = isSince(version, typedSince) ? [] : await target.untyped();
  if (untyped.length > 0) reporter.event({ type: 'notice', message: untypedText(untyped), isWarning: true });
  const text = cachePatch(version, bytes);
  const patch = text === undefined ? undefined : cachePatchFile(settings.lockFile);
  if (text !== undefined && patch !== undefined) await writeFileAtomic(patch, text);
  else reporter.event({ type: 'notice', message: noCache(version), isWarning: true });
  return { form: target.form, bytes, isNew, version, patch };
}

function untypedText(references: readonly string[]): string {
  const [first = ''] = references;
  const what = `${counted(references.length, 'manifest')} without a media type of ${references.length === 1 ? 'its' : 'their'} own`;
  return `${what} (${first}): nodes before v${typedSince} may answer a request for such with an error, and pull it from a registry instead`;
}

function noCache(version: TalosVersion): string {
  return `Talos ${printTalosVersion(version)} has no image cache: nodes have one from v1.9.0 on`;
}
