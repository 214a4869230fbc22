/**
 * The list for programs: one document of version 1. Keys may be added to it; none changes its meaning or goes. `destinations` is sorted as
 * the list is; a key without a value is left out. Every field: docs/egress-list.md.
 */
import type { Destination, EgressList, Evidence } from '../destination.ts';
import type { PrintOptions } from './printers.ts';
import { visibleJson } from './visible.ts';
import { clientPorts, returning, sourceIds, sourcesById, warningsOf } from './wording.ts';

/** JSON with two blanks for each level and a newline at its end. */
export function printJson(list: EgressList, options: PrintOptions): string {
  const known = sourcesById(options.sources);
  const document = {
    version: 1,
    title: options.title,
    date: options.date,
    destinations: list.destinations.map(destinationEntry),
    returns: options.stateless ? returning(list.destinations).map(returnEntry) : undefined,
    warnings: warningsOf(list),
    notes: list.notes,
    sources: sourceIds(list).map((id) => known.get(id) ?? { id }),
  };
  return `${visibleJson(document)}\n`;
}

function destinationEntry(destination: Destination) {
  const { role, host, port, protocol, speaks, isRegistry, required, condition, purposes, component } = destination;
  const { inPlaceOf, exfiltration, through, seen, evidence } = destination;
  return {
    role,
    direction: 'out',
    host,
    port,
    protocol,
    speaks,
    isRegistry,
    required,
    condition,
    purposes,
    component,
    inPlaceOf,
    exfiltration,
    through,
    seen,
    evidence: evidence.map(evidenceEntry),
  };
}

function evidenceEntry(evidence: Evidence) {
  if (evidence.kind !== 'observed') return evidence;
  const { purpose, observed } = evidence.contact;
  return { kind: evidence.kind, purpose, ...observed };
}

/** From `host` and its `sourcePort` to a local port of who connected. */
function returnEntry({ role, host, port, protocol }: Destination) {
  return { role, direction: 'in', host, sourcePort: port, protocol, localPorts: clientPorts };
}
