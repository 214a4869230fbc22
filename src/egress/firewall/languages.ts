/** Every firewall language, by the name `--format` takes. */
import { aws } from './aws.ts';
import { azure } from './azure.ts';
import { cilium } from './cilium.ts';
import { dnsmasq, dnsmasqIpset } from './dnsmasq.ts';
import { fortigate } from './fortigate.ts';
import { gcp } from './gcp.ts';
import type { FirewallLanguage } from './language.ts';
import { list } from './list.ts';
import { networkPolicy } from './network-policy.ts';
import { nftables } from './nftables.ts';
import { noProxy } from './no-proxy.ts';
import { paloAlto } from './palo-alto.ts';
import { squid } from './squid.ts';

/** In the order of help and documentation. */
export const firewallLanguages: readonly FirewallLanguage[] = [
  nftables,
  dnsmasq,
  dnsmasqIpset,
  squid,
  cilium,
  networkPolicy,
  fortigate,
  paloAlto,
  aws,
  azure,
  gcp,
  list,
  noProxy,
];
