/** What a node makes of a text that was emitted for it. */
import { manifestUrlAt, nodePull } from '../../src/node/node-pull.ts';
import type { Puller } from '../../src/node/pull.ts';
import { readNodeConfig } from '../../src/node/read-config.ts';
import type { Reference } from '../../src/oci/reference.ts';
import type { NodeMirror } from '../../src/talos/node-mirrors.ts';
import type { TalosVersion } from '../../src/talos/version.ts';

export function readMirrors(text: string): readonly NodeMirror[] {
  return readNodeConfig([{ name: 'emitted.yaml', text }]).mirrors;
}

/** The manifest URLs a node asks in order, without `?ns=`. */
export function askedUrls(
  text: string,
  image: Reference,
  node: { readonly version: TalosVersion; readonly puller: Puller },
): string[] {
  const pull = nodePull(readNodeConfig([{ name: 'emitted.yaml', text }]), image, node);
  const { repository, tag, digest } = pull.image;
  return pull.steps.map((step) => manifestUrlAt({ ...step, ns: undefined }, repository, digest ?? tag ?? 'latest'));
}
