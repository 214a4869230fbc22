/** What a check of destinations showed, for readers and for programs. Pure. */
import { type Destination, printPlace, type Role } from '../../egress/destination.ts';
import { gridLines } from '../../egress/print/grid.ts';
import { isMissed, type Probed, verdicts } from '../../egress/verdict.ts';
import type { Checked } from '../../probe/check.ts';
import { type Openings, type Shut, shuts } from '../../probe/closed.ts';
import { counted, printable, timeText } from '../report/text.ts';

export interface CheckReport {
  readonly checked: Checked;
  /** With --assert-closed. */
  readonly openings: Openings | undefined;
  readonly listNotes: readonly string[];
  /** Addresses of who connects, where they were given. */
  readonly from: ReadonlyMap<Role, readonly string[]>;
  /** From where everything was tried. */
  readonly here: { readonly host: string; readonly addresses: readonly string[] };
  /** How long each step waited. */
  readonly timeoutMs: number;
  readonly milliseconds: number;
  readonly exitCode: number;
}

/** A row for each destination, what is worth knowing, and a summary. */
export function checkLines(report: CheckReport, { columns }: { readonly columns: number | undefined }): string[] {
  const { checked, listNotes } = report;
  const notes = [
    ...checked.destinations.flatMap(({ notes: own, destination }) =>
      own.map((note) => `${placeText(destination)}: ${note}`),
    ),
    ...checked.notes,
    ...listNotes,
  ];
  return [
    ...rowLines(checked.destinations, columns),
    ...notes.map((note) => `note: ${printable(note)}`),
    summary(report),
    ...closedLines(report),
  ];
}

/** Where a name is too long for a column, it has its line alone: what is known of it stands below. */
function rowLines(destinations: readonly Probed[], columns: number | undefined): string[] {
  if (destinations.length === 0) return [];
  const widest = Math.max('VERDICT'.length, ...destinations.map(({ verdict }) => verdict.length));
  const place = (verdict: string, name: string) => `${verdict.padEnd(widest)}  ${name}`;
  const rows = destinations.map((probed) => {
    const { verdict, destination } = probed;
    const what = `${printable(destination.purposes.join(', '))}${destination.required ? '' : ' (optional)'}`;
    return { names: [place(verdict, placeText(destination))], cells: [what, seenText(probed)] };
  });
  const heading = { names: [place('VERDICT', 'DESTINATION')], cells: ['FOR', 'SEEN'] };
  return gridLines([heading, ...rows], { columns, indent: '', namePart: 0.55 });
}

/** `ghcr.io:443/tcp`. */
function placeText({ host, port, protocol }: Destination): string {
  return printable(`${printPlace({ host, port })}/${protocol}`);
}

function seenText({ verdict, state, certificate, milliseconds, destination }: Probed): string {
  const parts = [state];
  if (verdict === 'open' && milliseconds !== undefined)
    parts.push(`${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`);
  if (verdict === 'open' && certificate !== undefined)
    parts.push(`certificate of ${JSON.stringify(certificate.issuer)}`);
  if (destination.through !== undefined) parts.push(`through ${destination.through}`);
  return printable(parts.join(', '));
}

