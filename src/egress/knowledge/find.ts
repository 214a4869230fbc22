/** Finds what is known of a registry or of a service. */
import { AirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';
import type { TalosVersion } from '../../talos/version.ts';
import { covers, isWildcard } from '../destination.ts';
import { knownDestinations } from './all.ts';
import { type ComponentName, componentNames, type KnownDestination } from './known.ts';

/** Other names of Docker Hub, which references are normalised from. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['index.docker.io', 'docker.io'],
  ['registry-1.docker.io', 'docker.io'],
]);

/** What one name stands for in `--components`. */
const groups: ReadonlyMap<string, readonly ComponentName[]> = new Map([
  ['talos', ['discovery', 'factory', 'ghcr', 'gcr', 'kubernetes', 'time', 'dns']],
]);

export interface FindOptions {
  /** Talos of the nodes. Default: the newest. */
  readonly version?: TalosVersion | undefined;
}

/**
 * What pulling from a registry needs. The registry as references name it: `docker.io`, `us-docker.pkg.dev`; empty where nothing is
 * known of it. The registry itself is required whatever the release: a reference names it. Never superseded ones.
 */
export function forRegistry(registry: string, options: FindOptions = {}): readonly KnownDestination[] {
  const written = registry.toLowerCase();
  const name = otherNames.get(written) ?? written;
  return knownDestinations
    .filter((known) => known.superseded === undefined && known.registries.some((pattern) => covers(pattern, name)))
    .map((known) => asAskedFor(known, name))
    .filter((known) => known.host === name || counts(known, options));
}

/** An Artifact Registry host stands for its wildcard; the registry that a reference names is no option. */
function asAskedFor(known: KnownDestination, registry: string): KnownDestination {
  if (known.duty !== 'registry') return known;
  if (isWildcard(known.host) && covers(known.host, registry))
    return { ...known, host: registry, purpose: `registry ${registry}`, exact: undefined };
  return known.host === registry ? { ...known, required: true, condition: undefined } : known;
}

/** What a service needs, for all who connect to it. Never superseded ones. */
export function forComponent(name: ComponentName, options: FindOptions = {}): readonly KnownDestination[] {
  return knownDestinations.filter(
    (known) => known.component === name && known.superseded === undefined && counts(known, options),
  );
}

/** Whether it counts for that release: without one, for the newest. */
function counts({ since, until }: KnownDestination, { version }: FindOptions): boolean {
  if (version === undefined) return until === undefined;
  const minor = version.major * 1000 + version.minor;
  return (since === undefined || minor >= minorOf(since)) && (until === undefined || minor <= minorOf(until));
}

function minorOf(text: string): number {
  const [major, minor] = text.split('.');
  return Number(major) * 1000 + Number(minor);
}

/** Components in the order they are declared in, each once; a group stands for its members. Throws ERR_USAGE naming the known ones. */
export function expandComponents(names: readonly string[]): readonly ComponentName[] {
  const asked = new Set(names.flatMap((name) => membersOf(name.trim().toLowerCase())));
  return componentNames.filter((name) => asked.has(name));
}

function membersOf(name: string): readonly ComponentName[] {
  const component = componentNames.find((known) => known === name);
  const members = component === undefined ? groups.get(name) : [component];
  if (members !== undefined) return members;
  throw new AirgapError('ERR_USAGE', `Cannot list what ${quoteText(name, 80)} needs: no such component is known`, {
    hint: `known: ${[...groups.keys(), ...componentNames].join(', ')}`,
  });
}
