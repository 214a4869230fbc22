/** What was found of one image or of a part of it, and how parts are put together. */
import type { NodePull } from '../../node/pull.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { type Platform, printPlatform } from '../../oci/platform.ts';
import type { Asker, Looked } from './asker.ts';
import { type FailureContext, failureOf, repairOf, saidOf } from './failure.ts';
import type { PullFailure, Trail } from './verdict.ts';

export interface PullExpectation extends FailureContext {
  /** What the name has to stand for; undefined: anything. */
  readonly digest: Digest | undefined;
  /** Children left out of the mirror on purpose. */
  readonly omitted: ReadonlySet<Digest>;
  /** Platforms that have to be there; empty: those of the image. */
  readonly platforms: readonly Platform[];
  /** Read and hash every blob. */
  readonly deep: boolean;
}

/** One pull, and what is needed to follow it. */
export interface Pulling {
  readonly pull: NodePull;
  readonly asker: Asker;
  readonly expected: PullExpectation;
}

/** In the order a node meets it. */
export interface Found {
  readonly trails: readonly Trail[];
  readonly failures: readonly PullFailure[];
  readonly blobs: readonly Descriptor[];
  /** Whose content was looked for. */
  readonly platforms: readonly Platform[];
  /** All that the image names. */
  readonly offered: readonly Platform[];
}

export const nothing: Found = { trails: [], failures: [], blobs: [], platforms: [], offered: [] };

export function joined(parts: readonly Found[]): Found {
  return {
    trails: parts.flatMap(({ trails }) => trails),
    failures: parts.flatMap(({ failures }) => failures),
    blobs: parts.flatMap(({ blobs }) => blobs),
    platforms: parts.flatMap(({ platforms }) => platforms),
    offered: parts.flatMap(({ offered }) => offered),
  };
}

/** Something that no step has. */
export function failed(looked: Looked, { pull, expected }: Pulling): Found {
  const failure = failureOf(looked, pull, expected);
  return { ...nothing, trails: [looked.trail], failures: failure === undefined ? [] : [failure] };
}

/** Something that is there and is not what it should be; the node goes to no other step then. */
export function differing(looked: Looked, answered: string, { expected }: Pulling): PullFailure {
  return { verdict: 'wrong-digest', ...placeOf(looked), answered, todo: repairOf(expected) };
}

/** An answer that a node cannot use. */
export function unusable(looked: Looked, answered: string): PullFailure {
  const last = looked.trail.asked.at(-1);
  const todo = `look at what answers there${last === undefined ? '' : `: ${saidOf(last)}`}`;
  return { verdict: 'cannot-pull', ...placeOf(looked), answered, todo };
}

/** `sha256:… (linux/amd64)`. */
export function labelOf({ digest, platform }: Descriptor): string {
  return platform === undefined ? digest : `${digest} (${printPlatform(platform)})`;
}

function placeOf({ trail }: Looked): Pick<PullFailure, 'what' | 'url'> {
  const last = trail.asked.at(-1);
  return { what: `${trail.purpose} ${trail.what}`, ...(last !== undefined && { url: last.url }) };
}
