/** A firewall's language: destinations in, its text out. Pure; the same input gives the same bytes. */
import type { Destination, Role } from '../destination.ts';

/** An address that a name has now. */
export interface KnownAddress {
  readonly address: string;
  /** Seconds that it may be kept. */
  readonly ttl: number;
}

export interface FirewallInput {
  /** Of one or several roles; sorted. Wildcards and places (`<omni>`) among them. */
  readonly destinations: readonly Destination[];
  /** What exact names resolve to, by name. Empty where nothing was looked up. */
  readonly addresses: ReadonlyMap<string, readonly KnownAddress[]>;
  /** Addresses or CIDR blocks of who connects. Of a role without one, rules are for that host itself. */
  readonly from: ReadonlyMap<Role, readonly string[]>;
  /** Write the return rules too: the firewall does not follow connections. */
  readonly stateless: boolean;
  /** Seconds an address stays allowed after its TTL. */
  readonly graceSeconds: number;
}

export interface FirewallFile {
  /** File name without a folder: `egress.nft`. */
  readonly path: string;
  readonly text: string;
}

export interface FirewallText {
  /** The main one first. */
  readonly files: readonly FirewallFile[];
  /** What this language cannot say of this list, naming the destination and what to do; one line each, no full stop. */
  readonly warnings: readonly string[];
  /** How it is put to use: commands or one line, with file names as in `files`. */
  readonly use: readonly string[];
}

export interface FirewallLanguage {
  /** As `--format` takes it. */
  readonly name: string;
  /** For `--help`: a few words. */
  readonly about: string;
  /** Whether it can write return rules. */
  readonly knowsStateless: boolean;
  /** Throws ERR_USAGE where the list cannot be said at all. */
  readonly print: (input: FirewallInput) => FirewallText;
}
