/** What `airgap egress` was asked for, beside the inputs and ends it shares with `mirror`. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type Role, roles } from '../../egress/destination.ts';
import { familyOfBlock } from '../../egress/firewall/addresses.ts';
import { type NameServer, parseNameServer } from '../../probe/name-servers.ts';
import type { Context } from '../context.ts';
import { type Flags, listFlag, switchFlag, textFlag } from '../flags.ts';
import { duration } from '../settings-parts.ts';
import { readInteger, usageError } from '../values.ts';

export const egressActions = ['list', 'resolve', 'check'] as const;
export type EgressAction = (typeof egressActions)[number];

export interface EgressSettings {
  readonly action: EgressAction;
  /** Empty: all that the job has; `check` then looks from the staging host. */
  readonly roles: readonly Role[];
  /** As typed, one name each; read by expandComponents(). */
  readonly components: readonly string[];
  /** Own Omni: host name or address without brackets. */
  readonly omniHost: string | undefined;
  /** UDP port Omni advertises for SideroLink. */
  readonly siderolinkPort: number | undefined;
  /** Merge with what runs contacted. */
  readonly observed: boolean;
  /** With what is not required. */
  readonly optional: boolean;
  /** Vendors' wildcards in place of exact hosts. */
  readonly wildcards: boolean;
  /** Addresses or CIDR blocks of who connects. */
  readonly from: ReadonlyMap<Role, readonly string[]>;
  /** Empty: those of this machine. */
  readonly nameServers: readonly NameServer[];
  /** `table` by default; with --json `json`, with --diagram `svg`. */
  readonly formats: readonly string[];
  /** Absolute. */
  readonly outputFile: string | undefined;
  /** Absolute. */
  readonly outputDir: string | undefined;
  /** Look names up for the formats that hold addresses. */
  readonly lookUp: boolean;
  readonly stateless: boolean;
  /** How long an address stays allowed after its TTL. Default 10 minutes. */
  readonly graceMs: number;
  readonly watch: boolean;
  /** Print what would be run. */
  readonly print: boolean;
  /** For each of DNS, TCP, TLS and the first answer. Default 3 s. */
  readonly connectTimeoutMs: number;
  readonly assertClosed: boolean;
}

/** Throws ERR_USAGE naming the option. */
export function egressSettings(flags: Flags, { cwd }: Pick<Context, 'cwd'>): EgressSettings {
  const outputFile = textFlag(flags, 'output');
  const outputDir = textFlag(flags, 'outputDir');
  if (outputFile !== undefined && outputDir !== undefined)
    throw usageError('Cannot use --output with --output-dir: both say where it goes');
  const siderolinkPort = textFlag(flags, 'siderolinkPort');
  const omniHost = textFlag(flags, 'omniHost');
  const settings: EgressSettings = {
    action: egressActions.find((action) => action === flags.action) ?? 'list',
    roles: [
      ...new Set(
        listFlag(flags, 'role')
          .flatMap(namesIn)
          .map((text) => readRole(text, { option: '--role' })),
      ),
    ],
    components: listFlag(flags, 'components').flatMap(namesIn),
    omniHost: omniHost === undefined ? undefined : readHostName('--omni-host', omniHost),
    siderolinkPort:
      siderolinkPort === undefined ? undefined : readInteger('--siderolink-port', siderolinkPort, { max: 65_535 }),
    observed: switchFlag(flags, 'observed'),
    optional: switchFlag(flags, 'optional', true),
    wildcards: switchFlag(flags, 'wildcards'),
    from: addressesOfRoles(listFlag(flags, 'address')),
    nameServers: listFlag(flags, 'resolver').map(readNameServer),
    formats: formatsIn(flags),
    outputFile: outputFile === undefined || outputFile === '-' ? undefined : resolve(cwd, outputFile),
    outputDir: outputDir === undefined ? undefined : resolve(cwd, outputDir),
    lookUp: switchFlag(flags, 'lookUp'),
    stateless: switchFlag(flags, 'stateless'),
    graceMs: duration(flags, { name: 'grace', option: '--grace' }) ?? 600_000,
    watch: switchFlag(flags, 'watch'),
    print: switchFlag(flags, 'print'),
    connectTimeoutMs: duration(flags, { name: 'connectTimeout', option: '--connect-timeout' }) ?? 3_000,
    assertClosed: switchFlag(flags, 'assertClosed'),
  };
  refuseStray(settings);
  refuseListOptions(settings, flags);
  return settings;
}

