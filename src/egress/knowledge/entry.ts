/** What most entries have in common, said once. */
import type { KnownDestination } from './known.ts';

type Usual = 'port' | 'protocol' | 'speaks' | 'direction' | 'who' | 'registries' | 'required';

/** An entry with what it does not say taken from the usual: HTTPS on 443 from the host that mirrors and from nodes, required, no registry. */
export function outbound(
  entry: Omit<KnownDestination, Usual> & Partial<Pick<KnownDestination, Exclude<Usual, 'direction'>>>,
): KnownDestination {
  return {
    port: 443,
    protocol: 'tcp',
    speaks: 'https',
    direction: 'outbound',
    who: ['staging', 'nodes'],
    registries: [],
    required: true,
    ...entry,
  };
}
