/** How much memory is in use, when what is garbage does not count. */
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of array buffers that something still holds. */
export async function usedBuffers(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 2; round += 1) {
    collect();
    await turn();
  }
  return process.memoryUsage().arrayBuffers;
}
