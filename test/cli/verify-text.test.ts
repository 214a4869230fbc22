import { describe, expect, it } from 'vitest';
import { findingLines } from '../../src/cli/verify-text.ts';
import type { Finding, Verification } from '../../src/verify/verification.ts';

const unreachable = (image: string): Finding => ({
  image,
  repository: 'r.site/x',
  kind: 'unreachable',
  message: `tag "1" of ${image}: TLS with r.site failed`,
  hint: 'give that authority (--ca FILE)',
  repair: 'airgap verify --to r.site',
});

function linesOf(findings: readonly Finding[]): string[] {
  const counts = { images: 3, manifests: 0, blobs: 0, bytes: 0, deep: false, extras: [] };
  const verification: Verification = { ...counts, findings };
  return findingLines(verification);
}

describe('findingLines()', () => {
  it('tells once why several images could not be asked for, and what helps', () => {
    const missing: Finding = {
      ...unreachable('b'),
      kind: 'blob-missing',
      message: 'it is not there',
      repair: 'airgap mirror b',
    };
    const { hint: _, ...plain } = missing;
    expect(linesOf([unreachable('a'), plain, unreachable('c')])).toEqual([
      'finding: 2 images',
      '  a',
      '  c',
      '  unreachable: tag "1" of a: TLS with r.site failed',
      '  hint: give that authority (--ca FILE)',
      '  repair: airgap verify --to r.site',
      'finding: b',
      '  blob-missing: it is not there',
      '  repair: airgap mirror b',
    ]);
  });

  it('leaves images apart whose repair differs', () => {
    const other = { ...unreachable('b'), hint: 'log in' };
    expect(linesOf([unreachable('a'), other]).filter((line) => line.startsWith('finding'))).toEqual([
      'finding: a',
      'finding: b',
    ]);
  });
});
