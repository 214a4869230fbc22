import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseReference, printReference } from '../../src/oci/reference.ts';
import {
  defaultInstallImage,
  talosBundle,
  talosImages,
  talosMirrorImages,
  talosReleases,
} from '../../src/talos/catalogue.ts';
import { parseTalosVersion, printTalosVersion } from '../../src/talos/version.ts';
import { errorOf } from '../support/errorOf.ts';

const v = parseTalosVersion;
const expected = JSON.parse(
  readFileSync(new URL('../../fixtures/talos/expected-lists.sha256.json', import.meta.url), 'utf8'),
) as Record<'lists' | 'bundles' | 'sources', Record<string, string>>;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('talosReleases()', () => {
  it('has every release of the full list and no other, oldest first', () => {
    const names = talosReleases().map((release) => printTalosVersion(release.version));
    expect(names).toHaveLength(115);
    expect(names).toEqual(Object.keys(expected.lists));
  });

  it('keeps the source of each list', () => {
    for (const release of talosReleases()) {
      const name = printTalosVersion(release.version);
      expect(sha256(release.source), name).toBe(expected.sources[name]);
    }
    expect(talosReleases()[0]?.verifiedAgainst).toContain('issues/5308');
  });
});

describe('talosImages()', () => {
  it.each(Object.keys(expected.lists))('prints the list of %s as talosctl does', (name) => {
    expect(sha256(talosImages(v(name)).images.join('\n'))).toBe(expected.lists[name]);
  });

  it('prints the sample of v1.13.9 line by line', () => {
    expect(talosImages(v('v1.13.9')).images).toEqual([
      'ghcr.io/siderolabs/flannel:0.28.8',
      'registry.k8s.io/coredns/coredns:v1.14.6',
      'registry.k8s.io/etcd:v3.6.12',
      'registry.k8s.io/pause:3.10.1',
      'registry.k8s.io/kube-apiserver:v1.36.3',
      'registry.k8s.io/kube-controller-manager:v1.36.3',
      'registry.k8s.io/kube-scheduler:v1.36.3',
      'registry.k8s.io/kube-proxy:v1.36.3',
      'ghcr.io/siderolabs/kubelet:v1.36.3',
      'registry.k8s.io/networking/kube-network-policies:v1.1.0',
    ]);
  });

  it('gives references that read back as they are, for every release', () => {
    for (const { version } of talosReleases()) {
      for (const { reference } of talosMirrorImages(version))
        expect(printReference(parseReference(reference))).toBe(reference);
    }
  });

  it('replaces the tags of Kubernetes and nothing else', () => {
    const own = talosImages(v('v1.14.4'));
    const asked = talosImages(v('v1.14.4'), { kubernetes: 'v1.33.5' });
    expect(asked.kubernetes).toBe('1.33.5');
    const changed = asked.images.filter((image, index) => image !== own.images[index]);
    expect(changed).toEqual([
      'registry.k8s.io/kube-apiserver:v1.33.5',
      'registry.k8s.io/kube-controller-manager:v1.33.5',
      'registry.k8s.io/kube-scheduler:v1.33.5',
      'registry.k8s.io/kube-proxy:v1.33.5',
      'ghcr.io/siderolabs/kubelet:v1.33.5',
    ]);
    expect(asked.notes.join()).toContain('v1.33.5 takes the place of the default v1.37.1');
    expect(talosImages(v('v1.14.4'), { kubernetes: '1.33.5' }).images).toEqual(asked.images);
  });

  it.each([
    ['v1.14.4', '1.31.9', '1.32-1.37'],
    ['v1.14.4', '1.38.0', '1.32-1.37'],
    ['v1.5.6', '1.25.0', '1.26-1.28'],
    ['v1.6.8', '1.30.0', '1.24-1.29'],
    ['v1.4.8', '1.24.0', '1.25-1.27'],
    ['v1.0.6', '1.24.0', '1.21-1.23'],
    ['v1.14.4', '2.35.0', '1.32-1.37'],
  ])('refuses for %s Kubernetes %s and names %s', (talos, kubernetes, range) => {
    const error = errorOf(() => talosImages(v(talos), { kubernetes }));
    expect(error.code).toBe('ERR_USAGE');
    expect(error.message).toContain(`it supports ${range}`);
  });

  it('accepts the default of every release and the ends of each range', () => {
    for (const { version, kubernetes } of talosReleases()) {
      expect(talosImages(version, { kubernetes }).images).toEqual(talosImages(version).images);
    }
    expect(talosImages(v('1.14.4'), { kubernetes: '1.32.0' }).kubernetes).toBe('1.32.0');
    expect(talosImages(v('1.14.4'), { kubernetes: '1.37.9' }).kubernetes).toBe('1.37.9');
  });

  it('says that a range before Talos 1.5 comes from documentation', () => {
    expect(talosImages(v('1.3.7'), { kubernetes: '1.25.9' }).notes.join()).toContain('support matrix');
  });

  it('refuses a Kubernetes version without three numbers', () => {
    expect(errorOf(() => talosImages(v('1.14.4'), { kubernetes: '1.36' }))).toMatchObject({ code: 'ERR_USAGE' });
  });

  it.each([
    ['v1.14.2', 'it was published, but its list is not in the catalogue', ['v1.14.1', 'v1.14.4', 'image k8s-bundle']],
    ['v1.12.12', 'it was published', ['v1.12.11', 'v1.13.0']],
    ['v1.12.13', 'the catalogue does not know', ['v1.12.11', 'v1.13.0', 'v1.12.12']],
    ['v1.14.0-rc.0', 'the catalogue does not know', ['v1.13.9', 'v1.14.0-rc.1', 'v1.14.3']],
    ['v2.3.4', 'the catalogue does not know', ['v1.14.4']],
    ['v0.3.0', 'the catalogue does not know', ['v1.0.0']],
    ['v1.11.9', 'the catalogue does not know', ['v1.11.6', 'v1.12.0', 'talosctl image default']],
  ])('refuses %s: %s', (name, state, hinted) => {
    const error = errorOf(() => talosImages(v(name)));
    expect(error.code).toBe('ERR_USAGE');
    expect(error.message).toContain(state);
    for (const text of hinted) expect(error.hint).toContain(text);
  });

  it('prints etcd as talosctl on the asked architecture does, up to 1.7', () => {
    const etcd = (name: string, arch: 'amd64' | 'arm64' | 'both') =>
      talosImages(v(name), { arch }).images.filter((image) => image.includes('/etcd:'));
    expect(etcd('1.7.7', 'amd64')).toEqual(['gcr.io/etcd-development/etcd:v3.5.13']);
    expect(etcd('1.7.7', 'arm64')).toEqual(['gcr.io/etcd-development/etcd:v3.5.13-arm64']);
    expect(etcd('1.7.7', 'both')).toEqual([
      'gcr.io/etcd-development/etcd:v3.5.13',
      'gcr.io/etcd-development/etcd:v3.5.13-arm64',
    ]);
    expect(etcd('1.8.0', 'both')).toEqual(['gcr.io/etcd-development/etcd:v3.5.16']);
  });

  it('notes what a reader should know', () => {
    expect(talosImages(v('1.13.1')).notes.join()).toContain('withdrawn');
    expect(talosImages(v('1.14.4')).notes.join()).toContain('release notes');
    expect(talosImages(v('1.14.0-rc.1')).notes.join()).toContain('pre-release');
    expect(talosImages(v('1.7.7')).notes.join()).toContain('-arm64');
    expect(talosImages(v('1.13.9')).notes).toEqual([]);
  });
});

