/** What is known of services on the internet: the shape of the knowledge base. The entries stand beside it, one file for each owner. */
import type { Protocol, Role, Speaks } from '../destination.ts';

/** What can be asked for with `--components`, beside groups such as `talos`. */
export const componentNames = [
  'discovery',
  'factory',
  'ghcr',
  'gcr',
  'kubernetes',
  'time',
  'dns',
  'omni',
  'chainguard',
  'dockerhub',
  'quay',
  'mcr',
  'ecr-public',
  'nvcr',
  'sigstore',
] as const;
export type ComponentName = (typeof componentNames)[number];

/** What a destination does for its registry or service. */
export type Duty =
  | 'registry'
  | 'token'
  | 'blobs'
  | 'api'
  | 'tools'
  | 'console'
  | 'support'
  | 'packages'
  | 'time'
  | 'names'
  | 'tunnel';

/** A document something is known from. */
export interface KnownSource {
  /** Short and stable: `talos-egress-v1.14`. */
  readonly id: string;
  readonly title: string;
  /** Where it stands: a URL, or repository, path and commit. */
  readonly address: string;
  /** Day of what was read, `2026-05-04`; where only a month or year is known, that. */
  readonly date: string;
  /** `owner`: by who runs the service; `third-party`: somebody observed it. */
  readonly by: 'owner' | 'third-party';
}

export interface KnownDestination {
  readonly component: ComponentName;
  /** As in Destination: exact, wildcard, or `<omni>`. */
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly speaks: Speaks;
  readonly direction: 'outbound';
  /** Who connects when nothing is mirrored: the host that mirrors, nodes that pull from the internet, Omni. */
  readonly who: readonly Role[];
  readonly duty: Duty;
  /** In a few words. */
  readonly purpose: string;
  /** Registries, as references name them (`docker.io`), that need it for pulling. Empty: no registry. */
  readonly registries: readonly string[];
  readonly required: boolean;
  readonly condition?: string | undefined;
  /** Ids of KnownSource, best first; at least one. */
  readonly sources: readonly string[];
  /** First Talos minor it counts for, as `1.7`. Default: all. */
  readonly since?: string | undefined;
  /** Last Talos minor it counts for. Default: still. */
  readonly until?: string | undefined;
  /** All with the same text stand for each other: which of them answers is the service's own choice, by where one asks from. */
  readonly alternatives?: string | undefined;
  /** Known exact hosts in place of a wildcard. */
  readonly exact?: readonly ExactHost[] | undefined;
  /** It is no more: kept so that an old list can be explained. Such an entry is never part of a list. */
  readonly superseded?: Superseded | undefined;
}

export interface ExactHost {
  readonly host: string;
  readonly sources: readonly string[];
  readonly condition?: string | undefined;
}

export interface Superseded {
  /** Hosts that took its place; empty: nothing did. */
  readonly by: readonly string[];
  /** Day or month as far as it is known. */
  readonly since: string;
  /** One line, no full stop. */
  readonly reason: string;
}
