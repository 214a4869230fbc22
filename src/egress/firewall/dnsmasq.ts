/** dnsmasq: the name server that clients ask puts each address it answers into the sets of nftables or ipset. */
import { covers, type Destination, isWildcard } from '../destination.ts';
import { groupedBy } from '../grouped.ts';
import { families } from './addresses.ts';
import { checkInput, hostKind, purposeOf } from './hosts.ts';
import { ipsetName, restoreText } from './ipset.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import { checkSetNames, nftTable, setName } from './sets.ts';

/** Fills the sets of the nftables rules. */
export const dnsmasq: FirewallLanguage = {
  name: 'dnsmasq',
  about: 'nftset lines that fill the sets of nftables, wildcards among them',
  knowsStateless: true,
  print: printNftset,
};

/** Fills sets of ipset, for rules of iptables. */
export const dnsmasqIpset: FirewallLanguage = {
  name: 'dnsmasq-ipset',
  about: 'ipset lines, and the sets for ipset restore',
  knowsStateless: true,
  print: printIpset,
};

function printNftset(input: FirewallInput): FirewallText {
  checkInput(input);
  const named = namedIn(input);
  checkSetNames(named.map(({ host }) => host));
  const table = `${nftTable.family}#${nftTable.name}`;
  const setsOf = (host: string) => families.map((family) => `${family}#${table}#${setName(host, family)}`);
  const entries = entriesOf(named, { option: 'nftset', setsOf });
  return {
    files: [{ path: 'egress-dnsmasq.conf', text: text('dnsmasq', entries) }],
    warnings: warningsOf(input, { named, entries, instead: 'let "airgap egress resolve --watch" fill them' }),
    use: [
      'airgap egress ... --format nftables --output egress.nft makes the sets: nft -f egress.nft',
      'dnsmasq --test --conf-file=egress-dnsmasq.conf',
      'cp egress-dnsmasq.conf /etc/dnsmasq.d/',
      'systemctl restart dnsmasq',
    ],
  };
}

function printIpset(input: FirewallInput): FirewallText {
  checkInput(input);
  const named = namedIn(input);
  const setsOf = (host: string) => families.map((family) => ipsetName(host, family));
  const entries = entriesOf(named, { option: 'ipset', setsOf });
  return {
    files: [
      { path: 'egress-dnsmasq-ipset.conf', text: text('dnsmasq-ipset', entries) },
      { path: 'egress.ipset', text: restoreText(named, input) },
    ],
    warnings: [
      ...warningsOf(input, { named, entries, instead: 'fill them with "ipset add"' }),
      ...leftOut(input),
      'the rules that use these sets are not written: lines for iptables stand in egress.ipset as comments',
    ],
    use: [
      'ipset restore -file egress.ipset',
      'dnsmasq --test --conf-file=egress-dnsmasq-ipset.conf',
      'cp egress-dnsmasq-ipset.conf /etc/dnsmasq.d/',
      'systemctl restart dnsmasq',
    ],
  };
}

/** Names and wildcards that are reached without a proxy. */
function namedIn({ destinations }: FirewallInput): readonly Destination[] {
  return destinations.filter(
    ({ host, through }) => through === undefined && ['name', 'wildcard'].includes(hostKind(host)),
  );
}

interface Writing {
  readonly option: 'nftset' | 'ipset';
  readonly setsOf: (host: string) => readonly string[];
}

/** One line of dnsmasq. */
interface Entry {
  readonly lines: readonly string[];
  /** Hosts whose sets had no room in it. */
  readonly left: readonly string[];
}

/**
 * One line for each domain. dnsmasq fills the sets of the longest domain that a name ends with, and of no other (dnsmasq 2.90,
 * src/forward.c, domain_find_sets): a line therefore names the sets of every wildcard above it too.
 */
