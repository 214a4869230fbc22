/** The end of a mirror into an image cache: the OCI form is made, and what a node needs for it is written down. */
import { dirname, join, parse } from 'node:path';
import { type ImageCache, isImageCache } from '../../store/image-cache/image-cache.ts';
import type { Target } from '../../store/store.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { writeFileAtomic } from '../files.ts';
import { configVersionFor } from '../placing.ts';
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
  const text = cachePatch(version, bytes);
  const patch = text === undefined ? undefined : cachePatchFile(settings.lockFile);
  if (text !== undefined && patch !== undefined) await writeFileAtomic(patch, text);
  else reporter.event({ type: 'notice', message: noCache(version), isWarning: true });
  return { form: target.form, bytes, isNew, version, patch };
}

function noCache(version: TalosVersion): string {
  return `Talos ${printTalosVersion(version)} has no image cache: nodes have one from v1.9.0 on`;
}
