/** What services need, whatever the images: `--components`, and Omni. */
import type { TalosVersion } from '../../talos/version.ts';
import { type Destination, roles } from '../destination.ts';
import { forComponent } from '../knowledge/find.ts';
import type { ComponentName } from '../knowledge/known.ts';
import { toDestinations } from '../knowledge/place.ts';
import type { Needs } from './merge.ts';

export interface ServiceFacts {
  readonly components: readonly ComponentName[];
  readonly version: TalosVersion;
  readonly wildcards: boolean;
  /** The own Omni, in place of `<omni>`. */
  readonly omniHost: string | undefined;
  /** The one UDP port it advertises. Undefined: all that its documents name. */
  readonly siderolinkPort: number | undefined;
}

/** Each component for all that connect to it by its documents. */
export function serviceNeeds(facts: ServiceFacts): Needs {
  const { components, version, wildcards } = facts;
  const known = components.flatMap((name) => forComponent(name, { version }));
  const destinations = roles.flatMap((role) => toDestinations(known, { role, wildcards }));
  return withOmni(destinations, facts);
}

/** What nodes need to be managed by an Omni: its addresses alone. */
export function omniNeedsOfNodes(facts: ServiceFacts): Needs {
  const known = forComponent('omni', { version: facts.version }).filter(({ host }) => host === omni);
  return withOmni(toDestinations(known, { role: 'nodes', wildcards: facts.wildcards }), facts);
}

const omni = '<omni>';

function withOmni(destinations: readonly Destination[], { omniHost, siderolinkPort }: ServiceFacts): Needs {
  const isTunnel = ({ host, speaks }: Destination) => host === omni && speaks === 'wireguard';
  const [tunnel] = destinations.filter(isTunnel);
  const named =
    siderolinkPort === undefined || tunnel === undefined
      ? destinations
      : [
          ...destinations.filter((one) => !isTunnel(one)),
          {
            ...tunnel,
            port: siderolinkPort,
            condition: undefined,
            evidence: [{ kind: 'configured', by: '--siderolink-port' }] as const,
          },
        ];
  const hasOmni = named.some(({ host }) => host === omni);
  if (omniHost === undefined) {
    const note =
      '<omni> is the address at which your Omni is reached: name it with --omni-host, and its port for SideroLink with --siderolink-port';
    return { destinations: named, notes: hasOmni ? [note] : [] };
  }
  const given = { kind: 'configured', by: '--omni-host' } as const;
  return {
    destinations: named.map((one) =>
      one.host === omni ? { ...one, host: omniHost, evidence: [...one.evidence, given] } : one,
    ),
  };
}
