/** Squid: who may reach which names on which ports through this proxy, and a second file that holds TLS to the same names. */
import { type Destination, printPlace, type Role, roles } from '../destination.ts';
import { groupedBy } from '../grouped.ts';
import { blocksOf } from './addresses.ts';
import { checkInput, hostKind, purposeOf } from './hosts.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import { type Matching, matchLines } from './squid-names.ts';

/** Includes what is reached through a proxy: this is its language. */
export const squid: FirewallLanguage = {
  name: 'squid',
  about: 'access rules of the proxy Squid, and those for ssl_bump peek and splice',
  knowsStateless: false,
  print: printSquid,
};

function printSquid(input: FirewallInput): FirewallText {
  checkInput(input);
  const { passed, refused } = sortedOut(input);
  const groups = groupsOf(passed);
  return {
    files: [
      { path: 'egress-squid.conf', text: accessText(groups, input) },
      { path: 'egress-squid-peek.conf', text: peekText(groups, input) },
    ],
    warnings: warningsOf(input, { passed, refused }),
    use: [
      'cp egress-squid.conf /etc/squid/conf.d/',
      'only where a port has ssl-bump: cp egress-squid-peek.conf /etc/squid/conf.d/',
      'squid -k parse',
      'squid -k reconfigure',
    ],
  };
}

interface SortedOut {
  readonly passed: readonly Destination[];
  /** Why the others are not. */
  readonly refused: readonly string[];
}

function sortedOut({ destinations, from }: FirewallInput): SortedOut {
  const proxies = new Set(destinations.map(({ through }) => through));
  const reasons = destinations.map((destination) => whyNot(destination, { from, proxies }));
  return {
    passed: destinations.filter((_, index) => reasons[index] === undefined),
    refused: reasons.flatMap((reason) => (reason === undefined || reason === '' ? [] : [reason])),
  };
}

/** Why Squid does not pass it, empty for a proxy itself; undefined where it does. */
function whyNot(
  { role, host, port, speaks }: Destination,
  { from, proxies }: Pick<FirewallInput, 'from'> & { readonly proxies: ReadonlySet<string | undefined> },
): string | undefined {
  if (from.size > 0 && !from.has(role)) return `${role} is left out: it has no --address ${role}=...`;
  if (proxies.has(printPlace({ host, port }))) return '';
  if (hostKind(host) === 'place') return `${host} is not known here: add its name or address to egress-squid.conf`;
  if (speaks === 'https' || speaks === 'http') return undefined;
  return `${printPlace({ host, port })} speaks ${nameOf(speaks)}, which Squid does not pass: open it for ${role} in the packet filter`;
}

function nameOf(speaks: Destination['speaks']): string {
  return {
    dns: 'DNS',
    ntp: 'NTP',
    wireguard: 'WireGuard',
    tcp: 'neither HTTP nor HTTPS',
    http: 'HTTP',
    https: 'HTTPS',
  }[speaks];
}

function warningsOf({ from }: FirewallInput, { passed, refused }: SortedOut): string[] {
  const local = from.size > 0 ? [] : ['every private address may use the proxy: say who with --address staging=...'];
  return [...new Set([...refused, ...local, ...portWarnings(passed)])];
}

/** The squid.conf of Debian and of Squid itself denies other ports before it comes to these rules. */
function portWarnings(passed: readonly Destination[]): string[] {
  const tls = portsOf(passed.filter(({ speaks }) => speaks === 'https')).filter((port) => port !== 443);
  const unsafe = portsOf(passed).filter((port) => port < 1025 && !safePorts.includes(port));
  return [
    ...(tls.length === 0
      ? []
      : [`where squid.conf denies CONNECT to all but SSL_ports, add there: acl SSL_ports port ${tls.join(' ')}`]),
    ...(unsafe.length === 0
      ? []
      : [`where squid.conf denies all but Safe_ports, add there: acl Safe_ports port ${unsafe.join(' ')}`]),
  ];
}

/** Below 1025, of squid.conf as it is delivered (squid 5.7, src/cf.data.pre). */
const safePorts: readonly number[] = [21, 70, 80, 210, 280, 443, 488, 591, 777];

function portsOf(destinations: readonly Destination[]): number[] {
  return [...new Set(destinations.map(({ port }) => port))].sort((one, other) => one - other);
}

/** Destinations of one role on one port, reached the same way. */
interface Group {
  readonly role: Role;
  readonly port: number;
  /** By CONNECT, or by plain requests. */
  readonly isTls: boolean;
  readonly members: readonly Destination[];
}

function groupsOf(passed: readonly Destination[]): Group[] {
  const ports = portsOf(passed);
  const groups = groupedBy(passed, ({ role, port, speaks }) => `${role} ${port} ${speaks === 'https'}`);
  return roles.flatMap((role) =>
    ports.flatMap((port) =>
      [true, false].flatMap((isTls) => {
        const members = groups.get(`${role} ${port} ${isTls}`);
        return members === undefined ? [] : [{ role, port, isTls, members }];
      }),
    ),
  );
}

