import { describe, expect, it } from 'vitest';
import { talosMirrorImages, talosReleases } from '../../src/talos/catalogue.ts';
import { diffReleases } from '../../src/talos/release-diff.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';

const v = parseTalosVersion;

describe('diffReleases()', () => {
  it('tells what is added, removed, changed and the same', () => {
    const changes = diffReleases(v('v1.11.6'), v('v1.12.11'));
    const of = (part: string) => changes.filter(({ repository }) => repository.endsWith(part));
    expect(of('/flannel')).toEqual([
      { repository: 'ghcr.io/siderolabs/flannel', state: 'same', from: 'v0.27.4', to: 'v0.27.4' },
    ]);
    expect(of('/etcd')).toEqual([
      { repository: 'gcr.io/etcd-development/etcd', state: 'removed', from: 'v3.6.5', to: undefined },
      { repository: 'registry.k8s.io/etcd', state: 'added', from: undefined, to: 'v3.6.11' },
    ]);
    expect(of('/kubelet')).toMatchObject([{ state: 'changed', from: 'v1.34.1', to: 'v1.35.4' }]);
  });

  it('compares etcd of arm64 nodes with its like, and leaves it out for amd64 alone', () => {
    const etcd = (arch: 'amd64' | 'both') =>
      diffReleases(v('v1.6.8'), v('v1.7.7'), { arch }).filter(({ repository }) => repository.endsWith('/etcd'));
    expect(etcd('both').map(({ from, to }) => [from, to])).toEqual([
      ['v3.5.11', 'v3.5.13'],
      ['v3.5.11-arm64', 'v3.5.13-arm64'],
    ]);
    expect(etcd('amd64')).toHaveLength(1);
  });

  it('has every image of both, of any two neighbours', () => {
    const releases = talosReleases();
    for (const [index, { version }] of releases.entries()) {
      const next = releases[index + 1]?.version;
      if (next === undefined) continue;
      const changes = diffReleases(version, next);
      const sides = changes.flatMap(({ repository, from, to }) => [
        from === undefined ? [] : [`a ${repository}:${from}`],
        to === undefined ? [] : [`b ${repository}:${to}`],
      ]);
      const expected = [
        ...talosMirrorImages(version).map(({ reference }) => `a ${reference}`),
        ...talosMirrorImages(next).map(({ reference }) => `b ${reference}`),
      ];
      expect(sides.flat().sort()).toEqual(expected.sort());
    }
  });
});
