/**
 * Palo Alto Networks: external dynamic lists (EDL) of URLs and addresses, and the set commands that use them (docs.paloaltonetworks.com:
 * Formatting Guidelines for an External Dynamic List; Guidelines for URL Category Exceptions, PAN-OS 10.2 and later). A URL list has no
 * comments, and its entries end in a slash: without one, PAN-OS 10.1 reads `example.com` as `example.com.*`.
 */
import type { FirewallFile, FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import {
  fittingName,
  leftOut,
  type PortRule,
  portRules,
  rolesOf,
  rolesWithoutSource,
  sharedName,
  sourceless,
  sourcesOf,
  unsayable,
  wildcardsOf,
} from './port-rules.ts';

/** `--format palo-alto`. Throws ERR_USAGE where nothing of the list can be said. */
export const paloAlto: FirewallLanguage = {
  name: 'palo-alto',
  about: 'Palo Alto: external dynamic lists, and rules that use them',
  knowsStateless: false,
  print,
};

/** Lists one firewall may read (PAN-OS 8.0 web interface help, external dynamic lists: on each model). */
const mostLists = 30;
/** Of address objects (Palo Alto's own pan-os-codegen, specs/objects/address.yaml). */
const longestName = 63;

/** One list, and the rule that allows it. */
interface List {
  readonly rule: PortRule;
  readonly kind: 'urls' | 'ips' | 'names';
  readonly entries: readonly string[];
}

function print(input: FirewallInput): FirewallText {
  const { rules, warnings } = portRules(input, { bySpeaks: true });
  const lists = rules.flatMap(listsOf);
  if (lists.length === 0) throw unsayable('Palo Alto lists');
  const external = lists.filter(({ kind }) => kind !== 'names');
  refuseSharedNames(lists, external);
  const commands = [
    ...new Set([
      ...external.flatMap(listCommands),
      ...lists.flatMap((list) => ruleCommands(list, input)),
      ...denies(lists, input),
    ]),
  ];
  return {
    files: [{ path: 'egress-palo-alto.set', text: `${commands.join('\n')}\n` }, ...external.map(fileOf)],
    warnings: [
      ...warnings,
      ...rules.flatMap(unsaid),
      ...(external.length > mostLists
        ? [
            `${external.length} lists are more than the ${mostLists} that a firewall reads: print fewer roles with --role`,
          ]
        : []),
      ...trusting(lists),
      ...open(rules, input),
      ...sourceless(rules, input),
    ],
    use: [
      'serve the files egress-*-urls.txt and egress-*-ips.txt from a web server of the site, and put its address in place of https://edl.example in egress-palo-alto.set',
      'give each list a certificate profile (set external-list <name> type <url or ip> certificate-profile <profile>): without one, nothing proves who serves it',
      'configure, paste egress-palo-alto.set, move the rules above those that deny, commit',
    ],
  };
}

/**
 * URL lists for HTTPS on 443 and HTTP on 80, where PAN-OS sees the name; on other ports a URL would carry its port, so exact names become
 * FQDN address objects there, as they do for what is not HTTP.
 */
function isWeb({ protocol, speaks, port }: PortRule): boolean {
  return protocol === 'tcp' && ((speaks === 'https' && port === 443) || (speaks === 'http' && port === 80));
}

function listsOf(rule: PortRule): List[] {
  const urls = isWeb(rule) ? [...rule.names, ...rule.suffixes.map((suffix) => `*${suffix}`)] : [];
  const lists: List[] = [
    { rule, kind: 'urls', entries: urls.map((host) => `${host}/`) },
    { rule, kind: 'ips', entries: rule.addresses },
    { rule, kind: 'names', entries: isWeb(rule) ? [] : rule.names },
  ];
  return lists.filter(({ entries }) => entries.length > 0);
}

function titleOf({ rule: { role, speaks, protocol, port }, kind }: List): string {
  return `${role}-${speaks}-${protocol}-${port}-${kind}`;
}

function fileOf(list: List): FirewallFile {
  return { path: `egress-${titleOf(list)}.txt`, text: list.entries.map((entry) => `${entry}\n`).join('') };
}

/** PAN-OS 7.1 took 32 characters in names of lists; here they have up to 38, and no limit of a later PAN-OS was found. */
function listCommands(list: List): string[] {
  const type = `set external-list airgap-${titleOf(list)} type ${list.kind === 'urls' ? 'url' : 'ip'}`;
  return [`${type} url https://edl.example/${fileOf(list).path}`, `${type} recurring hourly`];
}

function ruleCommands(list: List, input: FirewallInput): string[] {
  const { rule, kind } = list;
  const service = `airgap-${rule.protocol}-${rule.port}`;
  const title = `airgap-${titleOf(list)}`;
  const destination =
    kind === 'ips' ? title : kind === 'names' ? `[ ${list.entries.map(objectName).join(' ')} ]` : 'any';
  const start = `set rulebase security rules ${title}`;
  return [
    `set service ${service} protocol ${rule.protocol} port ${rule.port}`,
    ...(kind === 'names' ? list.entries.map((name) => `set address ${objectName(name)} fqdn ${name}`) : []),
    `${start} from any to any source ${sourceOf(rule, input)} destination ${destination}`,
    `${start} application any service ${service} category ${kind === 'urls' ? title : 'any'}`,
    `${start} action allow log-end yes`,
  ];
}

function sourceOf({ role }: Pick<PortRule, 'role'>, input: FirewallInput): string {
  const sources = sourcesOf(input, role);
  return sources === undefined ? 'any' : `[ ${[...sources[4], ...sources[6]].join(' ')} ]`;
}

/** Only where it is known who connects: for everybody, it would deny all that the firewall carries. */
function denies(lists: readonly List[], input: FirewallInput): string[] {
  return rolesOf(lists.map(({ rule }) => rule))
    .filter((role) => sourcesOf(input, role) !== undefined)
    .flatMap((role) => [
      `set rulebase security rules airgap-${role}-deny from any to any source ${sourceOf({ role }, input)} destination any`,
      `set rulebase security rules airgap-${role}-deny application any service any category any action deny log-end yes`,
    ]);
}

function objectName(host: string): string {
  return fittingName(`airgap-${host}`, longestName);
}

/** A destination of a rule may be an address or a list by one name: which one, nobody should have to guess. */
function refuseSharedNames(lists: readonly List[], external: readonly List[]): void {
  const titles = new Set(external.map((list) => `airgap-${titleOf(list)}`));
  const named = lists.flatMap(({ kind, entries }) => (kind === 'names' ? entries.map(objectName) : []));
  const shared = named.find((name) => titles.has(name));
  if (shared !== undefined) throw sharedName('Palo Alto', shared);
}

/** With the DNS proxy on, these threats are names in TLS and HTTP that do not belong to the address (PAN-OS 7.1 new features). */
function trusting(lists: readonly List[]): string[] {
  return lists.some(({ kind }) => kind === 'urls')
    ? [
        'names in URL lists are what clients say in TLS and HTTP: one that lies reaches any address on those ports, unless the DNS proxy is on and an anti-spyware profile blocks threats 14978 and 14984',
      ]
    : [];
}

/** Roles without a rule that denies the rest. */
function open(rules: readonly PortRule[], input: FirewallInput): string[] {
  const without = rolesWithoutSource(rules, input);
  return without.length === 0
    ? []
    : [`nothing here denies the rest to ${without.join(', ')}, and PAN-OS allows it within a zone (intrazone-default)`];
}

function unsaid(rule: PortRule): string[] {
  if (!isWeb(rule)) {
    const reason =
      'PAN-OS knows wildcards in URLs of HTTPS on 443 and HTTP on 80 only: allow the exact hosts, which --observed learns';
    return leftOut(rule, { hosts: wildcardsOf(rule), reason });
  }
  return leftOut(rule, {
    hosts: rule.patterns,
    reason: 'a * in a URL list stands for whole labels: allow the exact hosts, which --observed learns',
  });
}