function entriesOf(named: readonly Destination[], { option, setsOf }: Writing): Entry[] {
  const domains = groupedBy(named, ({ host }) => domainOf(host));
  const wildcards = groupedBy(new Set(named.map(({ host }) => host).filter(isWildcard)), domainOf);
  return [...domains].map(([domain, members]) => {
    const own = [...new Set(members.map(({ host }) => host))];
    const above = domainsAbove(domain).flatMap((one) =>
      (wildcards.get(one) ?? []).filter((wildcard) => isAbove(wildcard, own)),
    );
    const remarks = members.map(
      (destination) => `# ${destination.role} ${destination.host}: ${purposeOf(destination)}`,
    );
    let line = `${option}=/${domain}/`;
    const left: string[] = [];
    for (const host of [...own, ...above]) {
      const longer = `${line}${line.endsWith('/') ? '' : ','}${setsOf(host).join(',')}`;
      if (longer.length > longestLine) left.push(host);
      else line = longer;
    }
    return { lines: ['', ...new Set(remarks), line], left };
  });
}

/** dnsmasq reads 1024 characters of a line and takes the rest for the next one (dnsmasq 2.90, src/option.c, read_file). */
const longestLine = 1000;

/** `a.x.io` is below `x.io` and `io`, the shortest first. */
function domainsAbove(domain: string): string[] {
  const labels = domain.split('.');
  return labels.slice(1).map((_, index) => labels.slice(labels.length - 1 - index).join('.'));
}

/** Whether a wildcard has to be filled by what the line of a longer domain, with these hosts, catches. */
function isAbove(wildcard: string, own: readonly string[]): boolean {
  return own.some(isWildcard) || own.some((host) => covers(wildcard, host));
}

/** What dnsmasq can match: a domain with everything below it. Of inner wildcards the part behind the last one. */
function domainOf(host: string): string {
  const labels = host.split('.');
  return labels.slice(labels.findLastIndex(isWildcard) + 1).join('.');
}

function text(format: string, entries: readonly Entry[]): string {
  return `${[
    `# Made by "airgap egress --format ${format}". Clients have to ask this dnsmasq, and no other name server.`,
    '# dnsmasq takes a domain with everything below it: a line for ghcr.io catches x.ghcr.io too. Of wildcards such as *.pkg.dev it also',
    '# catches pkg.dev itself. Addresses it adds stay until the sets are made anew; restart dnsmasq then, as answers out of its cache fill',
    '# nothing. Nor do names that it answers by itself (address=, host-record=, hosts files, leases). Older kernels keep the timeout of an',
    '# address that was added with one, by --look-up or "resolve --watch": fill a set in one of these ways.',
    ...entries.flatMap(({ lines }) => lines),
  ].join('\n')}\n`;
}

/** Roles of which no rule can be told. */
function leftOut({ destinations, from }: FirewallInput): string[] {
  const left = [...new Set(destinations.map(({ role }) => role))].filter((role) => from.size > 0 && !from.has(role));
  return left.map((role) => `${role} is left out of the lines for iptables: it has no --address ${role}=...`);
}

interface Written {
  readonly named: readonly Destination[];
  readonly entries: readonly Entry[];
  /** How sets are filled that dnsmasq does not fill. */
  readonly instead: string;
}

function warningsOf({ destinations }: FirewallInput, { named, entries, instead }: Written): string[] {
  const site = [
    ...new Set(named.filter((one) => one.component === 'site' && one.seen !== 'undeclared').map(({ host }) => host)),
  ];
  const inner = [...new Set(named.map(({ host }) => host))].filter(
    (host) => isWildcard(host) && `*.${domainOf(host)}` !== host,
  );
  const places = [...new Set(destinations.map(({ host }) => host))].filter((host) => hostKind(host) === 'place');
  return [
    ...inner.map(
      (host) =>
        `${host} is written as everything below ${domainOf(host)}, which is more: dnsmasq knows no wildcard within a name`,
    ),
    ...entries.flatMap(({ left }) =>
      left.map((host) => `${host} is filled in part: a line of dnsmasq has no room for the sets of so many wildcards`),
    ),
    ...places.map((host) => `${host} is not known here: add its name, or a rule for its address`),
    ...(site.length === 0
      ? []
      : [
          `where dnsmasq answers ${site.join(', ')} by itself (address=, hosts files), it fills no set of ${site.length === 1 ? 'it' : 'them'}: ${instead}`,
        ]),
  ];
}
