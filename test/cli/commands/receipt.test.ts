import { describe, expect, it } from 'vitest';
import { parseReceipt, receiptName } from '../../../src/lock/receipt.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { actions, fault, startUpstream } from '../../support/faultyServer.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();
const mirrorTo = async (...to: readonly string[]) => {
  const ran = await world.folder.airgap(['mirror', pause, kubelet, ...world.from(), ...to]);
  expect(ran.status).toBe(0);
};

describe('airgap receipt', () => {
  it('prints the receipt of a registry and nothing else, and tells the rest on standard error', async () => {
    await mirrorTo(...world.to());
    const ran = await world.folder.airgap(['receipt', ...world.to()]);
    expect(ran.status).toBe(0);
    const receipt = parseReceipt(ran.stdout, 'stdout');
    expect(receipt.repositories.map(receiptName)).toEqual(['pause', 'siderolabs/kubelet']);
    expect([receipt.manifests.length, receipt.blobs.length]).toEqual([7, 11]);
    expect(ran.stderr).toMatch(
      /^receipt of http:\/\/127\S+: 2 repositories, 3 tags, 7 manifests, 11 blobs, [\d.]+ kB\n$/,
    );
    expect((await world.folder.airgap(['receipt', ...world.to()])).stdout).toBe(ran.stdout);
    expect(world.written.slice(-20).every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(true);
  });

  it('states a directory by upstream names, into a file', async () => {
    await mirrorTo();
    const ran = await world.folder.airgap(['receipt', '--output', 'site.receipt', '--quiet']);
    expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
    const receipt = parseReceipt(world.folder.read('site.receipt'), 'x');
    expect(receipt.site).toBe('oci:airgap-mirror');
    expect(receipt.repositories.map(receiptName)).toEqual(['ghcr.io/siderolabs/kubelet', 'registry.k8s.io/pause']);
  });

  it('asks for what a lock names where the registry does not list, and says so without one', async () => {
    const faults = [fault({ path: /_catalog/ }, actions.status(401))];
    const registry = await startUpstream({ store: openMemory(), faults, serve: { writable: true } });
    try {
      const to = ['--to', `${registry.url}/infra`, '--prefix-by-registry'];
      await mirrorTo(...to);
      const ran = await world.folder.airgap(['receipt', ...to]);
      expect([ran.status, ran.stdout]).toEqual([4, '']);
      expect(ran.stderr).toMatch(/does not list its repositories[\s\S]*hint: .*--lock FILE/);
      const locked = await world.folder.airgap(['receipt', '--to', `${registry.url}/infra`, '--lock', 'airgap.lock']);
      expect(locked.status).toBe(0);
      const { repositories, blobs } = parseReceipt(locked.stdout, 'x');
      expect(repositories.map(({ prefix, path }) => [prefix, path])).toEqual([
        ['infra', 'ghcr.io/siderolabs/kubelet'],
        ['infra', 'registry.k8s.io/pause'],
      ]);
      expect(blobs).toHaveLength(11);
    } finally {
      await registry.close();
    }
  });

  it('does not pass over that nothing was found', async () => {
    const ran = await world.folder.airgap(['receipt', ...world.to()]);
    expect([ran.status, parseReceipt(ran.stdout, 'x').repositories]).toEqual([0, []]);
    expect(ran.stderr).toMatch(/0 repositories[\s\S]*nothing was found.*--lock/);
  });

  it.each([
    [['--to', 'bundle:x.tar'], 2, 'Cannot write a receipt of a bundle'],
    [['--to', 'oci:nowhere'], 2, 'it does not exist'],
    [['--lock', 'a', '--output', 'a'], 2, 'one file for --lock and --output'],
    [['--lock', 'a'], 2, 'file not found'],
    [['--to', 'http://127.0.0.1:1', '--retries', '0'], 4, '127.0.0.1:1'],
  ])('refuses %j with status %i', async (argv, status, message) => {
    const ran = await world.folder.airgap(['receipt', ...argv]);
    expect([ran.status, ran.stdout]).toEqual([status, '']);
    expect(ran.stderr).toContain(message);
  });
});
