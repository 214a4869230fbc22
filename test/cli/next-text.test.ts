import { describe, expect, it } from 'vitest';
import { type Ended, nextLines } from '../../src/cli/next-text.ts';
import { readSettings } from '../../src/cli/settings.ts';

const context = { cwd: '/somewhere', env: {}, stdout: {}, stderr: {} };
const written = { files: [{ path: '/somewhere/v.tar', size: 1 }] } as unknown as Ended['bundle'];
type Context = Parameters<typeof readSettings>[2];

function next(flags: Parameters<typeof readSettings>[1], ended: Partial<Ended> = {}): string[] {
  const settings = readSettings([], flags, context as unknown as Context);
  return nextLines({ settings, files: { lock: '/somewhere/airgap.lock' }, failures: 0, mirrored: 1, ...ended });
}

describe('nextLines()', () => {
  it('puts what commands are for below each other', () => {
    const steps = next({}).filter((line) => line.startsWith('  '));
    const columns = steps.map((line) => line.search(/for the nodes$|ADDRESS: this|to put it/));
    expect(steps).toHaveLength(3);
    expect(steps.map((line) => /^ {2}airgap (\w+)/.exec(line)?.[1])).toEqual(['serve', 'emit', 'mirror']);
    expect(new Set(columns)).toEqual(new Set([columns[0]]));
    expect(columns[0]).toBeGreaterThan(40);
  });

  it('puts it under them where the terminal is too narrow', () => {
    const steps = next({ to: 'bundle:talos.tar' }, { bundle: written, columns: 80 });
    expect(steps.slice(-6).map((line) => /^ +/.exec(line)?.[0].length)).toEqual([2, 6, 2, 6, 2, 6]);
    expect(Math.max(...steps.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('shows how a configuration is proven before nodes are given it, where they can ask', () => {
    const files = { lock: '/somewhere/airgap.lock', patch: '/somewhere/site talos.yaml', talos: 'v1.13.9' };
    expect(next({ to: '10.5.0.1:6000', lock: 'my site.lock' }, { files }).slice(-2)).toEqual([
      "  airgap verify --as talos@v1.13.9 --lock 'my site.lock' --config controlplane.yaml --config 'site talos.yaml'  on your own configuration: will nodes find every image?",
      "  talosctl patch machineconfig --nodes NODE --patch '@site talos.yaml'",
    ]);
    const unreachable = { ...files, unreachable: 'http://127.0.0.1:6000' };
    expect(next({ to: '127.0.0.1:6000' }, { files: unreachable }).join()).not.toContain('verify --as');
    expect(next({ to: 'bundle:a.tar' }, { files, bundle: written }).join()).not.toContain('verify --as');
  });

  it('tells images that wait for volumes from images that failed', () => {
    expect(next({ to: '10.5.0.1:6000' }, { failures: 3, waiting: 2, mirrored: 0 }).slice(-2)).toEqual([
      '  run the same command again with the next volumes: what was here is loaded and stays (2 images wait)',
      '  run the same command again when the cause is gone: it copies only what is missing (1 image failed)',
    ]);
  });

  it('sends one volume to the others of its set', () => {
    const lines = next({ to: 'bundle:again/', volumeSize: '4GiB', volume: '2' }, { bundle: written });
    expect(lines.at(-1)).toMatch(/^ {2}put it with the other volumes/);
  });
});
