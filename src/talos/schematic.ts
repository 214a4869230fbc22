/**
 * Schematics: what an Image Factory builds into an installer, and the id it gives that. The id is the sha256 of the
 * schematic written again as YAML, in the order of the factory's fields (siderolabs/image-factory, pkg/schematic/schematic.go
 * and docs/api.md, up to v1.5).
 */
import { createHash } from 'node:crypto';
import { AirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import { parseReference, printReference } from '../oci/reference.ts';
import { type SchematicNode, schematicNode } from './schematic-fields.ts';
import { type PlainValue, printYaml, type YamlValue } from './schematic-yaml.ts';
import { isSinceMinor, printTalosVersion, type TalosVersion } from './version.ts';

export interface Schematic {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** The text the factory hashes. */
  readonly canonical: string;
  /** Names of system extensions, as `siderolabs/iscsi-tools`. */
  readonly extensions: readonly string[];
  /** What is laid over the image for a board; undefined: nothing. */
  readonly overlay: { readonly name: string; readonly image: string } | undefined;
}

/** Where images with schematics come from unless another one is named. */
export const defaultFactory = 'factory.talos.dev';

const bootloaders = ['none', 'dual-boot', 'sd-boot', 'grub'];

/** True for 64 hexadecimal digits in lower case. */
export function isSchematicId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** The id the factory answers this text with. Throws as readSchematic(). */
export function schematicId(text: string): string {
  return readSchematic('schematic', text).id;
}

/**
 * Reads a schematic, YAML or JSON; `name` is its file. Throws ERR_INPUT_INVALID for what a factory would refuse, unknown keys
 * among it, and ERR_UNSUPPORTED where releases of the factory would give different ids.
 */
export function readSchematic(name: string, text: string): Schematic {
  const { owner, overlay, customization } = schematicNode(name, text).fields(['owner', 'overlay', 'customization']);
  const over = overlayFields(overlay);
  const custom = customizationFields(customization);
  const document = fields([
    ['owner', owner?.text()],
    ['overlay', over?.printed],
  ]).set('customization', custom.printed);
  const canonical = printYaml(document);
  return {
    id: createHash('sha256').update(canonical).digest('hex'),
    canonical,
    extensions: custom.extensions,
    overlay: over === undefined ? undefined : { name: over.name, image: over.image },
  };
}

/** Undefined for what says nothing. */
function overlayFields(
  node: SchematicNode | undefined,
): { readonly name: string; readonly image: string; readonly printed: YamlValue } | undefined {
  const overlay = node?.fields(['image', 'name', 'options']);
  const image = overlay?.image?.text() ?? '';
  const name = overlay?.name?.text() ?? '';
  const options = fields([['options', overlay?.options?.freeMap()]]);
  if (image === '' && name === '' && options.size === 0) return undefined;
  return { name, image, printed: new Map<string, YamlValue>([['image', image], ['name', name], ...options]) };
}

function customizationFields(node: SchematicNode | undefined): {
  readonly printed: YamlValue;
  readonly extensions: readonly string[];
} {
  const custom = node?.fields([
    'embeddedMachineConfiguration',
    'extraKernelArgs',
    'meta',
    'systemExtensions',
    'bootloader',
    'secureboot',
    'diskImage',
  ]);
  const official = custom?.systemExtensions?.fields(['officialExtensions']).officialExtensions;
  const extensions = official?.items().map((item) => item.text()) ?? [];
  const secureBoot = custom?.secureboot?.fields(['enrollKeys', 'includeWellKnownCertificates']);
  const sectorSize = custom?.diskImage?.fields(['sectorSize']).sectorSize?.number(2 ** 53);
  const printed = fields([
    ['embeddedMachineConfiguration', custom?.embeddedMachineConfiguration?.text()],
    ['extraKernelArgs', custom?.extraKernelArgs?.items().map((item) => item.text())],
    ['meta', custom?.meta?.items().map(metaFields)],
    ['systemExtensions', fields([['officialExtensions', extensions]])],
    ['bootloader', bootloaderOf(custom?.bootloader)],
    [
      'secureboot',
      fields([
        ['enrollKeys', secureBoot?.enrollKeys?.text()],
        ['includeWellKnownCertificates', secureBoot?.includeWellKnownCertificates?.switch() ? truth : undefined],
      ]),
    ],
    ['diskImage', fields([['sectorSize', numberValue(sectorSize)]])],
  ]);
  return { printed, extensions };
}

function metaFields(item: SchematicNode): YamlValue {
  const { key, value } = item.fields(['key', 'value']);
  return new Map<string, YamlValue>([
    ['key', { plain: String(key?.number(255) ?? 0) }],
    ['value', value?.text() ?? ''],
  ]);
}

/** Empty for none, which is the factory's own choice. An empty text is none of the names, unlike a key without a value. */
function bootloaderOf(node: SchematicNode | undefined): string {
  const name = node?.text().toLowerCase() ?? '';
  if (node !== undefined && !bootloaders.includes(name))
    throw node.refuse(`${quoteText(name, 40)}, and it can be ${bootloaders.join(', ')}`);
  return name === 'none' ? '' : name;
}

const truth: PlainValue = { plain: 'true' };

function numberValue(value: number | undefined): PlainValue | undefined {
  return value === undefined || value === 0 ? undefined : { plain: String(value) };
}

/** What is empty is left out: `omitempty`. */
function fields(all: readonly (readonly [string, YamlValue | undefined])[]): Map<string, YamlValue> {
  return new Map(all.filter((entry): entry is [string, YamlValue] => entry[1] !== undefined && !isEmpty(entry[1])));
}

function isEmpty(value: YamlValue): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length === 0;
  return value instanceof Map && value.size === 0;
}

export interface InstallerChoice {
  readonly id: string;
  /** Platforms as Talos names them: metal, aws, nocloud … */
  readonly platforms: readonly string[];
  readonly secureboot: boolean;
  /** `host[:port]` of the factory. */
  readonly factory: string;
}

/**
 * The installers of a schematic for a release: one per platform from Talos 1.10 on, before that one for all
 * (image-factory docs/api.md; talos v1.10, the unified installer). Throws ERR_REFERENCE_INVALID for a factory or a platform
 * that cannot stand in a reference, ERR_USAGE for Secure Boot before 1.5, where there is no such installer.
 */
export function factoryInstallers(version: TalosVersion, choice: InstallerChoice): string[] {
  const tag = printTalosVersion(version);
  if (choice.secureboot && !isSinceMinor(version, 5)) {
    throw new AirgapError(
      'ERR_USAGE',
      `Cannot name a Secure Boot installer of Talos "${tag}": there is none before 1.5`,
    );
  }
  const suffix = choice.secureboot ? 'installer-secureboot' : 'installer';
  const names = isSinceMinor(version, 10) ? choice.platforms.map((platform) => `${platform}-${suffix}`) : [suffix];
  return [...new Set(names)].map((name) =>
    printReference(parseReference(`${choice.factory}/${name}/${choice.id}:${tag}`)),
  );
}
