/** `airgap catalogue`: the releases that are known, and how others become known. */
import type { Invocation } from '../define/wiring.ts';
import { addRelease } from '../releases/add.ts';
import { listCatalogue } from '../releases/list.ts';
import { updateCatalogue } from '../releases/update.ts';
import { usageError } from '../values.ts';

/** Options that one action has alone. */
const ownOptions: readonly (readonly [action: string, flag: string, option: string])[] = [
  ['update', 'fromRegistry', '--from-registry'],
  ['update', 'runTalosctl', '--run-talosctl'],
  ['add', 'list', '--list'],
  ['add', 'installImage', '--install-image'],
  ['add', 'kubernetesRange', '--kubernetes-range'],
  ['add', 'upgradeFrom', '--upgrade-from'],
];

/** Throws ERR_USAGE for an option that the action would pass over. */
function refuseForeign({ inputs: [action = 'list'], flags }: Invocation): void {
  const foreign = ownOptions.find(([owner, flag]) => owner !== action && flags[flag] !== undefined);
  if (foreign === undefined) return;
  const [owner, , option] = foreign;
  throw usageError(`Cannot use ${option} with "catalogue ${action}": it is for "catalogue ${owner}"`);
}

export async function catalogue(invocation: Invocation): Promise<number> {
  refuseForeign(invocation);
  switch (invocation.inputs[0]) {
    case 'add':
      return addRelease(invocation);
    case 'update':
      return updateCatalogue(invocation);
    default:
      return listCatalogue(invocation);
  }
}
