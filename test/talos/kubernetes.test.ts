import { describe, expect, it } from 'vitest';
import { talosReleases } from '../../src/talos/catalogue.ts';
import { checkKubernetes, kubernetesRange, printKubernetesRange } from '../../src/talos/kubernetes.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';

const v = parseTalosVersion;

describe('kubernetesRange()', () => {
  it('contains the default of every release of the catalogue', () => {
    for (const { version, kubernetes } of talosReleases()) {
      const range = kubernetesRange(version);
      const minor = Number(kubernetes.split('.')[1]);
      expect(range !== undefined && range.min <= minor && minor <= range.max).toBe(true);
    }
  });

  it('is known of every minor, both ends', () => {
    const minors = [...new Set(talosReleases().map(({ version }) => version.minor))];
    const ranges = minors.map((minor) => kubernetesRange(v(`1.${minor}.0`)));
    expect(ranges.map((range) => range && printKubernetesRange(range))).toEqual([
      ...['1.21-1.23', '1.22-1.24', '1.23-1.25', '1.24-1.26', '1.25-1.27', '1.26-1.28', '1.24-1.29', '1.25-1.30'],
      ...['1.26-1.31', '1.27-1.32', '1.28-1.33', '1.29-1.34', '1.30-1.35', '1.31-1.36', '1.32-1.37'],
    ]);
  });

  it('tells what Talos checks from what its documentation says', () => {
    expect(kubernetesRange(v('1.5.0'))).toEqual({ min: 26, max: 28, from: 'code' });
    expect(kubernetesRange(v('1.4.8'))).toEqual({ min: 25, max: 27, from: 'documentation' });
    expect(kubernetesRange(v('1.99.0'))).toBeUndefined();
    expect(kubernetesRange(v('2.4.0'))).toBeUndefined();
  });
});

describe('printKubernetesRange()', () => {
  it('prints both ends', () => expect(printKubernetesRange({ min: 32, max: 37, from: 'code' })).toBe('1.32-1.37'));
});

describe('checkKubernetes()', () => {
  it('accepts only the default where no range is known', () => {
    expect(checkKubernetes('v1.80.2', { version: v('1.99.0'), default: '1.80.2' })).toBe('1.80.2');
    expect(() => checkKubernetes('v1.80.3', { version: v('1.99.0'), default: '1.80.2' })).toThrow(
      'Cannot use Kubernetes "v1.80.3" with Talos "v1.99.0": its range is not known, only its default v1.80.2 is accepted',
    );
  });
});
