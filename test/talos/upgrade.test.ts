import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultInstallImage, talosMirrorImages, talosReleases } from '../../src/talos/catalogue.ts';
import { kubernetesRange } from '../../src/talos/kubernetes.ts';
import { builtInCatalogue, type TalosCatalogue } from '../../src/talos/releases.ts';
import { newestKubernetes, type UpgradePath, upgradeImages, upgradePath } from '../../src/talos/upgrade.ts';
import { oldestHost, talosSteps } from '../../src/talos/upgrade-rules.ts';
import {
  compareTalosVersions,
  parseTalosVersion,
  printPlain,
  printTalosVersion,
  readVersion,
} from '../../src/talos/version.ts';
import { errorOf } from '../support/errorOf.ts';

const v = parseTalosVersion;
const names = talosReleases().map(({ version }) => printTalosVersion(version));

function told(path: UpgradePath): string[] {
  return path.steps.map((step) =>
    step.kind === 'talos'
      ? `talos ${printTalosVersion(step.from)} ${printTalosVersion(step.to)}`
      : `kubernetes ${step.from} ${step.to}`,
  );
}

/** What must hold of every way, whatever was asked. */
function check(path: UpgradePath): void {
  let talos = path.from;
  let kubernetes = readVersion(path.kubernetes.from);
  const isRun = (version: typeof talos): boolean => {
    const range = kubernetesRange(version);
    const minor = kubernetes?.minor ?? -1;
    return range !== undefined && minor >= range.min && minor <= range.max;
  };
  expect(isRun(talos)).toBe(true);
  for (const step of path.steps) {
    if (step.kind === 'talos') {
      expect(step.from).toEqual(talos);
      expect(compareTalosVersions(step.to, step.from)).toBeGreaterThan(0);
      expect(step.to.minor - step.from.minor).toBeLessThanOrEqual(1);
      expect(step.installer).toBe(defaultInstallImage(step.to));
      talos = step.to;
    } else {
      const [from, to] = [v(step.from), v(step.to)];
      expect(printPlain(from)).toBe(kubernetes === undefined ? '' : printPlain(kubernetes));
      expect(compareTalosVersions(to, from)).toBeGreaterThan(0);
      expect(to.minor - from.minor).toBeLessThanOrEqual(1);
      expect(step.talos).toEqual(talos);
      kubernetes = to;
    }
    expect(isRun(talos), told(path).join(', ')).toBe(true);
  }
  expect(talos).toEqual(path.to);
  expect(kubernetes).toEqual(readVersion(path.kubernetes.to));
}

