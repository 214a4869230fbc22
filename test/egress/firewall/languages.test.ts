import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FirewallInput, FirewallLanguage, FirewallText } from '../../../src/egress/firewall/language.ts';
import { firewallLanguages } from '../../../src/egress/firewall/languages.ts';
import { AirgapError } from '../../../src/errors.ts';
import { destination, input } from './input.ts';
import { anyInput } from './lists.ts';

const names = firewallLanguages.map(({ name }) => name);

describe('firewall languages', () => {
  it('are the ones that --format tells of, each once', () => {
    expect([...names].sort()).toEqual(
      [
        'nftables',
        'dnsmasq',
        'dnsmasq-ipset',
        'squid',
        'cilium',
        'network-policy',
        'fortigate',
        'palo-alto',
        'aws',
        'azure',
        'gcp',
        'list',
        'no-proxy',
      ].sort(),
    );
  });

  it.each(firewallLanguages)('$name writes the same plain text for the same list, whatever is in it', ({ print }) => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const said = printed(print, given);
        // Some languages have no words for some lists.
        fc.pre(said !== undefined);
        const { files, warnings, use } = said;
        expect(print(given)).toEqual({ files, warnings, use });
        expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
        for (const { path, text } of files) {
          expect(path).toMatch(/^[a-z0-9][a-z0-9.-]*$/);
          expect(text).toMatch(/^[\n\x20-\x7e]*\n$/);
        }
        for (const line of [...warnings, ...use]) expect(line).toMatch(/^[\x20-\x7e]*(?:[^.]|\.\.\.)$/);
      }),
      { numRuns: 50 },
    );
  });

  it.each(firewallLanguages)('$name refuses a host that is none, naming it', ({ print }) => {
    for (const host of ['ghcr.io" }\nflush ruleset', '$(reboot)', '=1+1', '*', '10.0.0.256']) {
      const list = [{ ...destination('staging ghcr.io:443', { purposes: [] }), host }];
      const named = expect.objectContaining({
        code: 'ERR_USAGE',
        message: expect.stringContaining(JSON.stringify(host)),
      });
      expect(() => print(input({ destinations: list }))).toThrow(named);
    }
  });
});

function printed(print: FirewallLanguage['print'], given: FirewallInput): FirewallText | undefined {
  try {
    return print(given);
  } catch (error) {
    if (error instanceof AirgapError && error.code === 'ERR_USAGE') return undefined;
    throw error;
  }
}
