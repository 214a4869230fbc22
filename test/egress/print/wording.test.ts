import { describe, expect, it } from 'vitest';
import { byRole, byteText, otherEvidence } from '../../../src/egress/print/wording.ts';
import type { Observed } from '../../../src/lock/lock.ts';
import { contactOf, destination, listOf } from '../lists.ts';

const bytes = { registries: ['ghcr.io:443'], through: [], receivedBytes: 900, sentBytes: 100 };

function seenText(...runs: readonly Omit<Observed, keyof typeof bytes>[]): string[] {
  const contacts = runs.map((run) => contactOf('ghcr.io:443', { observed: { ...bytes, ...run } }));
  return otherEvidence(
    destination('ghcr.io', { evidence: contacts.map((contact) => ({ kind: 'observed', contact })) }),
  );
}

describe('wording', () => {
  it('has bytes in decimal units', () => {
    expect([0, 999, 1000, 1234, 345_600_000, 2e9, 3e12, 1e16].map(byteText)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.2 kB',
      '345.6 MB',
      '2.0 GB',
      '3.0 TB',
      '10000.0 TB',
    ]);
  });

  it('tells one request on one day, and the sum of several runs', () => {
    const one = { first: '2026-11-26T08:00:00Z', last: '2026-11-26T09:00:00Z', requests: 1 };
    expect(seenText(one)).toEqual(['seen 2026-11-26 (1 request, 1.0 kB)']);
    const earlier = { first: '2026-11-20T08:00:00Z', last: '2026-11-20T08:00:00Z', requests: 2 };
    expect(seenText(one, earlier)).toEqual(['seen 2026-11-20 to 2026-11-26 (3 requests, 2.0 kB)']);
  });

  it('calls nodes mirrored where they have a registry of the site themselves', () => {
    const registry = { component: 'site', isRegistry: true } as const;
    const titles = (role: 'staging' | 'nodes') =>
      byRole(listOf([destination('a.site', { ...registry, role }), destination('b.io', { role: 'nodes' })])).map(
        ({ title }) => title,
      );
    expect(titles('nodes')).toEqual(['Nodes, once mirrored']);
    expect(titles('staging')).toEqual(['The host that mirrors', 'Nodes']);
  });
});
