import { describe, expect, it } from 'vitest';
import { type AirgapError, isAirgapError } from '../../src/errors.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { checkConflicts } from '../../src/plan/conflicts.ts';
import { blob, digestFor, resolved } from './images.ts';

function refusal(...given: Parameters<typeof checkConflicts>): AirgapError {
  try {
    checkConflicts(...given);
  } catch (thrown) {
    if (isAirgapError(thrown)) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

const one = resolved({ source: 'ghcr.io/a:1', line: 3 });
const other = resolved({ source: 'quay.io/a:1', line: 8 });

describe('checkConflicts()', () => {
  it('lets different tags, different repositories and equal digests pass', () => {
    const same = [blob('same')];
    expect(() =>
      checkConflicts([
        one,
        resolved({ source: 'quay.io/a:2' }),
        resolved({ source: 'quay.io/b:1' }),
        resolved({ source: 'ghcr.io/c:1', blobs: same }),
        resolved({ source: 'quay.io/c:1', blobs: same }),
      ]),
    ).not.toThrow();
  });

  it('finds a retag in the way of another image, and does not advise to keep registries apart', () => {
    const retagged = resolved({
      source: 'quay.io/z:7',
      line: 2,
      more: { retag: { repository: 'a', tag: parseTag('1') } },
    });
    const target = { ...retagged.target, repository: 'a', tag: parseTag('1') };
    const tags = retagged.tags.map((tag) => ({ ...tag, tag: parseTag('1') }));
    const error = refusal([one, { ...retagged, target, tags }]);
    expect(error.message).toContain('quay.io/z:7 => a:1 (images.txt:2');
    expect(error.hint).toBe('leave out one of the two');
  });

  it('names the place, both references, their lines and digests, and the way out', () => {
    const error = refusal([one, other]);
    expect(error.code).toBe('ERR_MIRROR_CONFLICT');
    expect(error.message.split('\n')).toEqual([
      'Cannot place images at the target: one tag would stand for two different images',
      `  target.local:5000/a:1: ghcr.io/a:1 (images.txt:3, ${one.root.digest}) and quay.io/a:1 (images.txt:8, ${other.root.digest})`,
    ]);
    expect(error.origins).toEqual(['images.txt:3', 'images.txt:8']);
    expect(error.hint).toContain('--prefix-by-registry');
  });

  it('does not offer prefixes where both come from one registry', () => {
    const pinned = resolved({ source: `ghcr.io/a:1@${digestFor('older')}` });
    expect(refusal([one, pinned]).hint).toBe('leave out one of the two');
  });

  it('lists every conflict at once, sorted by place', () => {
    const error = refusal([resolved({ source: 'ghcr.io/z:1' }), resolved({ source: 'quay.io/z:1' }), one, other]);
    const lines = error.message.split('\n');
    expect(lines[0]).toContain('2 tags');
    expect(lines[1]).toContain('target.local:5000/a:1');
    expect(lines[2]).toContain('target.local:5000/z:1');
  });

  it('finds two signatures under one tag', () => {
    const signed = (source: string) => {
      const image = resolved({ source, blobs: [blob('same')] });
      const tag = parseTag(`sha256-${'0'.repeat(64)}.sig`);
      return { ...image, tags: [...image.tags, { tag, digest: digestFor(source), role: 'signature' as const }] };
    };
    const error = refusal([signed('ghcr.io/a:1'), signed('quay.io/a:1')]);
    expect(error.message.split('\n')).toHaveLength(2);
    expect(error.message).toContain('.sig: ghcr.io/a:1');
  });

  it('counts tags that unchanged images hold', () => {
    expect(refusal([one], [other]).message).toContain('quay.io/a:1');
    expect(() => checkConflicts([one], [one])).not.toThrow();
  });
});
