/** The registry part of the configuration alone. */
import type { EmittedFile } from './emitted.ts';
import type { TalosMirrorOptions } from './talos/mirrors.ts';
import { emitTalosConfig } from './talos-config.ts';

export { nodeMirrorsOf } from './talos/mirrors.ts';

export interface TalosRegistriesOptions extends TalosMirrorOptions {
  /** PEM of the authority that vouches for the endpoints with https. Default: one the nodes know already. */
  readonly authority?: string | undefined;
}

/**
 * One file, `talos-registries.yaml`, that works both as `--patch @FILE` and as `--config-patch @FILE`. Sorted by registry; the same
 * input gives the same bytes. Throws as emitTalosConfig().
 */
export function emitTalosRegistries(options: TalosRegistriesOptions): EmittedFile[] {
  return emitTalosConfig({ ...options, split: true }).files;
}
