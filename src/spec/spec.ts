/**
 * airgap.yaml: everything a command line can say, declared in one file. This is its only description: the parser, the JSON schema and
 * the pages come from it. Two levels, groups and keys; each key stands for one option of the same meaning.
 */
import type { AskedImage } from '../oci/retag.ts';
import { bundleKeys, connectionKeys, fileKeys, sourceKeys, targetKeys } from './end-keys.ts';
import { imageKeys } from './image-keys.ts';
import type { Group, Key } from './key.ts';
import { nodeKeys } from './node-keys.ts';

/** A text of the file and where it stands. */
export interface SpecValue {
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

/** One key that the file has. */
export interface SpecEntry {
  readonly group: string;
  readonly key: Key;
  /** True or false for a switch, and for an optional without a text; then `values` is empty. */
  readonly on?: boolean;
  /** In the order of the file; of pairs as `NAME=VALUE`. */
  readonly values: readonly SpecValue[];
  /** Of the key itself, counted from 1. */
  readonly line: number;
}

/** An image that the file names itself. */
export interface SpecImage extends AskedImage {
  readonly line: number;
}

/** The file as it was read. */
export interface Spec {
  /** As it was given, for messages. */
  readonly name: string;
  /** In the order of the file, without those that name images themselves. */
  readonly entries: readonly SpecEntry[];
  /** `references` and `retag`. */
  readonly images: readonly SpecImage[];
}

/** The groups in the order of the pages. */
export const specGroups: readonly Group[] = [
  { name: 'images', says: 'Which images.', keys: imageKeys },
  { name: 'source', says: 'Where they come from.', keys: sourceKeys },
  { name: 'target', says: 'Where they go.', keys: targetKeys },
  { name: 'bundle', says: 'How a bundle is written, where the target is one.', keys: bundleKeys },
  { name: 'nodes', says: 'What nodes are told: the Talos configuration.', keys: nodeKeys },
  { name: 'connections', says: 'How registries are reached.', keys: connectionKeys },
  { name: 'files', says: 'What is written beside the images.', keys: fileKeys },
];

/** The only version of the format. */
export const specVersion = 1;
