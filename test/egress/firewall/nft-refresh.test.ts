import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printRefresh, setsIn } from '../../../src/egress/firewall/nft-refresh.ts';

describe('printRefresh', () => {
  it('renews every address of a host in one transaction, each family in its set', () => {
    const text = printRefresh([
      {
        host: 'ghcr.io',
        addresses: [
          { address: '192.0.2.1', seconds: 60.2 },
          { address: '2001:DB8:0::1', seconds: 60 },
          { address: '192.0.2.2', seconds: 0 },
          { address: '2001:db8::1', seconds: 70 },
        ],
      },
      { host: 'a_b.example', addresses: [{ address: '192.0.2.9', seconds: Number.POSITIVE_INFINITY }] },
      { host: 'empty.example', addresses: [] },
    ]);
    expect(text).toBe(
      `add element inet airgap_egress v4_ghcr.io { 192.0.2.1, 192.0.2.2 }
delete element inet airgap_egress v4_ghcr.io { 192.0.2.1, 192.0.2.2 }
add element inet airgap_egress v4_ghcr.io { 192.0.2.1 timeout 61s, 192.0.2.2 timeout 1s }
add element inet airgap_egress v6_ghcr.io { 2001:db8::1 }
delete element inet airgap_egress v6_ghcr.io { 2001:db8::1 }
add element inet airgap_egress v6_ghcr.io { 2001:db8::1 timeout 70s }
add element inet airgap_egress v4_a_b.example { 192.0.2.9 }
delete element inet airgap_egress v4_a_b.example { 192.0.2.9 }
add element inet airgap_egress v4_a_b.example { 192.0.2.9 timeout 4000000s }
`,
    );
    expect(printRefresh([])).toBe('');
  });

  it.each(['*.pkg.dev', '<omni>', '192.0.2.1', 'a b', 'ghcr.io }; flush ruleset; {', 'a\nb', ''])(
    'takes no host that is %j',
    (host) => {
      expect(() => printRefresh([{ host, addresses: [{ address: '192.0.2.1', seconds: 1 }] }])).toThrow(/no host name/);
    },
  );

  it.each(['192.0.2.1/24', '192.0.2', '999.0.2.1', '192.0.2.1 }', 'fe80::1%eth0', ':::', 'ghcr.io', '0x7f.1', ''])(
    'takes no address that is %j',
    (address) => {
      expect(() => printRefresh([{ host: 'ghcr.io', addresses: [{ address, seconds: 1 }] }])).toThrow(/is no address/);
    },
  );

  it('writes no character that it does not mean, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string(), fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), fc.double(), (host, address, seconds) => {
        let text = '';
        try {
          text = printRefresh([{ host, addresses: [{ address, seconds }] }]);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_INPUT_INVALID' });
          return;
        }
        expect(text).toMatch(
          /^(?:(?:add|delete) element inet airgap_egress v[46]_[\w.-]+ \{ [0-9a-f.:]+(?: timeout \d+s)? \}\n){3}$/,
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('setsIn', () => {
  it('reads names of sets, and nothing out of comments and rules', () => {
    const listing = `table inet airgap_egress {
\tset v4_ghcr.io {
\t\ttype ipv4_addr
\t\tcomment "set v4_none {"
\t}

\tset v6_ghcr.io {
\t\ttype ipv6_addr
\t}

\tchain out {
\t\tip daddr @v4_other tcp dport 443 accept
\t}
}
`;
    expect([...setsIn(listing)]).toEqual(['v4_ghcr.io', 'v6_ghcr.io']);
    expect(setsIn('').size).toBe(0);
  });
});
