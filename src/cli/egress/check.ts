/** `airgap egress check`: is the firewall open for the list, from here, and with --assert-closed for nothing else? */
import { hostname, networkInterfaces } from 'node:os';
import { mustBeClosed } from '../../egress/closed.ts';
import { type Destination, isAddress, isExactName } from '../../egress/destination.ts';
import { isMissed } from '../../egress/verdict.ts';
import { hostAndPort } from '../../http/hosts.ts';
import { chooseProxy, type ProxyChoice, type ProxyServer } from '../../http/proxy.ts';
import { tlsOptions } from '../../http/tls.ts';
import type { Probing } from '../../probe/attempt.ts';
import { checkAll } from '../../probe/check.ts';
import { findOpen, type Openings } from '../../probe/closed.ts';
import { type Names, namesFrom, rememberNames } from '../../probe/names.ts';
import { systemNames } from '../../probe/system-names.ts';
import { checkTls } from '../client-settings.ts';
import { exitCodes } from '../exit.ts';
import { jsonLine } from '../report/json.ts';
import { goOn } from '../session.ts';
import { type CheckReport, checkDocument, checkLines, problemLines } from './check-text.ts';
import { type EgressRun, withFindings } from './run.ts';

/**
 * Tries every destination and tells what it saw. Gives the exit status: 4 where something required is not open, 5 where --assert-closed
 * found something else open, 0 otherwise. What cannot be told (wildcards, WireGuard) is counted, and fails nothing.
 */
export async function checkDestinations(run: EgressRun): Promise<number> {
  const { session, egress, list } = run;
  const probing = await probingFor(run);
  const started = performance.now();
  const checked = await checkAll(list.destinations, probing);
  const openings = egress.assertClosed ? await openingsBeside(run, { probing, checked }) : undefined;
  goOn(session.signal);
  const isMissing = checked.destinations.some(isMissed);
  const isLeaking = openings !== undefined && openings.open.length > 0;
  const exitCode = withFindings(run, isMissing ? exitCodes.target : isLeaking ? exitCodes.mismatch : exitCodes.ok);
  tell(run, {
    checked,
    openings,
    listNotes: list.notes,
    from: egress.from,
    here: { host: hostname(), addresses: ownAddresses() },
    timeoutMs: egress.connectTimeoutMs,
    milliseconds: performance.now() - started,
    exitCode,
  });
  return exitCode;
}

/** Of this host, as others see it: what a firewall knows it by. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:')).map(({ address }) => address);
}

function tell({ session }: EgressRun, report: CheckReport): void {
  const { settings, context, reporter } = session;
  if (settings.output.json) {
    context.stdout.write(`${jsonLine(checkDocument(report), 2)}\n`);
    return;
  }
  reporter.text(checkLines(report, { columns: session.columns }));
  reporter.problem(problemLines(report));
}

async function probingFor(run: EgressRun): Promise<Probing> {
  const { session, egress, list } = run;
  const tls = await checkTls(session);
  return {
    names: rememberNames(namesFor(run)),
    tls: tlsOptions(tls),
    publicTls: tlsOptions({ ...tls, clientCertificate: undefined, clientKey: undefined }),
    proxyFor: proxyOf(session.settings.proxy),
    question: questionOf(list.destinations),
    limits: { timeoutMs: egress.connectTimeoutMs, signal: session.signal },
  };
}

/**
 * What the job itself would ask. Names of the site first: a name server without the internet may be long silent about others. Every one
 * knows the last (RFC 6761, 6.3).
 */
function questionOf(destinations: readonly Destination[]): string {
  const asked = destinations.filter(({ host, through }) => through === undefined && isExactName(host));
  return (asked.find(({ component }) => component === 'site') ?? asked[0])?.host ?? 'localhost';
}

/**
 * The host that mirrors looks names up as this program does when it mirrors; for others the name servers of their list are asked, as far
 * as it has addresses. --resolver goes before both.
 */
function namesFor({ egress, list }: EgressRun): Names {
  if (egress.nameServers.length > 0) return namesFrom(egress.nameServers);
  const listed = list.destinations.filter(
    ({ speaks, protocol, host, role }) =>
      speaks === 'dns' && protocol === 'udp' && isAddress(host) && role !== 'staging',
  );
  if (listed.length === 0) return systemNames();
  return namesFrom(listed.map(({ host, port }) => ({ address: host, port })));
}

/** A destination names its proxy by host and port; how to log in there is in the settings alone. */
function proxyOf(settings: Parameters<typeof chooseProxy>[0]): Probing['proxyFor'] {
  const choose = chooseProxy(settings);
  return (destination) => {
    const { through } = destination;
    if (through === undefined) return undefined;
    const own = proxyFor(choose, destination);
    return own !== undefined && hostAndPort(own.url) === through ? own : proxyAt(through);
  };
}

/** Undefined too for a host that no URL can have: lists may hold what a lock says. */
function proxyFor(choose: ProxyChoice, { host, port, speaks }: Destination): ProxyServer | undefined {
  const text = `${speaks === 'http' ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return URL.canParse(text) ? choose(new URL(text)) : undefined;
}

function proxyAt(place: string): ProxyServer | undefined {
  const text = `http://${place}`;
  return URL.canParse(text) ? { url: new URL(text), authorization: undefined } : undefined;
}

/** Directly, and through the proxy of this environment where it has one. */
async function openingsBeside(
  { session, egress, list }: EgressRun,
  { probing, checked }: { readonly probing: Probing; readonly checked: CheckReport['checked'] },
): Promise<Openings> {
  const places = mustBeClosed(list.destinations, { role: egress.roles[0] ?? 'nodes' });
  const allowed = new Set(
    checked.destinations.flatMap(({ destination, addresses }) =>
      [...addresses, destination.host].map((address) => `${address} ${destination.port}`),
    ),
  );
  const choose = chooseProxy(session.settings.proxy);
  return await findOpen(places, {
    allowed,
    probing: { ...probing, proxyFor: () => undefined },
    proxyFor: (place) => (place.speaks === 'https' ? proxyFor(choose, place) : undefined),
  });
}
