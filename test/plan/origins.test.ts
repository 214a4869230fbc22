import { describe, expect, it } from 'vitest';
import { releaseOf, releaseOrigins } from '../../src/plan/origins.ts';
import { printTalosVersion } from '../../src/talos/version.ts';

describe('releaseOrigins()', () => {
  it('keeps releases, each once, and nothing of documents', () => {
    const origins = [
      '/home/me/talos v1.txt:3',
      'argument',
      'talosctl v1.14.4:7',
      'talos v1.14.4',
      'talos v1.13.9',
      '-:2',
    ];
    expect(releaseOrigins(origins)).toEqual(['talos v1.13.9', 'talos v1.14.4']);
  });
});

describe('releaseOf()', () => {
  const asked = (...origins: string[]) => ({ origins });
  const told = (...images: { readonly origins: readonly string[] }[]): string | undefined => {
    const release = releaseOf(images);
    return release && printTalosVersion(release);
  };

  it('is the one that is named', () => {
    expect(told(asked('talos v1.14.4', 'a:1'), asked('b:2'), asked('talosctl v1.14.4:2'))).toBe('v1.14.4');
    expect(told(asked('talos v1.14.4'), asked('talos v1.14.3'))).toBeUndefined();
    expect(told(asked('a:1'))).toBeUndefined();
  });

  it('is the one that nodes run where an upgrade was named', () => {
    expect(told(asked('talos v1.13.9..v1.14.4'), asked('talos v1.13.9..v1.14.4', 'a:1'))).toBe('v1.13.9');
    expect(told(asked('talos v1.14.0-rc.1..v1.14.4'))).toBe('v1.14.0-rc.1');
  });

  it('is none where somebody wrote what is no release', () => {
    for (const text of ['v1', 'v1.14', 'v1.13..v1.14', 'v99999999.1.1'])
      expect(told(asked(`talos ${text}`))).toBeUndefined();
  });
});