describe('upgradePath()', () => {
  it('goes through the newest patch of each minor, Talos first', () => {
    expect(told(upgradePath(v('v1.11.6'), v('v1.14.4')))).toEqual([
      'talos v1.11.6 v1.12.11',
      'kubernetes 1.34.1 1.35.4',
      'talos v1.12.11 v1.13.9',
      'kubernetes 1.35.4 1.36.3',
      'talos v1.13.9 v1.14.4',
      'kubernetes 1.36.3 1.37.1',
    ]);
    expect(told(upgradePath(v('v1.13.9'), v('v1.14.4')))).toEqual([
      'talos v1.13.9 v1.14.4',
      'kubernetes 1.36.3 1.37.1',
    ]);
  });

  it('first goes to the newest patch of the minor it begins at, and may end within it', () => {
    expect(told(upgradePath(v('v1.13.0'), v('v1.14.4')))[0]).toBe('talos v1.13.0 v1.13.9');
    expect(told(upgradePath(v('v1.13.0'), v('v1.13.5')))[0]).toBe('talos v1.13.0 v1.13.5');
  });

  it('gives a way between every two neighbours, and between the ends', () => {
    for (const [index, name] of names.entries()) {
      const next = names[index + 1];
      if (next !== undefined) check(upgradePath(v(name), v(next)));
    }
    const whole = upgradePath(v('v1.0.0'), v('v1.14.4'));
    check(whole);
    expect(whole.steps.filter(({ kind }) => kind === 'talos')).toHaveLength(15);
    expect(whole.steps.filter(({ kind }) => kind === 'kubernetes')).toHaveLength(14);
  });

  it('keeps Kubernetes in the range of Talos before and after each step, wherever it begins', () => {
    const index = fc.integer({ min: 0, max: names.length - 1 });
    fc.assert(
      fc.property(index, index, fc.double({ min: 0, max: 1, noNaN: true }), (one, other, part) => {
        fc.pre(one !== other);
        const [from, to] = [v(names[Math.min(one, other)] ?? ''), v(names[Math.max(one, other)] ?? '')];
        const range = kubernetesRange(from) ?? { min: 23, max: 23 };
        const minor = Math.max(23, range.min) + Math.floor(part * (range.max - Math.max(23, range.min)));
        const start = newestKubernetes(minor);
        if (start === undefined) throw new Error(`no Kubernetes 1.${minor}`);
        // Newer than what the last release runs by default, Kubernetes stays.
        check(upgradePath(from, to, { kubernetes: [printPlain(start)] }));
      }),
      { numRuns: 300 },
    );
  });

  it('raises an old Kubernetes before Talos where the next release demands it', () => {
    expect(told(upgradePath(v('v1.13.9'), v('v1.14.4'), { kubernetes: ['v1.31.4'] })).slice(0, 3)).toEqual([
      'kubernetes 1.31.4 1.32.4',
      'talos v1.13.9 v1.14.4',
      'kubernetes 1.32.4 1.33.6',
    ]);
  });

  it('begins with the oldest Kubernetes that is named, ends with the newest, and takes those between', () => {
    const path = upgradePath(v('v1.13.9'), v('v1.14.4'), { kubernetes: ['1.36.1', '1.34.9', '1.35.7'] });
    expect(path.kubernetes).toEqual({ from: '1.34.9', to: '1.36.1' });
    expect(told(path)).toEqual(['talos v1.13.9 v1.14.4', 'kubernetes 1.34.9 1.35.7', 'kubernetes 1.35.7 1.36.1']);
  });

  it('leaves a Kubernetes alone that is newer than the default it would end at', () => {
    expect(told(upgradePath(v('v1.12.0'), v('v1.12.11'), { kubernetes: ['1.35.9'] }))).toEqual([
      'talos v1.12.0 v1.12.11',
    ]);
  });

  it.each([
    ['v1.14.4', 'v1.13.9', [], 'it is older, and a downgrade is no upgrade'],
    ['v1.13.9', 'v1.13.9', [], 'it is the same release'],
    ['v1.13.9', 'v1.14.9', [], 'the catalogue does not know this release'],
    ['v1.13.10', 'v1.14.4', [], 'its list is not in the catalogue'],
    ['v1.13.9', 'v1.14.4', ['1.30.9'], 'with Talos "v1.13.9": it supports 1.31-1.36'],
    ['v1.13.9', 'v1.14.4', ['1.35.1', '1.38.0'], 'with Talos "v1.14.4": it supports 1.32-1.37'],
    ['v1.13.9', 'v1.14.4', ['1.35.1', '1.35.4', '1.36.3'], 'Cannot use Kubernetes "v1.35.4": it is not on the way'],
    ['v1.4.8', 'v1.6.8', ['1.25.9', '1.25.10'], 'Kubernetes has to be v1.26.3 on the way, and v1.25.10 is older'],
    ['v1.0.6', 'v1.1.2', ['1.21.9'], 'Cannot upgrade Kubernetes "v1.21.9" to 1.22: no release of it is known'],
    ['v1.13.9', 'v1.14.4', ['latest'], 'not 1.MINOR.PATCH'],
  ])('refuses %s..%s with Kubernetes %j: %s', (from, to, kubernetes, state) => {
    const error = errorOf(() => upgradePath(v(from), v(to), { kubernetes }));
    expect(error.code).toBe('ERR_USAGE');
    expect(error.message).toContain(state);
  });

  it.each([
    [{ min: 37, max: 38 }, 'Talos "v1.13.9": Kubernetes v1.37.1 is needed there, and it supports 1.31-1.36'],
    [{ min: 32, max: 35 }, 'Talos "v1.14.4": Kubernetes v1.36.3 runs then, and it supports 1.32-1.35'],
  ])('refuses a catalogue by which no Kubernetes runs before and after a step: %j', (kubernetes, state) => {
    const catalogue = { ...builtInCatalogue, minors: new Map([[14, { kubernetes }]]) };
    const error = errorOf(() => upgradePath(v('v1.13.9'), v('v1.14.4'), { catalogue }));
    expect(error.message).toContain(state);
  });

  it('names what can be done about a Kubernetes that is not known', () => {
    expect(errorOf(() => upgradePath(v('v1.0.6'), v('v1.1.2'), { kubernetes: ['1.21.9'] })).hint).toContain(
      '--kubernetes v1.22.PATCH',
    );
    const named = { kubernetes: ['1.21.9', '1.22.17', '1.23.6'] };
    expect(told(upgradePath(v('v1.0.6'), v('v1.1.2'), named))).toContain('kubernetes 1.21.9 1.22.17');
  });
});

