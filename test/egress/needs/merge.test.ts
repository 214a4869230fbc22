import { describe, expect, it } from 'vitest';
import { compareDestinations, covers, type Destination } from '../../../src/egress/destination.ts';
import { mergeNeeds } from '../../../src/egress/needs/merge.ts';

const one: Destination = {
  role: 'staging',
  host: 'ghcr.io',
  port: 443,
  protocol: 'tcp',
  speaks: 'https',
  isRegistry: true,
  required: true,
  purposes: ['registry ghcr.io'],
  component: 'ghcr',
  evidence: [{ kind: 'document', source: 'a' }],
};

describe('mergeNeeds()', () => {
  it('joins what is the same for the firewall, with the purposes and evidence of all', () => {
    const other: Destination = {
      ...one,
      isRegistry: false,
      purposes: ['another'],
      evidence: [{ kind: 'document', source: 'b' }],
    };
    const { destinations } = mergeNeeds([{ destinations: [one, other] }, { destinations: [one] }]);
    expect(destinations).toEqual([
      { ...one, purposes: ['another', 'registry ghcr.io'], evidence: [...one.evidence, ...other.evidence] },
    ]);
  });

  it.each([
    [['only a', 'only b'], 'only a; only b'],
    [['only a', undefined], undefined],
    [['only a', 'only a'], 'only a'],
  ])('conditions %j become %j', ([first, second], condition) => {
    const parts = [{ destinations: [{ ...one, condition: first }] }, { destinations: [{ ...one, condition: second }] }];
    expect(mergeNeeds(parts).destinations[0]?.condition).toBe(condition);
  });

  it('one that needs it is enough, and its condition counts alone', () => {
    const optional = { ...one, required: false, condition: 'sometimes' };
    for (const destinations of [
      [one, optional],
      [optional, one],
    ]) {
      expect(mergeNeeds([{ destinations }]).destinations[0]).toMatchObject({ required: true, condition: undefined });
    }
  });

  it('keeps what either says, whichever comes first', () => {
    const plain: Destination = {
      ...one,
      component: 'site',
      speaks: 'tcp',
      alternatives: 'regions',
      inPlaceOf: ['*.b'],
    };
    const rich: Destination = {
      ...one,
      exfiltration: 'why',
      through: 'proxy.site:3128',
      inPlaceOf: ['*.a'],
      seen: 'seen',
    };
    for (const destinations of [
      [plain, rich],
      [rich, plain],
    ]) {
      const [joined] = mergeNeeds([{ destinations }]).destinations;
      expect(joined).toMatchObject({
        component: 'ghcr',
        speaks: 'https',
        exfiltration: 'why',
        through: 'proxy.site:3128',
        seen: 'seen',
      });
      expect(joined?.inPlaceOf).toEqual(['*.a', '*.b']);
      // What one needs it for has no substitute.
      expect(joined?.alternatives).toBeUndefined();
    }
  });

  it('roles, ports and protocols stay apart, and the order of asking does not matter', () => {
    const others: Destination[] = [
      { ...one, role: 'nodes' },
      { ...one, port: 8443 },
      { ...one, protocol: 'udp' },
      { ...one, host: 'a.ghcr.io', required: false },
    ];
    const sorted = mergeNeeds([{ destinations: [...others, one] }]).destinations;
    expect(sorted).toHaveLength(5);
    expect(mergeNeeds([{ destinations: [one, ...others.reverse()] }]).destinations).toEqual(sorted);
    expect([...sorted].sort(compareDestinations)).toEqual(sorted);
  });
});

describe('compareDestinations()', () => {
  it('takes names from their last label on, and addresses as they are written', () => {
    const hosts = ['b.a.example', '10.1.0.1', 'a.b.example', '10.0.0.9'];
    const sorted = hosts.map((host) => ({ ...one, host })).sort(compareDestinations);
    expect(sorted.map(({ host }) => host)).toEqual(['10.0.0.9', '10.1.0.1', 'b.a.example', 'a.b.example']);
  });
});

describe('covers()', () => {
  it.each([
    ['*.pkg.dev', 'europe-west1-docker.pkg.dev', true],
    ['*.pkg.dev', 'a.b.pkg.dev', true],
    ['*.pkg.dev', 'pkg.dev', false],
    ['*.pkg.dev', 'xpkg.dev', false],
    ['*.s3.dualstack.*.amazonaws.com', 'x.s3.dualstack.us-east-1.amazonaws.com', true],
    ['*.s3.dualstack.*.amazonaws.com', 'x.s3.dualstack.a.b.amazonaws.com', false],
    ['a*z.example', 'abcz.example', true],
    ['a*z.example', 'az.example', true],
    ['a*z.example', 'a.z.example', false],
    ['a*z.example', 'x.az.example', false],
    ['ab*bc.example', 'abc.example', false],
    ['ghcr.io', 'ghcr.io', true],
    ['ghcr.io', 'x.ghcr.io', false],
  ])('%s covers %s: %s', (pattern, name, expected) => {
    expect(covers(pattern, name)).toBe(expected);
  });
});
