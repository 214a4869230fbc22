/** `airgap catalogue`: the releases that are known, and how others become known. */
import type { Invocation } from '../define/wiring.ts';
import { addRelease } from '../releases/add.ts';
import { listCatalogue } from '../releases/list.ts';
import { updateCatalogue } from '../releases/update.ts';

export function catalogue(invocation: Invocation): Promise<number> {
  switch (invocation.inputs[0]) {
    case 'add':
      return addRelease(invocation);
    case 'update':
      return updateCatalogue(invocation);
    default:
      return Promise.resolve(listCatalogue(invocation));
  }
}