/** Options of one action say nothing to another. */
function refuseStray(settings: EgressSettings): void {
  const { action, watch, print, assertClosed, lookUp, siderolinkPort, omniHost, components } = settings;
  const stray = [
    ...(siderolinkPort !== undefined && omniHost === undefined && !components.includes('omni')
      ? ['--siderolink-port is for --omni-host or --components omni']
      : []),
    ...(watch && action !== 'resolve' ? ['--watch is for "airgap egress resolve"'] : []),
    ...(print && action !== 'resolve' ? ['--print is for "airgap egress resolve"'] : []),
    ...(print && !watch && action === 'resolve' ? ['--print is for --watch'] : []),
    ...(assertClosed && action !== 'check' ? ['--assert-closed is for "airgap egress check"'] : []),
    ...(lookUp && action !== 'list'
      ? [`--look-up is for the list: "airgap egress ${action}" looks names up by itself`]
      : []),
  ];
  if (stray[0] !== undefined) throw usageError(`Cannot use these options together: ${stray[0]}`);
}

/** They say how the list is written, and the other actions write none: whoever names a file would look for it afterwards. */
function refuseListOptions({ action }: EgressSettings, flags: Flags): void {
  if (action === 'list') return;
  const option = Object.entries(ofTheList).find(([name]) => flags[name] !== undefined)?.[1];
  if (option === undefined) return;
  throw usageError(
    `Cannot use these options together: ${option} is for the list, which "airgap egress ${action}" does not write`,
    'for programs: --json; for a file: > FILE',
  );
}

const ofTheList = {
  format: '--format',
  diagram: '--diagram',
  stateless: '--stateless',
  output: '--output',
  outputDir: '--output-dir',
};

function namesIn(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function formatsIn(flags: Flags): readonly string[] {
  const named = [...new Set(listFlag(flags, 'format').flatMap(namesIn))];
  if (switchFlag(flags, 'diagram')) named.push('svg');
  if (switchFlag(flags, 'json')) {
    if (named.some((name) => name !== 'json')) {
      throw usageError(
        'Cannot use --json with --format or --diagram: each says the form',
        'for several at once: --format json --format csv --output-dir DIR',
      );
    }
    return ['json'];
  }
  return named.length === 0 ? ['table'] : [...new Set(named)];
}

function readRole(text: string, { option, hint }: { readonly option: string; readonly hint?: string }): Role {
  const role = roles.find((name) => name === text);
  if (role !== undefined) return role;
  throw usageError(`Cannot read ${option} ${JSON.stringify(text)}: not one of ${roles.join(', ')}`, hint);
}

const addressHint = 'write it like --address staging=10.0.0.5 or --address nodes=10.5.0.0/24';

/** `staging=10.0.0.5`, `nodes=10.5.0.0/24,fd00::/64`. */
function addressesOfRoles(texts: readonly string[]): ReadonlyMap<Role, readonly string[]> {
  const found = new Map<Role, readonly string[]>();
  for (const text of texts) {
    const split = text.indexOf('=');
    const role = readRole(split < 0 ? text : text.slice(0, split), { option: '--address', hint: addressHint });
    const addresses = split < 0 ? [] : namesIn(text.slice(split + 1));
    const wrong = addresses.length === 0 ? text : addresses.find((address) => familyOfBlock(address) === undefined);
    if (wrong !== undefined) {
      throw usageError(
        `Cannot read --address ${JSON.stringify(text)}: ${JSON.stringify(wrong)} is no address and no CIDR block`,
        addressHint,
      );
    }
    found.set(role, [...(found.get(role) ?? []), ...addresses]);
  }
  return found;
}

/** `10.0.0.2`, `10.0.0.2:5353`, `[fd00::2]:53`. */
function readNameServer(text: string): NameServer {
  const server = parseNameServer(text);
  if (server !== undefined) return server;
  throw usageError(
    `Cannot read --resolver ${JSON.stringify(text)}: not the address of a name server`,
    'write it like 10.0.0.2, 10.0.0.2:5353 or [fd00::2]:53',
  );
}

/** A name or an address, without a port. */
function readHostName(option: string, text: string): string {
  const host = text
    .replace(/^\[|\]$/g, '')
    .toLowerCase()
    .replace(/\.$/, '');
  const isName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9][a-z0-9-]{0,62})*$/.test(host);
  if (isIP(host) !== 0 || isName) return host;
  throw usageError(
    `Cannot read ${option} ${JSON.stringify(text)}: not a host name or address`,
    'write it like omni.site',
  );
}
