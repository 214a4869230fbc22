/** What `airgap egress resolve` prints. Names and addresses come from DNS: nothing is printed as it came. Pure. */
import { groupedBy } from '../../egress/grouped.ts';
import type { LookUpFailure } from '../../probe/look-up.ts';
import { counted, printableAscii, tableLines } from '../report/text.ts';
import type { AskedName, NotAsked } from './look-up-names.ts';

export interface Resolved {
  readonly asked: readonly AskedName[];
  readonly others: readonly NotAsked[];
}

/** A table of what was found, then what is not looked up and what to use instead. */
export function resolvedLines({ asked, others }: Resolved, columns: number | undefined): string[] {
  const found = asked.filter(({ found: { addresses } }) => addresses.length > 0);
  const lines = found.length === 0 ? [] : tableLines([header, ...found.flatMap(rowsOf)], { columns, shrink: 3 });
  const told = others.length === 0 ? [] : [...tableLines(others.map(rowOfOther), { columns }), ...insteadLines(others)];
  const parts = [lines, found.length === 0 ? [] : [summary(found)], told].filter((part) => part.length > 0);
  return parts.flatMap((part, index) => (index === 0 ? part : ['', ...part]));
}

const header = ['HOST', 'ADDRESSES', 'TTL', 'CHAIN'];

/** One row for each address or alias, whichever are more. */
function rowsOf({ host, found }: AskedName): string[][] {
  const { addresses, chain } = found;
  const height = Math.max(addresses.length, chain.length);
  return Array.from({ length: height }, (_, index) => {
    const address = addresses[index];
    const link = chain[index];
    return [
      index === 0 ? printableAscii(host) : '',
      address === undefined ? '' : printableAscii(address.address),
      address === undefined ? '' : `${address.ttl} s`,
      link === undefined ? '' : `-> ${printableAscii(link.name)} (${link.ttl} s)`,
    ];
  });
}

function rowOfOther({ host, state, exact }: NotAsked): string[] {
  const named = exact === undefined ? '' : `; in this list: ${someOf(exact)}`;
  return [printableAscii(host), printableAscii(state + named)];
}

/** `a, b, c and 17 more`. */
function someOf(hosts: readonly string[], most = 3): string {
  const shown = hosts.length <= most + 1 ? hosts : hosts.slice(0, most);
  return shown.join(', ') + (shown.length === hosts.length ? '' : ` and ${hosts.length - shown.length} more`);
}

/** Once for all that have the same way out. */
function insteadLines(others: readonly NotAsked[]): string[] {
  const replaced = others.flatMap(({ host, instead }) => (instead === undefined ? [] : [{ host, instead }]));
  return [...groupedBy(replaced, ({ instead }) => instead)].map(([instead, of]) =>
    printableAscii(`in place of ${of.map(({ host }) => host).join(', ')}: ${instead}`),
  );
}

function summary(found: readonly AskedName[]): string {
  const addresses = found.reduce((sum, { found: one }) => sum + one.addresses.length, 0);
  const shortest = shortestOf(found);
  const ttl = shortest === undefined ? '' : `; shortest TTL: ${shortest.ttl} s (${printableAscii(shortest.host)})`;
  return `${counted(found.length, 'name')}, ${counted(addresses, 'address', 'addresses')}${ttl}`;
}

/** The name whose addresses have to be asked for again first. */
function shortestOf(asked: readonly AskedName[]): { readonly host: string; readonly ttl: number } | undefined {
  const each = asked.flatMap(({ host, found }) => {
    return found.addresses.length === 0 ? [] : [{ host, ttl: shortestTtl(found.addresses) }];
  });
  return each.sort((one, other) => one.ttl - other.ttl)[0];
}

function shortestTtl(addresses: readonly { readonly ttl: number }[]): number {
  return Math.min(...addresses.map(({ ttl }) => ttl));
}

/** Names that have no addresses, or whose other family was not answered, by their reason. */
export function failuresOf(
  asked: readonly AskedName[],
): readonly { readonly reason: string; readonly hosts: readonly string[] }[] {
  const failed = asked.flatMap(({ host, required, found }) => {
    const failure = found.failure ?? found.unanswered;
    if (failure === undefined) return [];
    const what = found.failure === undefined ? 'resolved in part' : 'cannot resolve';
    const reason = printableAscii(`${what} (${required ? 'required' : 'optional'}): ${reasonOf(failure, host)}`);
    return [{ reason, host: printableAscii(host) }];
  });
  return [...groupedBy(failed, ({ reason }) => reason)].map(([reason, of]) => ({
    reason,
    hosts: of.map(({ host }) => host),
  }));
}

/** The same, names under their reason. */
export function failureLines(asked: readonly AskedName[]): string[] {
  return failuresOf(asked).flatMap(({ reason, hosts }) => [reason, ...hosts.map((host) => `  ${host}`)]);
}

/** The message, which names a host only where it is another than the one that was asked for. */
export function reasonOf({ message }: LookUpFailure, host: string): string {
  const name = JSON.stringify(host);
  return message.replace(`: ${name}`, '').replace(`${name} has no`, 'no');
}

/** For programs: `names` in the order of the list, with what is not looked up beside them. */
export function resolvedJson({ asked, others }: Resolved): Readonly<Record<string, unknown>> {
  return {
    names: asked.map(({ host, required, found }) => {
      const { server, chain, addresses, failure, unanswered } = found;
      const ttl = addresses.length === 0 ? {} : { shortestTtl: shortestTtl(addresses) };
      return { host, required, server, chain, addresses, ...ttl, failure, unanswered };
    }),
    notLookedUp: others,
    shortestTtl: shortestOf(asked)?.ttl,
  };
}
