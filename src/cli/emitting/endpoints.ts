/** The addresses nodes ask, as a user writes them: with a project's path where a registry has one. Pure. */
import { type Mirror, type MirrorRule, mirrorsOf } from '../../mirror/rule.ts';
import { isRepositoryPath } from '../../oci/reference.ts';
import { readAddress, usageError } from '../values.ts';

export interface NodeAddress {
  /** `http(s)://HOST[:PORT]`. */
  readonly endpoint: string;
  /** Path before the repositories, without `/v2` and slashes at its ends; undefined: that of the place images were mirrored to. */
  readonly pathPrefix: string | undefined;
}

/** Reads `https://HOST`, `https://HOST/project` and `https://HOST/v2/project`, which mean the same project. Throws ERR_USAGE. */
export function readNodeAddress(option: string, text: string): NodeAddress {
  const url = readAddress(option, text);
  const path = url.pathname
    .replaceAll(/\/+/g, '/')
    .replace(/^\/|\/$/g, '')
    .replace(/^v2(?:\/|$)/, '');
  if (path === '') return { endpoint: url.origin, pathPrefix: undefined };
  if (isRepositoryPath(path)) return { endpoint: url.origin, pathPrefix: path };
  throw usageError(
    `Cannot read ${option} ${JSON.stringify(text)}: its path is not that of a project`,
    'a project is written in lower case letters, digits and single . _ - between them, as in https://harbor.site/project',
  );
}

export interface AddressedMirrors {
  readonly rule: MirrorRule;
  /** Asked in this order. */
  readonly addresses: readonly NodeAddress[];
  /** Upstream registries; empty: any. */
  readonly registries: readonly string[];
  readonly perRegistry: boolean;
}

/**
 * The mirrors of every registry at every address, in the order of the addresses. A path at an address stands for the one in the rule.
 * One address with a path has all of them written out by registry, as an entry of its own hides `*`.
 */
export function mirrorsAt({ rule, addresses, registries, perRegistry }: AddressedMirrors): Mirror[] {
  const ruleAt = ({ pathPrefix }: NodeAddress): MirrorRule =>
    pathPrefix === undefined
      ? rule
      : { ...rule, naming: rule.naming === 'keep' ? 'replace-host' : rule.naming, prefix: pathPrefix };
  if (registries.length === 0 && rule.naming !== 'by-registry') {
    return addresses.map((address) => ({
      registry: '*',
      endpoint: address.endpoint,
      pathPrefix: ruleAt(address).naming === 'keep' ? '' : ruleAt(address).prefix,
    }));
  }
  const apart = perRegistry || addresses.some((address) => ruleAt(address).prefix !== '');
  const all = addresses.flatMap((address) =>
    mirrorsOf(ruleAt(address), address.endpoint, { registries, perRegistry: apart }),
  );
  const names = [...new Set(all.map(({ registry }) => registry))].sort();
  return names.flatMap((name) => all.filter(({ registry }) => registry === name));
}
