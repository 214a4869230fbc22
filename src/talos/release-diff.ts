/** What changes between two releases: image by image. */
import { type NodeArchitecture, talosMirrorImages } from './catalogue.ts';
import type { TalosCatalogue } from './releases.ts';
import type { TalosVersion } from './version.ts';

export interface ImageChange {
  /** With its registry. */
  readonly repository: string;
  readonly state: 'added' | 'removed' | 'changed' | 'same';
  /** Tag in the first release, and in the second. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/**
 * The default images and the install image of two releases, repository by repository, sorted. The etcd image of arm64 nodes, up
 * to Talos 1.7, is compared with its like. Default architecture both. Throws ERR_USAGE for a release without a list.
 */
export function diffReleases(
  from: TalosVersion,
  to: TalosVersion,
  options: { readonly catalogue?: TalosCatalogue | undefined; readonly arch?: NodeArchitecture | undefined } = {},
): ImageChange[] {
  const [before, after] = [from, to].map(
    (version) => new Map(talosMirrorImages(version, options).map(({ reference }) => keyAndTag(reference))),
  );
  const keys = [...new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])].sort();
  return keys.map((key) => change(key.split(' ')[0] ?? '', { from: before?.get(key), to: after?.get(key) }));
}

function change(repository: string, tags: Pick<ImageChange, 'from' | 'to'>): ImageChange {
  const { from, to } = tags;
  if (from === undefined) return { repository, state: 'added', from, to };
  if (to === undefined) return { repository, state: 'removed', from, to };
  return { repository, state: from === to ? 'same' : 'changed', from, to };
}

function keyAndTag(reference: string): [key: string, tag: string] {
  const colon = reference.lastIndexOf(':');
  const tag = reference.slice(colon + 1);
  return [`${reference.slice(0, colon)}${tag.endsWith('-arm64') ? ' arm64' : ''}`, tag];
}
