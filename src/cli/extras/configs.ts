/** Images that machine configurations name, each with the line that names it. Nothing else of a configuration is told. */
import { resolve } from 'node:path';
import { AirgapError, isAirgapError, type Origin, printOrigin } from '../../errors.ts';
import type { RequestedReference } from '../../input/requested.ts';
import { at } from '../../node/fields.ts';
import { type ConfigText, readNodeConfig } from '../../node/read-config.ts';
import { type ConfigNode, readDocuments } from '../../node/tree.ts';
import { parseReference, printReference, type Reference } from '../../oci/reference.ts';
import type { ConfiguredImage, NodeConfig } from '../../talos/node-config.ts';
import { readInputFile } from '../files.ts';
import { printable } from '../report/text.ts';
import type { Settings } from '../settings.ts';
import { manifestImages } from './manifests.ts';

export interface ConfigImages {
  readonly requests: readonly RequestedReference[];
  readonly notices: readonly string[];
  /** Images that may be missed. */
  readonly warnings: readonly string[];
}

/** A configuration with the patches that follow it. */
export type ConfigGroup = readonly ConfigText[];

/**
 * `usual` are the images of the release by default: one that a configuration names in place of them is told. Throws
 * ERR_INPUT_INVALID for a configuration that Talos would refuse and for an image that is none, naming file and line.
 */
export function configImages(groups: readonly ConfigGroup[], usual: readonly Reference[]): ConfigImages {
  const parts = groups.map((group) => imagesOf(readNodeConfig(group), { group, usual }));
  return {
    requests: parts.flatMap(({ requests }) => requests),
    notices: [...new Set(parts.flatMap(({ notices }) => notices))],
    warnings: [...new Set(parts.flatMap(({ warnings }) => warnings))],
  };
}

/** What `--config` names: each configuration with the patches that follow it. Throws ERR_INPUT_INVALID. */
export async function readConfigGroups({
  extras,
  cwd,
}: Pick<Settings, 'extras' | 'cwd'>): Promise<readonly ConfigGroup[]> {
  const texts: ConfigText[] = [];
  for (const name of extras.configs) {
    const bytes = await readInputFile(resolve(cwd, name), name);
    texts.push({ name, text: Buffer.from(bytes).toString('utf8') });
  }
  return configurations(texts);
}

/** A whole configuration begins a new one; what follows without `machine.type` is a patch to it. */
function configurations(texts: readonly ConfigText[]): ConfigText[][] {
  const groups: ConfigText[][] = [];
  for (const text of texts) {
    const group = groups.at(-1);
    if (group === undefined || isWhole(text)) groups.push([text]);
    else group.push(text);
  }
  return groups;
}

function isWhole(text: ConfigText): boolean {
  return mappingsIn(text).some((document) => at(document, 'machine', 'type') !== undefined);
}

/** Patches of RFC 6902 are lists and left out. */
function mappingsIn({ name, text }: ConfigText): readonly ConfigNode[] {
  return readDocuments(name, text).filter(({ kind }) => kind === 'map');
}

function imagesOf(
  config: NodeConfig,
  known: { readonly group: ConfigGroup; readonly usual: readonly Reference[] },
): ConfigImages {
  const file = known.group[0]?.name ?? '';
  const usual = new Set(known.usual.map(printReference));
  const requests: RequestedReference[] = [];
  const notices: string[] = [];
  for (const image of config.images) {
    const origin = config.origins.get(`image ${image.path}`) ?? { document: file };
    const reference = readImage(image, origin);
    requests.push({ reference, origins: [origin] });
    if (usual.size > 0 && !usual.has(printReference(reference)))
      notices.push(
        `${printOrigin(origin)}: ${image.path} is not what the release has by default: it is mirrored beside that`,
      );
  }
  const followed = config.manifestUrls.map(
    (url) => `not followed: ${shownUrl(url)} (${file}): give the images its manifests name in a list of their own`,
  );
  const carried = manifestImages(known.group);
  return {
    requests: [...requests, ...carried.requests],
    notices: [...notices, ...carried.notices],
    warnings: [...followed, ...carried.warnings],
  };
}

function readImage({ path, image }: ConfiguredImage, origin: Origin): Reference {
  try {
    return parseReference(image);
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    const state = error.message.replace(/^Cannot read reference /, '');
    throw new AirgapError(
      'ERR_INPUT_INVALID',
      `Cannot read configuration ${printOrigin(origin)}: "${path}" names no image: ${state}`,
      {
        origins: [printOrigin(origin)],
        hint: error.hint,
      },
    );
  }
}

/** Without user, password and query, which may be secrets. */
function shownUrl(text: string): string {
  if (!URL.canParse(text)) return printable(text.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//***@'));
  const url = new URL(text);
  return printable(`${url.protocol}//${url.host}${url.pathname}`);
}
