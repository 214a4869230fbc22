/** dnsmasq: the name server that clients ask puts each address it answers into the sets of nftables or ipset. */
import { covers, type Destination, isWildcard } from '../destination.ts';
import { blocksOf, type Family, familyOf, shortAddress } from './addresses.ts';
import { checkInput, hostKind, purposeOf } from './hosts.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import { checkSetNames, longestTimeout, nftTable, setName, shortHash } from './sets.ts';

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

const families: readonly Family[] = [4, 6];

function printNftset(input: FirewallInput): FirewallText {
  checkInput(input);
  const named = namedIn(input);
  checkSetNames(named.map(({ host }) => host));
  const table = `${nftTable.family}#${nftTable.name}`;
  const setsOf = (host: string) => families.map((family) => `${family}#${table}#${setName(host, family)}`);
  const entries = entriesOf(named, { option: 'nftset', setsOf });
  return {
    files: [{ path: 'egress-dnsmasq.conf', text: text('dnsmasq', entries) }],
    warnings: warningsOf(input, { named, entries }),
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
      ...warningsOf(input, { named, entries }),
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

/** The kernel takes 31 characters (IPSET_MAXNAMELEN, linux/netfilter/ipset/ip_set.h): `e4_ghcr.io`, and where that is too long a part with a hash. */
function ipsetName(host: string, family: Family): string {
  const name = `e${family}_${host}`;
  return name.length <= 31 && !isWildcard(host) && !/_.*_/.test(name)
    ? name
    : `e${family}_${host.replaceAll(/[^0-9a-z.-]/g, 'x').slice(0, 11)}_${shortHash(host)}`;
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
  const hosts = [...new Set(named.map(({ host }) => host))];
  const domains = [...new Set(hosts.map(domainOf))];
  return domains.map((domain) => {
    const own = hosts.filter((host) => domainOf(host) === domain);
    const above = hosts.filter((host) => isWildcard(host) && !own.includes(host) && isAbove(host, { domain, own }));
    const remarks = named
      .filter(({ host }) => own.includes(host))
      .map((destination) => `# ${destination.role} ${destination.host}: ${purposeOf(destination)}`);
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

/** Whether a wildcard has to be filled by what the line of a longer domain catches. */
function isAbove(
  wildcard: string,
  { domain, own }: { readonly domain: string; readonly own: readonly string[] },
): boolean {
  if (!domain.endsWith(`.${domainOf(wildcard)}`)) return false;
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
    '# nothing.',
    ...entries.flatMap(({ lines }) => lines),
  ].join('\n')}\n`;
}

function restoreText(named: readonly Destination[], input: FirewallInput): string {
  const { addresses, graceSeconds } = input;
  const hosts = [...new Set(named.map(({ host }) => host))];
  const lines = hosts.flatMap((host) => [
    '',
    ...new Set(named.filter((one) => one.host === host).flatMap((one) => iptablesLines(one, input))),
    ...families.map(
      (family) =>
        `create ${ipsetName(host, family)} hash:ip family ${family === 4 ? 'inet' : 'inet6'} timeout 0 -exist`,
    ),
    ...(addresses.get(host) ?? []).map(({ address, ttl }) => {
      const set = ipsetName(host, familyOf(address) ?? 4);
      return `add ${set} ${shortAddress(address)} timeout ${Math.min(Math.ceil(ttl + graceSeconds), longestTimeout)} -exist`;
    }),
  ]);
  return `${[
    '# Made by "airgap egress --format dnsmasq-ipset". Load: ipset restore -file egress.ipset',
    '# A timeout of 0 means none: what dnsmasq adds stays until "ipset flush".',
    ...lines,
  ].join('\n')}\n`;
}

function iptablesLines(destination: Destination, input: FirewallInput): string[] {
  return families.flatMap((family) => {
    const program = family === 4 ? 'iptables' : 'ip6tables';
    return rulesOf(destination, { ...input, family }).map((rule) => `# ${program} ${rule} -j ACCEPT`);
  });
}

/** The rule and, where connections are not followed, that of its answers. */
function rulesOf(
  { host, port, protocol, role }: Destination,
  { from, stateless, family }: FirewallInput & { readonly family: Family },
): string[] {
  const set = ipsetName(host, family);
  const blocks = blocksOf(from.get(role) ?? [], family).join(',');
  if (from.size > 0 && blocks === '') return [];
  const [there, back] = from.size === 0 ? ['OUTPUT', 'INPUT'] : [`FORWARD -s ${blocks}`, `FORWARD -d ${blocks}`];
  const isAnswer = protocol === 'tcp' ? ' ! --syn' : '';
  return [
    `-A ${there} -p ${protocol} --dport ${port} -m set --match-set ${set} dst`,
    ...(stateless ? [`-A ${back} -p ${protocol} --sport ${port}${isAnswer} -m set --match-set ${set} src`] : []),
  ];
}

function warningsOf(
  { destinations }: FirewallInput,
  { named, entries }: { readonly named: readonly Destination[]; readonly entries: readonly Entry[] },
): string[] {
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
  ];
}
