/** A plain list of hosts, for whatever reads one host on a line. */
import type { Destination } from '../destination.ts';
import { groupedBy } from '../grouped.ts';
import { checkInput, hostKind, plainText, purposeOf } from './hosts.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';

/** Includes what is reached through a proxy: such lists are mostly for one. */
export const list: FirewallLanguage = {
  name: 'list',
  about: 'one host on a line, with port and purpose behind a #',
  knowsStateless: false,
  print: printList,
};

function printList(input: FirewallInput): FirewallText {
  checkInput(input);
  const { destinations } = input;
  const members = groupedBy(destinations, ({ host }) => host);
  const hosts = [...members.keys()].sort();
  const places = hosts.filter((host) => hostKind(host) === 'place');
  const lines = [
    '# Made by "airgap egress --format list": a host, name, wildcard or address, on a line of its own; what follows # is for people.',
    '# For readers that know no comments: sed "s/ *#.*//; /^$/d" egress-hosts.txt',
    ...hosts.map((host) => lineOf(host, members.get(host) ?? [])),
  ];
  return {
    files: [{ path: 'egress-hosts.txt', text: `${lines.join('\n')}\n` }],
    warnings: places.map((host) => `${host} is not known here: its line is a comment, write its name or address there`),
    use: ['sed "s/ *#.*//; /^$/d" egress-hosts.txt'],
  };
}

function lineOf(host: string, own: readonly Destination[]): string {
  const shared = own.find(({ exfiltration }) => exfiltration !== undefined)?.exfiltration;
  const remarks = [
    ...new Set(own.map((destination) => `${destination.role} ${purposeOf(destination)}`)),
    ...(shared === undefined ? [] : [`beware: ${plainText(shared)}`]),
  ];
  return `${hostKind(host) === 'place' ? '# ' : ''}${host} # ${remarks.join(' | ')}`;
}
