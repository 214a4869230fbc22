import { describe, expect, it } from 'vitest';
import { beyondKnown } from '../../../src/cli/releases/beyond-known.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';

describe('beyondKnown()', () => {
  it.each(['v1.0.0', 'v1.13.9', 'v1.14.4', 'v1.14.99'])('has nothing to say of %s', (text) => {
    expect(beyondKnown(parseTalosVersion(text))).toBeUndefined();
  });

  it('says of a newer minor what it is taken for', () => {
    expect(beyondKnown(parseTalosVersion('v1.15.0'))).toBe(
      'what a node reads and does is known up to Talos 1.14: v1.15.0 is taken to be the same',
    );
    expect(beyondKnown(parseTalosVersion('v2.0.0'))).toContain('v2.0.0 is taken');
  });
});
