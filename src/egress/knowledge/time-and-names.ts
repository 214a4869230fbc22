/** What Talos asks for the time and for names when nothing else is configured. */
import { outbound } from './entry.ts';
import type { KnownDestination } from './known.ts';

const time = {
  component: 'time',
  port: 123,
  protocol: 'udp',
  speaks: 'ntp',
  who: ['nodes'],
  duty: 'time',
  purpose: 'time',
  condition: 'unless own time servers are configured',
} as const;

const resolvers = ['1.1.1.1', '8.8.8.8'];

/** Defaults of the nodes. */
export const timeAndNameDestinations: readonly KnownDestination[] = [
  outbound({ ...time, host: 'pool.ntp.org', sources: ['talos-constants'], until: '1.6' }),
  outbound({ ...time, host: 'time.cloudflare.com', sources: ['talos-constants', 'talos-time-v1.14'], since: '1.7' }),
  outbound({
    ...time,
    host: 'time.cloudflare.com',
    port: 4460,
    protocol: 'tcp',
    speaks: 'tcp',
    purpose: 'keys for authenticated time (NTS)',
    sources: ['talos-time-v1.14', 'rfc8915'],
    since: '1.14',
  }),
  ...resolvers.flatMap((host) =>
    (['udp', 'tcp'] as const).map((protocol) =>
      outbound({
        component: 'dns',
        host,
        port: 53,
        protocol,
        speaks: 'dns',
        who: ['nodes'],
        duty: 'names',
        purpose: 'names',
        condition: 'unless own name servers are configured',
        sources: ['talos-constants'],
      }),
    ),
  ),
];