describe('talosSteps()', () => {
  const catalogue = (changes: Partial<TalosCatalogue>): TalosCatalogue => ({ ...builtInCatalogue, ...changes });
  const without = (minor: number) =>
    new Map([...builtInCatalogue.releases].filter(([, { version }]) => version.minor !== minor));

  it.each([
    [
      { major: 1, minor: 13, patch: 9, prerelease: '' },
      { major: 2, minor: 0, patch: 0, prerelease: '' },
      'across major',
    ],
  ])('refuses another major', (from, to, state) => {
    expect(errorOf(() => talosSteps(from, to)).message).toContain(state);
  });

  it('refuses a way through a minor of which no release is known', () => {
    const known = catalogue({ releases: without(12) });
    expect(errorOf(() => talosSteps(v('v1.11.6'), v('v1.14.4'), known)).message).toContain(
      'Cannot upgrade Talos "v1.11.6" to "v1.14.4": no release of Talos 1.12 is known',
    );
  });

  it('refuses a host that is too old, by the rule of the minor', () => {
    const known = catalogue({ minors: new Map([[14, { upgradeFrom: v('v1.13.10') }]]) });
    expect(errorOf(() => talosSteps(v('v1.13.9'), v('v1.14.4'), known)).message).toBe(
      'Cannot upgrade Talos "v1.13.9" to "v1.14.4": Talos 1.14 is upgraded to from v1.13.10 or later',
    );
  });

  it('refuses a minor whose rule is not known, and takes one from a catalogue', () => {
    const error = errorOf(() => talosSteps(v('v1.14.4'), v('v1.15.0')));
    expect(error.message).toContain('from which release 1.15 may be upgraded to is not known');
    expect(error.hint).toContain('--upgrade-from');
    const known = catalogue({ minors: new Map([[15, { upgradeFrom: v('v1.13.0') }]]) });
    expect(talosSteps(v('v1.14.4'), v('v1.15.0'), known)).toHaveLength(2);
  });

  it('takes a pre-release for its release where a host has to be new enough, as Talos does', () => {
    const known = catalogue({ minors: new Map([[15, { upgradeFrom: v('v1.14.9') }]]) });
    expect(talosSteps(v('v1.14.9-rc.0'), v('v1.15.0'), known)).toEqual([v('v1.14.9-rc.0'), v('v1.15.0')]);
  });

  it('passes by the pre-releases of the minors between', () => {
    const listed = builtInCatalogue.releases.get('v1.13.9') ?? expect.fail('v1.13.9 has a list');
    const later = { ...listed, version: v('v1.13.99-rc.0') };
    const known = catalogue({ releases: new Map([...builtInCatalogue.releases, ['v1.13.99-rc.0', later]]) });
    const steps = talosSteps(v('v1.12.11'), v('v1.14.4'), known);
    expect(steps.map(printTalosVersion)).toEqual(['v1.12.11', 'v1.13.9', 'v1.14.4']);
  });

  it('knows the rule of every minor from 1.2 on', () => {
    expect(oldestHost(v('v1.1.0'))).toBeUndefined();
    const minors = [...new Set(talosReleases().map(({ version }) => version.minor))].filter((minor) => minor >= 2);
    expect(minors.map((minor) => [minor, oldestHost(v(`1.${minor}.0`))])).toEqual(
      [0, 0, 0, 2, 3, 4, 5, 8, 8, 9, 10, 11, 12].map((oldest, index) => [index + 2, v(`1.${oldest}.0`)]),
    );
  });
});

describe('upgradeImages()', () => {
  it('has every image of every release of the way, each once, and Kubernetes of each step', () => {
    const path = upgradePath(v('v1.11.6'), v('v1.14.4'));
    const images = upgradeImages(path).map(({ reference }) => reference);
    expect(new Set(images).size).toBe(images.length);
    for (const name of ['v1.11.6', 'v1.12.11', 'v1.13.9', 'v1.14.4']) {
      for (const { reference } of talosMirrorImages(v(name))) expect(images).toContain(reference);
    }
    expect(images.filter((image) => image.includes('/kubelet:'))).toEqual([
      'ghcr.io/siderolabs/kubelet:v1.34.1',
      'ghcr.io/siderolabs/kubelet:v1.35.4',
      'ghcr.io/siderolabs/kubelet:v1.36.3',
      'ghcr.io/siderolabs/kubelet:v1.37.1',
    ]);
    expect(images.filter((image) => /installer/.test(image))).toHaveLength(4);
  });

  it('leaves etcd of arm64 nodes out where only amd64 is wanted', () => {
    const path = upgradePath(v('v1.6.8'), v('v1.7.7'));
    const etcd = (arch: 'amd64' | 'arm64' | 'both') =>
      upgradeImages(path, { arch }).filter(({ reference }) => reference.endsWith('-arm64')).length;
    expect([etcd('amd64'), etcd('arm64'), etcd('both')]).toEqual([0, 2, 2]);
  });
});