const localBlocks = ['10.0.0.0/8', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '::1', 'fc00::/7', 'fe80::/10'];

/** The blocks of a role on lines of their own, or the private ones where none were given. */
function clientLines(prefix: string, groups: readonly Group[], { from }: FirewallInput): string[] {
  const present = roles.filter((role) => groups.some((group) => group.role === role));
  return present.flatMap((role) => {
    const blocks = from.get(role) ?? localBlocks;
    return [...blocksOf(blocks, 4), ...blocksOf(blocks, 6)].map(
      (block) => `acl ${prefix}_${role} src ${wordFor(block)}`,
    );
  });
}

/** Squid keeps IPv4 addresses as IPv6 ones, which `::/0` would hold too: it has words for all of one family. */
function wordFor(block: string): string {
  return block === '0.0.0.0/0' ? 'ipv4' : block === '::/0' ? 'ipv6' : block;
}

function accessText(groups: readonly Group[], input: FirewallInput): string {
  const lines = groups.flatMap(({ role, port, isTls, members }) => {
    const name = `airgap_${role}_${isTls ? 'tls' : 'http'}_${port}`;
    const matching: Matching = { name, nameType: 'dstdomain -n', patternType: 'dstdom_regex -n -i' };
    const { lines: acls, names } = matchLines(members, matching);
    const method = isTls ? 'airgap_connect' : '!airgap_connect';
    return [
      '',
      ...remarksOf(members),
      `acl ${name}_port port ${port}`,
      ...acls,
      ...names.map((own) => `http_access allow ${method} airgap_${role} ${name}_port ${own}`),
    ];
  });
  return textOf([
    '# Made by "airgap egress --format squid". Include it where squid.conf allows: lines after its "http_access deny all" count no more.',
    '# Lines before it count too: where squid.conf denies CONNECT to all but SSL_ports, add the ports of this file there.',
    '# A name with a dot before it is that domain and all below it. Names are compared as they are asked for (-n): an address is never',
    '# looked up to find the name of another.',
    '',
    'acl airgap_connect method CONNECT',
    ...clientLines('airgap', groups, input),
    ...lines,
    '',
    'http_access deny all',
  ]);
}

/**
 * With CONNECT a client names one host to the proxy and may name another in TLS. At step 1 the proxy peeks at the name in TLS (SNI); it
 * then passes on what is allowed, untouched, and ends the rest (https://wiki.squid-cache.org/Features/SslPeekAndSplice).
 */
function peekText(groups: readonly Group[], input: FirewallInput): string {
  const tls = groups.filter(({ isTls }) => isTls);
  const lines = tls.flatMap(({ role, port, members }) => {
    const name = `airgap_peek_${role}_${port}`;
    const matching: Matching = { name, nameType: 'ssl::server_name', patternType: 'ssl::server_name_regex -i' };
    const { lines: acls, names } = matchLines(members, matching);
    return [
      '',
      `acl ${name}_port port ${port}`,
      ...acls,
      `http_access allow airgap_peek_intercepted airgap_peek_connect airgap_peek_${role} ${name}_port`,
      ...names.map((own) => `ssl_bump splice airgap_peek_${role} ${name}_port ${own}`),
    ];
  });
  return textOf([
    '# Made by "airgap egress --format squid". For a Squid with OpenSSL (Debian: squid-openssl) and a port that has ssl-bump:',
    '# clients that know the proxy:',
    '#   http_port 3128 ssl-bump generate-host-certificates=off tls-cert=/etc/squid/own.pem',
    '# connections that a gateway redirects here:',
    '#   https_port 3130 intercept ssl-bump generate-host-certificates=off name=airgap_intercept tls-cert=/etc/squid/own.pem',
    '# There Squid compares the address with those it finds for the name, and ends what differs: it and the clients have to ask the same',
    '# name server.',
    '# What is allowed is passed on untouched, with the certificate of who answers; a wrong name in TLS ends the connection. Only who is',
    '# denied at once gets to see own.pem (key and certificate, any self-signed ones), and the denial under it.',
    '# It comes before egress-squid.conf, as the alphabet has it.',
    '',
    'acl airgap_peek_intercepted myportname airgap_intercept',
    'acl airgap_peek_connect method CONNECT',
    'acl airgap_peek_first at_step SslBump1',
    ...clientLines('airgap_peek', tls, input),
    'ssl_bump peek airgap_peek_first',
    ...lines,
    '',
    'ssl_bump terminate all',
  ]);
}

function remarksOf(members: readonly Destination[]): string[] {
  return members.map((destination) => `# ${destination.role} ${destination.host}: ${purposeOf(destination)}`);
}

function textOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
