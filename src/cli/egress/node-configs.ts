/** The configurations that nodes of a job have: given ones, the one beside the lock, or what the options say. */
import type { NodeMatter } from '../../egress/needs/nodes.ts';
import type { NodeSettings } from '../../emit/node-settings.ts';
import { emitTalosConfig } from '../../emit/talos-config.ts';
import { isAirgapError } from '../../errors.ts';
import type { Mirror } from '../../mirror/rule.ts';
import { type ConfigText, readNodeConfig } from '../../node/read-config.ts';
import type { NodeConfig } from '../../talos/node-config.ts';
import type { TalosVersion } from '../../talos/version.ts';
import type { ConfigGroup } from '../extras/configs.ts';
import { readWhereThere } from '../files.ts';
import { nearName } from '../next-text.ts';
import type { Settings } from '../settings.ts';
import type { SaidBy } from './said-by.ts';

/** One configuration, and what says each part of it. */
export interface KnownConfig {
  readonly config: NodeConfig;
  readonly by: (matter: NodeMatter) => string;
}

export interface ConfigFacts {
  readonly settings: Settings;
  /** What `--config` names. */
  readonly groups: readonly ConfigGroup[];
  readonly version: TalosVersion;
  /** As nodes would use them; empty where no address is known. */
  readonly mirrors: readonly Mirror[];
  /** What names that address. */
  readonly mirrorsBy: string;
  /** What names any option. */
  readonly saidBy: SaidBy;
  /** Upstream registries of the images. */
  readonly registries: readonly string[];
  /** What the options say beside the mirrors. */
  readonly node: NodeSettings;
  /** The configuration that was written with the lock, where the images are that lock's. */
  readonly patchFile: string | undefined;
}

/**
 * Each of `--config`, with what was written for the nodes laid over one that names no mirrors; without any, that alone: the
 * configuration beside the lock, or the one `emit` would write. What the options say wins in each. Throws ERR_INPUT_INVALID as
 * readNodeConfig().
 */
export async function nodeConfigs(facts: ConfigFacts): Promise<readonly KnownConfig[]> {
  const { groups, version } = facts;
  const patch = await patchOf(facts);
  const written = readOrBlank(patch.texts, version);
  if (groups.length === 0) return [withOptions(written, { facts, file: () => patch.by, mirrors: patch.mirrorsBy })];
  return groups.map((group) => {
    const own = readNodeConfig(group, { version });
    const name = group[0]?.name ?? 'the release';
    if (own.mirrors.length > 0) return withOptions(own, { facts, file: () => name, mirrors: name });
    const config = laidOver(group, { own, patch: patch.texts, written, version });
    const file = (matter: NodeMatter) => (saysMatter(written, matter) ? patch.by : name);
    return withOptions(config, { facts, file, mirrors: patch.mirrorsBy });
  });
}

/** What is there of a configuration for the nodes, and what its parts are known from. */
interface Patch {
  readonly texts: readonly ConfigText[];
  readonly by: string;
  readonly mirrorsBy: string;
}

/** What says where nodes look: the file that was written, unless an option says otherwise; else what would be written. */
async function patchOf(facts: ConfigFacts): Promise<Patch> {
  const { settings, mirrors, mirrorsBy, registries, version, patchFile } = facts;
  const isSaid = settings.endpoints.length > 0 || settings.toGiven;
  const text = patchFile === undefined || isSaid ? undefined : await readWhereThere(patchFile);
  if (patchFile !== undefined && text !== undefined) {
    const name = nearName(settings.cwd, patchFile);
    return { texts: [{ name, text }], by: name, mirrorsBy: name };
  }
  const files = mirrors.length === 0 ? [] : emitTalosConfig({ mirrors, registries, version }).files;
  return { texts: files.map(({ path, text: own }) => ({ name: path, text: own })), by: 'the release', mirrorsBy };
}

/** As Talos would lay it; where Talos would refuse it, the mirrors alone count. */
function laidOver(
  group: ConfigGroup,
  about: {
    readonly own: NodeConfig;
    readonly patch: readonly ConfigText[];
    readonly written: NodeConfig;
    readonly version: TalosVersion;
  },
): NodeConfig {
  const { own, patch, written, version } = about;
  try {
    return readNodeConfig([...group, ...patch], { version });
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    return { ...own, mirrors: written.mirrors };
  }
}

/** Whether a configuration itself says something of a matter. */
function saysMatter(config: NodeConfig, matter: NodeMatter): boolean {
  const { time, nameservers, discovery, verification, manifestUrls, outbound, mirrors } = config;
  const said: Readonly<Record<NodeMatter, boolean>> = {
    mirrors: mirrors.length > 0,
    time: time.disabled || time.servers.length > 0,
    names: nameservers.length > 0,
    discovery: discovery.endpoints.length > 0,
    verification: verification.length > 0,
    manifests: manifestUrls.length > 0,
    outbound: outbound.length > 0,
  };
  return said[matter];
}

function readOrBlank(texts: readonly ConfigText[], version: TalosVersion): NodeConfig {
  return texts.length === 0 ? blank : readNodeConfig(texts, { version });
}

const blank: NodeConfig = {
  mirrors: [],
  tls: new Map(),
  auth: new Map(),
  trustedRoots: [],
  verification: [],
  images: [],
  manifestUrls: [],
  time: { disabled: false, servers: [] },
  nameservers: [],
  discovery: { disabled: false, endpoints: [] },
  outbound: [],
  imageCache: false,
  origins: new Map(),
};

function withOptions(
  config: NodeConfig,
  about: { readonly facts: ConfigFacts; readonly file: (matter: NodeMatter) => string; readonly mirrors: string },
): KnownConfig {
  const { node, saidBy } = about.facts;
  const said: Partial<Record<NodeMatter, string>> = {
    mirrors: about.mirrors,
    ...(node.time !== undefined && { time: saidBy('ntp') }),
    ...((node.nameservers ?? []).length > 0 && { names: saidBy('dns') }),
    ...(node.discovery !== undefined && { discovery: saidBy('discovery') }),
    ...((node.verification ?? []).length > 0 && { verification: saidBy('verify-keyless') }),
  };
  return { config: overlaid(config, node), by: (matter) => said[matter] ?? about.file(matter) };
}

function overlaid(config: NodeConfig, node: NodeSettings): NodeConfig {
  const { time, nameservers = [], discovery, verification = [], imageCache } = node;
  return {
    ...config,
    ...(time !== undefined && {
      time:
        time === 'disabled'
          ? { disabled: true, servers: [] }
          : { ...config.time, disabled: false, servers: time.servers },
    }),
    ...(nameservers.length > 0 && {
      nameservers: nameservers.map((address) => ({ address, protocol: 'Do53' as const })),
    }),
    ...(discovery !== undefined && {
      discovery:
        discovery === 'disabled'
          ? { disabled: true, endpoints: [] }
          : { disabled: false, endpoints: [discovery.endpoint] },
    }),
    verification: [...verification, ...config.verification],
    imageCache: imageCache === true || config.imageCache,
  };
}
