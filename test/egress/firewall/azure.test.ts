import { describe, expect, it } from 'vitest';
import { azure } from '../../../src/egress/firewall/azure.ts';
import type { FirewallText } from '../../../src/egress/firewall/language.ts';
import { expectGolden } from './golden.ts';
import { destination, from, input } from './input.ts';
import { type Ask, expectAllTold } from './told.ts';

interface Collection {
  readonly ruleCollectionType: string;
  readonly name: string;
  readonly priority: number;
  readonly action: { readonly type: string };
  readonly rules: readonly Rule[];
}

interface Rule {
  readonly ruleType: string;
  readonly name: string;
  readonly sourceAddresses: readonly string[];
  readonly protocols?: readonly { readonly protocolType: string; readonly port: number }[];
  readonly targetFqdns?: readonly string[];
  readonly ipProtocols?: readonly string[];
  readonly destinationPorts?: readonly string[];
  readonly destinationAddresses?: readonly string[];
  readonly destinationFqdns?: readonly string[];
}

interface Template {
  readonly resources: readonly [
    { readonly type: string; readonly properties: { readonly ruleCollections: readonly Collection[] } },
  ];
}

function collectionsIn({ files: [file] }: FirewallText): readonly Collection[] {
  return (JSON.parse(file?.text ?? '') as Template).resources[0].properties.ruleCollections;
}

function allows(text: FirewallText, ask: Ask): boolean {
  const rules = collectionsIn(text)
    .flatMap((collection) => collection.rules)
    .filter(({ name, sourceAddresses }) => name.startsWith(ask.role) && sourceAddresses.includes(ask.source ?? '*'));
  return rules.some((rule) =>
    rule.ruleType === 'ApplicationRule' ? allowsApplication(rule, ask) : allowsNetwork(rule, ask),
  );
}

function allowsApplication({ protocols = [], targetFqdns = [] }: Rule, { host, port, protocol, speaks }: Ask): boolean {
  return (
    protocol === 'tcp' &&
    protocols.some((one) => one.port === port && one.protocolType.toLowerCase() === speaks) &&
    targetFqdns.some((name) => (name.startsWith('*') ? host.endsWith(name.slice(1)) : host === name))
  );
}

function allowsNetwork(rule: Rule, { host, address, port, protocol }: Ask): boolean {
  return (
    rule.ipProtocols?.includes(protocol.toUpperCase()) === true &&
    rule.destinationPorts?.includes(String(port)) === true &&
    (rule.destinationAddresses?.includes(address) === true || rule.destinationFqdns?.includes(host) === true)
  );
}

describe('azure', () => {
  it('writes its golden files', async () => {
    await expectGolden(azure.print(input()), 'azure');
    await expectGolden(azure.print(input({ from })), 'azure-gateway');
  });

  it('is a rule collection group: network rules before application rules, all of them allowing', () => {
    const collections = collectionsIn(azure.print(input()));
    expect(
      collections.map(({ ruleCollectionType, name, priority, action }) => [
        ruleCollectionType,
        name,
        priority,
        action.type,
      ]),
    ).toEqual([
      ['FirewallPolicyFilterRuleCollection', 'airgap-network', 100, 'Allow'],
      ['FirewallPolicyFilterRuleCollection', 'airgap-application', 200, 'Allow'],
    ]);
    const names = collections.flatMap(({ rules }) => rules.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
  });

  it('has one kind of destination in a network rule, and no wildcard', () => {
    const [network] = collectionsIn(azure.print(input()));
    for (const { destinationAddresses, destinationFqdns } of network?.rules ?? []) {
      expect([destinationAddresses, destinationFqdns].filter((list) => list !== undefined)).toHaveLength(1);
      expect(destinationFqdns?.some((name) => name.includes('*')) ?? false).toBe(false);
    }
  });

  it('says that names in network rules need the DNS proxy, and when there are too many', () => {
    const destinations = Array.from({ length: 1001 }, (_, index) =>
      destination(`nodes n${index}.site:123`, { protocol: 'udp', speaks: 'ntp', purposes: ['time'] }),
    );
    const { warnings } = azure.print(input({ destinations }));
    expect(warnings).toContain('names in network rules need the DNS proxy of the firewall, and clients that ask it');
    expect(warnings).toContain('1001 names in network rules are more than the 1000 that Azure advises');
  });

  it('puts ports that an application rule may not have into network rules', () => {
    const destinations = ['a.site:64000', 'b.site:64001', '*.c.site:64001'].map((place) =>
      destination(`staging ${place}`, { purposes: ['registry'] }),
    );
    const text = azure.print(input({ destinations }));
    const rules = collectionsIn(text).flatMap((collection) => collection.rules);
    expect(
      rules.map(({ ruleType, destinationPorts, protocols }) => [
        ruleType,
        destinationPorts?.[0] ?? protocols?.[0]?.port,
      ]),
    ).toEqual([
      ['NetworkRule', '64001'],
      ['ApplicationRule', 64_000],
    ]);
    expect(text.warnings).toContainEqual(
      expect.stringMatching(/^\*\.c\.site tcp\/64001 for staging is left out: its port is above 64000: /),
    );
  });

  it('names the IPv6 addresses of who connects, which pass it by', () => {
    const { warnings } = azure.print(input({ from }));
    expect(
      warnings.filter((warning) => warning.includes('is not limited')).map((warning) => warning.split(' ')[0]),
    ).toEqual(['fd00::5', 'fd00:5::/64']);
    expect(azure.print(input()).warnings.join()).not.toContain('is not limited');
  });

  it('allows what is listed, and nothing else', () => {
    expectAllTold(azure, allows);
  });
});
