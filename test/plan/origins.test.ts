import { describe, expect, it } from 'vitest';
import { releaseOf, releaseOrigins } from '../../src/plan/origins.ts';

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
  it('is the one that is named', () => {
    const asked = (...origins: string[]) => ({ origins });
    expect(releaseOf([asked('talos v1.14.4', 'a:1'), asked('b:2'), asked('talosctl v1.14.4:2')])).toBe('v1.14.4');
    expect(releaseOf([asked('talos v1.14.4'), asked('talos v1.14.3')])).toBeUndefined();
    expect(releaseOf([asked('a:1')])).toBeUndefined();
  });
});
