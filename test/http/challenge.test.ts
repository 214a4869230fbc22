import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges, preferredChallenge } from '../../src/http/challenge.ts';

const flat = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('parseChallenges()', () => {
  it('reads schemes and parameters, quoted or bare, in order', () => {
    const header =
      'Bearer realm="https://auth.test/token?a=b,c",service=x , Scope="a:b:pull,push c:d:pull", Basic realm="say \\"hi\\""';
    expect(flat(header)).toEqual([
      ['bearer', { realm: 'https://auth.test/token?a=b,c', service: 'x', scope: 'a:b:pull,push c:d:pull' }],
      ['basic', { realm: 'say "hi"' }],
    ]);
  });

  it.each([
    ['', []],
    [' , ,', []],
    ['Basic', [['basic', {}]]],
    [
      'Negotiate, Basic realm=x',
      [
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    ['Bearer realm="open', [['bearer', { realm: 'open' }]]],
    ['Bearer realm="a", realm="b"', [['bearer', { realm: 'a' }]]],
    ['Bearer realm = "spaced"', [['bearer', { realm: 'spaced' }]]],
    ['realm="no scheme"', []],
    ['"quoted" Basic', []],
  ])('reads %j', (header, expected) => {
    expect(flat(header)).toEqual(expected);
  });

  it('gives back what was written', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    const parameters = fc.uniqueArray(fc.tuple(name, fc.string()), { selector: ([key]) => key, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(fc.tuple(name, parameters), { maxLength: 4 }), (challenges) => {
        const quote = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
        const header = challenges
          .map(([scheme, pairs]) => `${scheme} ${pairs.map(([key, value]) => `${key}=${quote(value)}`).join(', ')}`)
          .join(', ');
        expect(flat(header)).toEqual(challenges.map(([scheme, pairs]) => [scheme, Object.fromEntries(pairs)]));
      }),
    );
  });

  it('never throws, whatever a stranger writes, and takes little time', () => {
    const hostile = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[",=\\ a]*$/));
    fc.assert(fc.property(hostile, (header) => parseChallenges(header) !== undefined));
    const before = performance.now();
    for (const piece of ['a="', '"\\', ',', 'a=', '\\"', 'a ', '="']) parseChallenges(piece.repeat(1_000_000));
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('preferredChallenge()', () => {
  it('takes Bearer with a realm before Basic, and nothing it cannot answer', () => {
    const pick = (header: string) => preferredChallenge(parseChallenges(header))?.scheme;
    expect(pick('Basic realm=a, Bearer realm=b')).toBe('bearer');
    expect(pick('Bearer, Basic realm=a')).toBe('basic');
    expect(pick('Negotiate')).toBeUndefined();
  });
});
