/** The configurations that nodes of a job have: given ones, the one beside the lock, or what the options say. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { NodeMatter } from '../../egress/needs/nodes.ts';
import type { NodeSettings } from '../../emit/node-settings.ts';
import { emitTalosConfig } from '../../emit/talos-config.ts';
import type { Mirror } from '../../mirror/rule.ts';
import { type ConfigText, readNodeConfig } from '../../node/read-config.ts';
import type { NodeConfig } from '../../talos/node-config.ts';
import type { TalosVersion } from '../../talos/version.ts';
import { readConfigGroups } from '../extras/configs.ts';
import type { Settings } from '../settings.ts';

/** One configuration, and what says each part of it. */
export interface KnownConfig {
  readonly config: NodeConfig;
  readonly by: (matter: NodeMatter) => string;
}

export interface ConfigFacts {
  readonly settings: Settings;
  readonly version: TalosVersion;
  /** As nodes would use them; empty where no address is known. */
  readonly mirrors: readonly Mirror[];
  /** What names that address. */
  readonly mirrorsBy: string;
  /** Upstream registries of the images. */
  readonly registries: readonly string[];
  /** What the options say beside the mirrors. */
  readonly node: NodeSettings;
  /** The configuration that was written with the lock, where the images are that lock's. */
  readonly patchFile: string | undefined;
}

/**
 * Each of `--config`, with what is mirrored laid over one that names no mirrors; without any, the configuration beside the lock, or
 * the one `emit` would write. What the options say wins in each. Throws ERR_INPUT_INVALID as readNodeConfig().
 */
export async function nodeConfigs(facts: ConfigFacts): Promise<readonly KnownConfig[]> {
  const { settings, version } = facts;
  const groups = await readConfigGroups(settings);
  const patch = await patchTexts(facts);
  if (groups.length === 0) return [withOptions(readOrBlank(patch, version), { facts, name: patch[0]?.name })];
  return groups.map((group) => {
    const own = readNodeConfig(group, { version });
    const name = group[0]?.name;
    if (own.mirrors.length > 0) return withOptions(own, { facts, name, hasMirrors: true });
    return withOptions({ ...own, mirrors: readOrBlank(patch, version).mirrors }, { facts, name });
  });
}

/** What says where nodes look: the file that was written, unless an option says otherwise; else what would be written. */
async function patchTexts({ settings, mirrors, registries, version, patchFile }: ConfigFacts): Promise<ConfigText[]> {
  const isSaid = settings.endpoints.length > 0 || settings.toGiven;
  const text = patchFile === undefined || isSaid ? undefined : await textOf(patchFile);
  if (patchFile !== undefined && text !== undefined) return [{ name: basename(patchFile), text }];
  if (mirrors.length === 0) return [];
  const { files } = emitTalosConfig({ mirrors, registries, version });
  return files.map(({ path, text: own }) => ({ name: path, text: own }));
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
  about: { readonly facts: ConfigFacts; readonly name: string | undefined; readonly hasMirrors?: boolean },
): KnownConfig {
  const { node, mirrorsBy } = about.facts;
  const file = about.name ?? 'the release';
  const said: Partial<Record<NodeMatter, string>> = {
    ...(about.hasMirrors === true ? {} : { mirrors: mirrorsBy }),
    ...(node.time !== undefined && { time: '--ntp' }),
    ...((node.nameservers ?? []).length > 0 && { names: '--dns' }),
    ...(node.discovery !== undefined && { discovery: '--discovery' }),
    ...((node.verification ?? []).length > 0 && { verification: '--verify-keyless' }),
  };
  return { config: overlaid(config, node), by: (matter) => said[matter] ?? file };
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

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