describe('talosMirrorImages()', () => {
  const reasons = (name: string) =>
    talosMirrorImages(v(name)).filter((image) => image.reason !== 'default image of the release');

  it('adds the installer where the list lacks it', () => {
    expect(reasons('1.12.11')).toEqual([
      { reference: 'ghcr.io/siderolabs/installer:v1.12.11', reason: 'default install image' },
    ]);
    expect(reasons('1.14.4')).toEqual([
      {
        reference:
          'factory.talos.dev/metal-installer/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba:v1.14.4',
        reason: 'default install image',
      },
    ]);
  });

  it('does not add it twice, and adds the etcd of arm64 nodes up to 1.7', () => {
    expect(talosMirrorImages(v('1.11.6'))).toHaveLength(talosImages(v('1.11.6')).images.length);
    expect(reasons('1.0.6')).toEqual([
      { reference: 'gcr.io/etcd-development/etcd:v3.5.3-arm64', reason: 'etcd of arm64 nodes' },
      { reference: 'ghcr.io/siderolabs/installer:v1.0.6', reason: 'default install image' },
    ]);
    expect(talosMirrorImages(v('1.0.6'), { arch: 'amd64' }).some((image) => image.reference.endsWith('-arm64'))).toBe(
      false,
    );
  });

  it('has the install image and no image twice, for every release', () => {
    for (const { version } of talosReleases()) {
      const references = talosMirrorImages(version).map((image) => image.reference);
      expect(references).toContain(defaultInstallImage(version));
      expect(new Set(references).size).toBe(references.length);
    }
  });
});

describe('defaultInstallImage()', () => {
  it('names the schematic without changes by its digest', () => {
    const schematic = sha256('customization: {}\n');
    expect(defaultInstallImage(v('1.14.0-rc.1'))).toBe(`factory.talos.dev/metal-installer/${schematic}:v1.14.0-rc.1`);
  });
});

describe('talosBundle()', () => {
  it.each(Object.keys(expected.bundles))('has the core images of %s', (name) => {
    expect(sha256(talosBundle(v(name)).join('\n'))).toBe(expected.bundles[name]);
  });

  it('leaves out what a release does not have', () => {
    const names = (name: string) => talosBundle(v(name)).map((image) => /siderolabs\/([^:]+)/.exec(image)?.[1]);
    expect(names('1.9.0')).toEqual(['installer', 'imager', 'talos', 'overlays', 'extensions']);
    expect(names('1.10.0')).toEqual(['installer', 'installer-base', 'imager', 'talos', 'overlays', 'extensions']);
    expect(names('1.6.0')).toEqual(['installer', 'imager', 'talos', 'extensions']);
    expect(names('1.14.2')).toEqual(['installer-base', 'imager', 'talos', 'talosctl-all', 'overlays', 'extensions']);
    expect(errorOf(() => talosBundle(v('0.14.0')))).toMatchObject({ code: 'ERR_USAGE' });
  });
});
