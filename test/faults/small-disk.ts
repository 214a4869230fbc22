/** A layout on a disk of 1 MB: a tmpfs of its own, where the machine lets us mount one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLayout } from '../../src/store/layout/open.ts';
import type { Target } from '../../src/store/store.ts';

const places = new WeakMap<Target, string>();

/** Whether a tmpfs can be mounted here: as root, in a container that may. */
export function tinyDisksWork(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'airgap-disk-'));
  try {
    mount(place, 'size=64k');
    execFileSync('umount', [place], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** An empty layout with room for 1 MB. Closing it removes the disk. */
export async function openTinyDisk(): Promise<Target> {
  const place = mkdtempSync(join(tmpdir(), 'airgap-disk-'));
  mount(place, 'size=1m');
  const layout = await openLayout(join(place, 'mirror'), { create: true });
  const target: Target = {
    repository: (name) => layout.repository(name),
    catalog: (options) => layout.catalog?.(options) ?? nothing(),
    acceptsSparseIndex: async (name, options) => await layout.acceptsSparseIndex?.(name, options),
    async close() {
      await layout.close();
      execFileSync('umount', [place]);
      rmSync(place, { recursive: true, force: true });
    },
  };
  places.set(target, place);
  return target;
}

/** Gives the disk 32 MB. */
export function growDisk(target: Target): void {
  const place = places.get(target);
  if (place === undefined) throw new Error('this target is on no disk of its own');
  mount(place, 'remount,size=32m');
}

function mount(place: string, options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', place], { stdio: 'ignore' });
}

async function* nothing(): AsyncGenerator<never> {}
