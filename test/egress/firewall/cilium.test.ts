import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { cilium } from '../../../src/egress/firewall/cilium.ts';
import type { FirewallText } from '../../../src/egress/firewall/language.ts';
import { expectGolden } from './golden.ts';
import { destination, input } from './input.ts';
import { expectAllTold } from './told.ts';

interface Policy {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly endpointSelector?: unknown;
    readonly nodeSelector?: unknown;
    readonly egress: readonly Egress[];
  };
}

interface Egress {
  readonly toEndpoints?: unknown;
  readonly toEntities?: readonly string[];
  readonly toCIDR?: readonly string[];
  readonly toFQDNs?: readonly { readonly matchName?: string; readonly matchPattern?: string }[];
  readonly toPorts?: readonly {
    readonly ports: readonly { readonly port: string; readonly protocol: string }[];
    readonly rules?: unknown;
  }[];
}

function policiesIn({ files: [file] }: FirewallText): Policy[] {
  const documents = parseAllDocuments(file?.text ?? '');
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  return documents.map((document) => document.toJS() as Policy);
}

/** Cilium 1.20.0, pkg/fqdn/matchpattern: ToAnchoredRegexp. */
function expressionOf(pattern: string): RegExp {
  const characters = '[-a-zA-Z0-9_]';
  const escaped = pattern
    .replaceAll('.', '[.]')
    .replace(/^\*{2,}\[\.\]/, `(${characters}+([.]${characters}+)#)[.]`)
    .replaceAll(/\*+/g, `${characters}*`);
  return new RegExp(`^${escaped.replace('#', '*')}$`);
}

describe('cilium', () => {
  it('writes its golden file', async () => {
    await expectGolden(cilium.print(input()), 'cilium');
  });

  it('chooses pods for staging and Omni, nodes for nodes', () => {
    const policies = policiesIn(cilium.print(input()));
    expect(
      policies.map(({ apiVersion, kind, metadata, spec }) => [
        apiVersion,
        kind,
        metadata.name,
        spec.endpointSelector ?? spec.nodeSelector,
      ]),
    ).toEqual([
      ['cilium.io/v2', 'CiliumNetworkPolicy', 'airgap-egress-staging', { matchLabels: { 'airgap.role': 'staging' } }],
      [
        'cilium.io/v2',
        'CiliumClusterwideNetworkPolicy',
        'airgap-egress-nodes',
        { matchLabels: { 'airgap.role': 'nodes' } },
      ],
      ['cilium.io/v2', 'CiliumNetworkPolicy', 'airgap-egress-omni', { matchLabels: { 'airgap.role': 'omni' } }],
    ]);
    expect(policies[1]?.spec.egress[0]).toEqual({ toEntities: ['cluster'] });
  });

  it('lets DNS pass the proxy that learns the addresses of names', () => {
    const [staging] = policiesIn(cilium.print(input()));
    const rules = { dns: [{ matchPattern: '*' }] };
    expect(staging?.spec.egress[0]).toEqual({
      toEndpoints: [{ matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'kube-system', 'k8s:k8s-app': 'kube-dns' } }],
      toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], rules }],
    });
    expect(staging?.spec.egress).toContainEqual({
      toCIDR: ['10.0.0.2/32'],
      toPorts: [{ ports: [{ port: '53', protocol: 'UDP' }], rules }],
    });
  });

  it('asks for the DNS proxy on port 53 alone', () => {
    const destinations = [5353, 53].map((port) =>
      destination(`staging 10.0.0.2:${port}`, { protocol: 'udp', speaks: 'dns', purposes: ['names'] }),
    );
    const [staging] = policiesIn(cilium.print(input({ destinations })));
    expect(
      staging?.spec.egress.slice(1).map(({ toPorts }) => [toPorts?.[0]?.ports[0]?.port, toPorts?.[0]?.rules]),
    ).toEqual([
      ['53', { dns: [{ matchPattern: '*' }] }],
      ['5353', undefined],
    ]);
  });

  it('reads no more into several stars than one', () => {
    const destinations = [destination('staging a**b.**.x.site:443', { purposes: ['x'] })];
    const [staging] = policiesIn(cilium.print(input({ destinations })));
    expect(staging?.spec.egress[1]?.toFQDNs).toEqual([{ matchPattern: 'a*b.*.x.site' }]);
  });

  it('refuses a list of which nothing can be said', () => {
    const destinations = [destination('nodes <omni>:443', { purposes: ['Omni'] })];
    expect(() => cilium.print(input({ destinations }))).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });

  it('says what a host policy needs where nodes reach names', () => {
    const destinations = [destination('nodes registry.site:443', { purposes: ['registry'] })];
    const { warnings } = cilium.print(input({ destinations }));
    expect(warnings.filter((warning) => /host firewall|beta|name servers/.test(warning))).toHaveLength(3);
  });

  it('says what a node may open beside the list, and which addresses a pod does not reach by it', () => {
    const { warnings } = cilium.print(input());
    expect(warnings).toContainEqual(expect.stringMatching(/^nodes may open all of their cluster on any port/));
    expect(warnings.filter((warning) => warning.startsWith('toCIDR does not mean pods'))).toEqual([
      expect.stringContaining('an address of staging is'),
    ]);
  });

  it('allows what is listed, and nothing else', () => {
    const cache = new Map<FirewallText, Policy[]>();
    expectAllTold(cilium, (text, { role, host, address, port, protocol }) => {
      const policies = cache.get(text) ?? policiesIn(text);
      cache.set(text, policies);
      const own = policies.find(({ metadata }) => metadata.name === `airgap-egress-${role}`);
      return (own?.spec.egress ?? []).some(
        ({ toPorts = [], toFQDNs = [], toCIDR = [] }) =>
          toPorts.some(({ ports }) =>
            ports.some((one) => one.port === String(port) && one.protocol.toLowerCase() === protocol),
          ) &&
          (toCIDR.some((block) => block === `${address}/${address.includes(':') ? 128 : 32}`) ||
            toFQDNs.some(
              ({ matchName, matchPattern }) =>
                matchName === host || (matchPattern !== undefined && expressionOf(matchPattern).test(host)),
            )),
      );
    });
  });
});