function summary({ checked, milliseconds }: CheckReport): string {
  const { destinations } = checked;
  const counts = verdicts.flatMap((verdict) => {
    const count = destinations.filter((probed) => probed.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${verdict}`];
  });
  const missed = destinations.filter(isMissed).length;
  const unknown = destinations.filter(
    ({ destination, verdict }) => destination.required && verdict === 'unknown',
  ).length;
  const words = [
    counts.length === 0 ? 'nothing to check' : counts.join(', '),
    ...(missed === 0 ? [] : [`${missed} required ${missed === 1 ? 'is' : 'are'} not open`]),
    ...(unknown === 0 ? [] : [`of ${unknown} required it cannot be told`]),
  ];
  return `checked ${counted(destinations.length, 'destination')} from here in ${timeText(milliseconds)}: ${words.join('; ')}`;
}

/** What was tried, and how it ended: whoever reads "none answers" has to see what that is worth. */
function closedLines({ openings, here, timeoutMs, checked }: CheckReport): string[] {
  if (openings === undefined) return [];
  const { tried, open, resolved, shut } = openings;
  const unsent = shut['without-name'] + shut['led-elsewhere'];
  const [name] = resolved;
  const isAlone = open.length === 0 && checked.destinations.every(({ verdict }) => verdict !== 'open');
  const answering = new Set(open.map(({ destination }) => destination)).size;
  const what = answering === 0 ? 'none answers' : `${answering} ${answering === 1 ? 'answers' : 'answer'}`;
  const counts = shuts.flatMap((kind) => (shut[kind] === 0 ? [] : [`${shut[kind]} ${shutWords[kind]}`]));
  const addresses = here.addresses.slice(0, mostOwnAddresses).join(', ');
  return [
    ...(name === undefined
      ? []
      : [
          `warning: the name servers here tell addresses of the internet (${printable(name)}${resolved.length === 1 ? '' : ` and ${resolved.length - 1} more`}): names leave the site, and data can be carried in them`,
        ]),
    ...(isAlone ? [`warning: nothing that is allowed answers either: this host may have no network at all`] : []),
    ...(timeoutMs < shortestSureMs
      ? [`warning: within ${timeText(timeoutMs)} one lost packet looks like a firewall: use a longer --connect-timeout`]
      : []),
    `must be closed: of ${counted(tried - unsent, 'other place')} that could be tried ${what}${counts.length === 0 ? '' : ` (${counts.join(', ')})`}`,
    `tried from ${printable(here.host)}${addresses === '' ? ' without an address' : ` (${printable(addresses)})`}, waiting ${timeText(timeoutMs)} each; other addresses and ports, ICMP and QUIC were not tried`,
  ];
}

/** The kernel sends what begins a connection again after one second (RFC 6298, 2). */
const shortestSureMs = 1500;
const mostOwnAddresses = 4;

const shutWords: Readonly<Record<Shut, string>> = {
  silent: 'silent',
  refused: 'refused',
  'without-route': 'without a route',
  'without-name': 'more not tried, as no name server here has an address for them',
  'led-elsewhere': 'more not tried, as their names lead to what is allowed or to this host',
};

/** What to do about each destination that is not open, and what is open that should not be. Empty when there is nothing. */
export function problemLines({ checked, openings, from }: CheckReport): string[] {
  const wrong = checked.destinations.filter(({ verdict }) => verdict !== 'open' && verdict !== 'unknown');
  return [
    ...wrong.flatMap((probed) => {
      const { destination, verdict, state, hint } = probed;
      const firewall = firewallText(probed, from);
      return [
        `${verdict}: ${placeText(destination)} (${destination.required ? 'required' : 'optional'}: ${printable(destination.purposes.join(', '))})`,
        `  ${printable(state)}`,
        ...(hint === undefined ? [] : [`  hint: ${printable(hint)}`]),
        ...(firewall === undefined ? [] : [`  firewall: ${printable(firewall)}`]),
      ];
    }),
    ...(openings?.open ?? []).map(
      ({ destination, state }) =>
        `must be closed: ${placeText(destination)} (${printable(destination.purposes.join(', '))}): ${printable(state)}`,
    ),
  ];
}

const roleNames: Readonly<Record<Role, string>> = {
  staging: 'the host that mirrors',
  nodes: 'the nodes',
  omni: 'the host of Omni',
};

/** The line that is missing, for whoever opens it; undefined where a firewall is not what is in the way. */
function firewallText(
  { destination, verdict, step, missing }: Probed,
  from: ReadonlyMap<Role, readonly string[]>,
): string | undefined {
  const { host, port, protocol, role, through } = destination;
  if (verdict !== 'blocked' || step === 'name') return undefined;
  const place = `${host}, ${port}/${protocol}`;
  const addresses = from.get(role);
  const who = `allow ${roleNames[role]}${addresses === undefined ? '' : ` (${addresses.join(', ')})`} to`;
  if (through === undefined) return `${who} ${place}`;
  if (missing?.kind === 'proxy' && missing.isReached !== true) return `${who} the proxy ${through}`;
  return step === 'proxy' ? `let the proxy ${through} connect to ${place}` : undefined;
}

/** The same as one document. */
export function checkDocument(report: CheckReport): Readonly<Record<string, unknown>> {
  const { checked, openings, listNotes, from, milliseconds, exitCode } = report;
  return {
    exitCode,
    destinations: checked.destinations.map((probed) => probedDocument(probed, firewallText(probed, from))),
    notes: [...checked.notes, ...listNotes],
    ...(openings !== undefined && {
      closed: {
        tried: openings.tried - openings.shut['without-name'] - openings.shut['led-elsewhere'],
        shut: openings.shut,
        here: report.here,
        timeoutSeconds: report.timeoutMs / 1000,
        open: openings.open.map((probed) => probedDocument(probed, undefined)),
        resolved: openings.resolved,
      },
    }),
    seconds: Math.round(milliseconds) / 1000,
  };
}

function probedDocument({ destination, missing, ...seen }: Probed, firewall: string | undefined) {
  const { role, host, port, protocol, speaks, required, purposes, component, through } = destination;
  return {
    role,
    host,
    port,
    protocol,
    speaks,
    required,
    purposes,
    component,
    ...(through !== undefined && { through }),
    ...seen,
    ...(firewall !== undefined && { firewall }),
    ...(missing !== undefined && { missing }),
  };
}
