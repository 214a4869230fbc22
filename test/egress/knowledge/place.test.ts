import { describe, expect, it } from 'vitest';
import { covers, isWildcard, roles } from '../../../src/egress/destination.ts';
import { knownDestinations } from '../../../src/egress/knowledge/all.ts';
import { forComponent, forRegistry } from '../../../src/egress/knowledge/find.ts';
import { toDestinations } from '../../../src/egress/knowledge/place.ts';
import { knownSources } from '../../../src/egress/knowledge/sources.ts';

describe('toDestinations', () => {
  it('has the exact hosts in place of a wildcard, and says of which', () => {
    const placed = toDestinations(forRegistry('ghcr.io'), { role: 'staging', wildcards: false });
    expect(placed).toMatchObject([
      { host: 'ghcr.io', isRegistry: true, component: 'ghcr', purposes: ['registry ghcr.io'] },
      {
        host: 'pkg-containers.githubusercontent.com',
        isRegistry: false,
        inPlaceOf: ['*.githubusercontent.com'],
        exfiltration: undefined,
      },
    ]);
    expect(placed[1]?.evidence).toContainEqual({ kind: 'document', source: 'omni-egress-proxy' });
  });

  it("has the vendor's wildcards where they are asked for, and warns of them", () => {
    const placed = toDestinations(forRegistry('ghcr.io'), { role: 'staging', wildcards: true });
    expect(placed.map(({ host }) => host)).toEqual(['ghcr.io', '*.githubusercontent.com']);
    expect(placed[1]).toMatchObject({
      exfiltration: expect.stringContaining('GitHub'),
      evidence: [{ source: 'talos-egress-v1.14' }, {}],
    });
    expect(placed[1]?.inPlaceOf).toBeUndefined();
  });

  it('keeps a wildcard below which no exact host is known, with the warning', () => {
    const placed = toDestinations(forComponent('factory'), { role: 'nodes', wildcards: false });
    expect(placed.find(({ host }) => host === '*.r2.cloudflarestorage.com')?.exfiltration).toContain('Cloudflare');
    expect(placed.map(({ host }) => host)).toContain('cdn.factory.talos.dev');
  });

  it('says the conditions of the entry and of the exact host', () => {
    const placed = toDestinations(forRegistry('cgr.dev'), { role: 'staging', wildcards: false });
    expect(placed.find(({ host }) => host.startsWith('9236a389'))).toMatchObject({
      condition: 'the name may change',
      inPlaceOf: ['*.r2.cloudflarestorage.com'],
    });
  });

  it('has only what the role connects to', () => {
    const ofOmni = forComponent('omni');
    const nodes = toDestinations(ofOmni, { role: 'nodes', wildcards: false });
    expect(new Set(nodes.map(({ host }) => host))).toEqual(new Set(['<omni>']));
    const omni = toDestinations(ofOmni, { role: 'omni', wildcards: false });
    expect(omni.map(({ host }) => host)).not.toContain('<omni>');
    expect(toDestinations(ofOmni, { role: 'staging', wildcards: false })).toEqual([]);
  });

  it('takes a purpose in place of the known one', () => {
    const placed = toDestinations(forRegistry('quay.io'), { role: 'staging', wildcards: false, purpose: 'fallback' });
    expect(new Set(placed.flatMap(({ purposes }) => purposes))).toEqual(new Set(['fallback']));
  });

  it('makes of every entry something with evidence, the same for any role', () => {
    const ids = new Set(knownSources.map(({ id }) => id));
    for (const role of roles) {
      for (const wildcards of [true, false]) {
        const placed = toDestinations(knownDestinations, { role, wildcards });
        const wrong = placed.filter(
          (one) =>
            one.role !== role ||
            one.evidence.length === 0 ||
            one.evidence.some((evidence) => evidence.kind !== 'document' || !ids.has(evidence.source)) ||
            (one.isRegistry && isWildcard(one.host)) ||
            (one.inPlaceOf ?? []).some((wildcard) => !covers(wildcard, one.host)),
        );
        expect(wrong).toEqual([]);
        expect(placed.length).toBeGreaterThan(3);
      }
    }
  });
});
