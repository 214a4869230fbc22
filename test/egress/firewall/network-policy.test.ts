import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { FirewallText } from '../../../src/egress/firewall/language.ts';
import { networkPolicy } from '../../../src/egress/firewall/network-policy.ts';
import { expectGolden } from './golden.ts';
import { addresses, destination, input } from './input.ts';
import { expectAllTold } from './told.ts';

interface Policy {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly policyTypes: readonly string[];
    readonly podSelector: unknown;
    readonly egress: readonly {
      readonly to: readonly { readonly ipBlock?: { readonly cidr: string } }[];
      readonly ports: readonly { readonly protocol: string; readonly port: number }[];
    }[];
  };
}

function policiesIn({ files: [file] }: FirewallText): Policy[] {
  return parseAllDocuments(file?.text ?? '').map((document) => document.toJS() as Policy);
}

describe('network-policy', () => {
  it('writes its golden file', async () => {
    await expectGolden(networkPolicy.print(input({ addresses })), 'network-policy');
  });

  it('denies all egress of the chosen pods but DNS and the looked-up addresses', () => {
    const [staging] = policiesIn(networkPolicy.print(input({ addresses })));
    expect(staging?.spec.policyTypes).toEqual(['Egress']);
    expect(staging?.spec.podSelector).toEqual({ matchLabels: { 'airgap.role': 'staging' } });
    const blocks = staging?.spec.egress
      .find(({ ports }) => ports[0]?.port === 443)
      ?.to.map(({ ipBlock }) => ipBlock?.cidr);
    expect(blocks).toEqual(['34.96.108.209/32', '140.82.121.33/32', '185.199.108.154/32', '2606:50c0:8000::154/128']);
  });

  it('names many hosts it has no address of in one warning', () => {
    const hosts = [...Array(5).keys()].map((index) => `host-${index}.site`);
    const destinations = [
      destination('staging 10.0.0.9:443', { purposes: ['x'] }),
      ...hosts.map((host) => destination(`staging ${host}:443`, { purposes: ['x'] })),
    ];
    const { warnings } = networkPolicy.print(input({ destinations }));
    expect(warnings).toEqual([
      '5 hosts tcp/443 for staging are left out: a NetworkPolicy takes addresses, and none is known: look names up with --look-up: host-0.site, host-1.site, host-2.site, host-3.site, host-4.site',
    ]);
    const few = networkPolicy.print(input({ destinations: destinations.slice(0, 4) })).warnings;
    expect(few).toHaveLength(3);
  });

  it('refuses a list of which nothing can be said', () => {
    const destinations = [
      destination('nodes 10.5.0.1:6000', { purposes: ['registry'] }),
      destination('staging ghcr.io:443', { purposes: ['registry'] }),
    ];
    expect(() => networkPolicy.print(input({ destinations }))).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });

  it('allows what is listed, and nothing else', () => {
    const cache = new Map<FirewallText, Policy[]>();
    expectAllTold(networkPolicy, (text, { role, address, port, protocol }) => {
      const policies = cache.get(text) ?? policiesIn(text);
      cache.set(text, policies);
      const own = policies.find(({ metadata }) => metadata.name === `airgap-egress-${role}`);
      return (own?.spec.egress ?? []).some(
        ({ to, ports }) =>
          ports.some((one) => one.port === port && one.protocol.toLowerCase() === protocol) &&
          to.some(({ ipBlock }) => ipBlock?.cidr === `${address}/${address.includes(':') ? 128 : 32}`),
      );
    });
  });
});
