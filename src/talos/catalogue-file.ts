/** The catalogue file: releases, and rules of minors, that this version of the program does not know by itself. JSON or YAML. */
import { AirgapError } from '../errors.ts';
import { Field, type Refusal } from '../oci/fields.ts';
import { quoteText } from '../oci/quote.ts';
import { plainYaml } from '../yaml/plain.ts';
import { listedRelease, maxListedImages } from './release-list.ts';
import { builtInCatalogue, type KnownRelease, type MinorRule, type TalosCatalogue, withOverlay } from './releases.ts';
import { compareTalosVersions, printPlain, printTalosVersion, readVersion, type TalosVersion } from './version.ts';

/** Version of the format that is read and written. */
const catalogueFormat = 1;

/** Largest catalogue file in bytes that is read. */
export const maxCatalogueBytes = 4 * 1024 * 1024;

const mostReleases = 5000;

/**
 * Reads a catalogue file: everything in it is checked, unknown keys are refused, YAML aliases and tags as well. `name` is what
 * messages and notes call the file. Throws ERR_INPUT_INVALID naming the field.
 */
export function parseCatalogue(name: string, bytes: Uint8Array): TalosCatalogue {
  const refuse: Refusal = (field, state) =>
    invalid(name, `${field === '' ? 'it' : `"${printableField(field)}"`} ${state}`);
  const root = new Field(readDocument(name, bytes), '', refuse);
  const format = root.at('airgapCatalogue');
  if (format.text() !== String(catalogueFormat))
    format.fail(`is ${quoteText(format.text(), 20)}, and this program reads ${catalogueFormat}`);
  root.onlyKnows(['airgapCatalogue', 'minors', 'kubernetes', 'releases']);
  const minors = new Map(
    entriesOf(root.at('minors'), 100).map(([key, field]): [number, MinorRule] => [minorOf(key, field), ruleOf(field)]),
  );
  const kubernetes = root.at('kubernetes').optional((field) => field.list(mostReleases).map(kubernetesVersion)) ?? [];
  // A minor that is new here decides whether the lists of its releases are right.
  const known = withOverlay(builtInCatalogue, { releases: new Map(), minors, kubernetes });
  const releases = new Map(
    entriesOf(root.at('releases'), mostReleases).map(([key, field]): [string, KnownRelease] => {
      const release = releaseOf({ key, field }, { name, known });
      return [printTalosVersion(release.version), release];
    }),
  );
  return { releases, minors, kubernetes };
}

/** The same as text: JSON, sorted, one way to write it. */
export function printCatalogue(catalogue: TalosCatalogue): string {
  const minors = [...catalogue.minors].sort(([a], [b]) => a - b);
  const releases = [...catalogue.releases.values()].sort((a, b) => compareTalosVersions(a.version, b.version));
  const document = {
    airgapCatalogue: catalogueFormat,
    ...(minors.length === 0
      ? {}
      : { minors: Object.fromEntries(minors.map(([minor, rule]) => [`1.${minor}`, ruleFields(rule)])) }),
    ...(catalogue.kubernetes.length === 0 ? {} : { kubernetes: catalogue.kubernetes.map((version) => `v${version}`) }),
    releases: Object.fromEntries(
      releases.map((release) => [printTalosVersion(release.version), releaseFields(release)]),
    ),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function ruleFields({ kubernetes, upgradeFrom }: MinorRule): object {
  return {
    ...(kubernetes === undefined ? {} : { kubernetes: { min: `1.${kubernetes.min}`, max: `1.${kubernetes.max}` } }),
    ...(upgradeFrom === undefined ? {} : { upgradeFrom: printTalosVersion(upgradeFrom) }),
  };
}

function releaseFields({ source, kubernetes, installImage, images }: KnownRelease): object {
  return {
    source,
    ...(kubernetes === undefined ? {} : { kubernetes: `v${kubernetes}` }),
    ...(installImage === undefined ? {} : { installImage }),
    ...(images === undefined ? {} : { images }),
  };
}

function readDocument(name: string, bytes: Uint8Array): unknown {
  if (bytes.length > maxCatalogueBytes) throw invalid(name, `it is larger than ${maxCatalogueBytes} bytes`);
  // JSON is YAML: one reader for both. Every scalar stays text: a minor like 1.10 is no number.
  return plainYaml(utf8(name, bytes), {
    schema: 'failsafe',
    refuse: (state) => invalid(name, `it is neither JSON nor YAML as it is read here (${state})`),
  });
}

function utf8(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(name, 'it is not UTF-8 text');
  }
}

function entriesOf(field: Field, limit: number): [string, Field][] {
  if (field.absent) return [];
  const keys = field.keys();
  if (keys.length > limit) field.fail(`has ${keys.length} entries, at most ${limit} are read`);
  return keys.map((key) => [key, field.at(key)]);
}

function minorOf(key: string, field: Field): number {
  return readMinor(key) ?? field.fail('is no minor of Talos, as in 1.15');
}

function readMinor(text: string): number | undefined {
  const match = /^v?1\.(0|[1-9][0-9]{0,2})$/.exec(text);
  return match === null ? undefined : Number(match[1]);
}

function ruleOf(field: Field): MinorRule {
  field.onlyKnows(['kubernetes', 'upgradeFrom']);
  const kubernetes = field.at('kubernetes').optional((range) => {
    range.onlyKnows(['min', 'max']);
    const [min, max] = [range.at('min'), range.at('max')].map(
      (end) => readMinor(end.text()) ?? end.fail('is no minor of Kubernetes, as in "1.33"'),
    );
    if (min === undefined || max === undefined || min > max) return range.fail('has its ends the wrong way round');
    return { min, max };
  });
  return { kubernetes, upgradeFrom: field.at('upgradeFrom').optional(talosVersion) };
}

function talosVersion(field: Field): TalosVersion {
  return readVersion(field.text()) ?? field.fail('is no version, as in v1.13.0');
}

function kubernetesVersion(field: Field): string {
  const version = readVersion(field.text());
  if (version === undefined || version.major !== 1) return field.fail('is no version of Kubernetes, as in v1.37.2');
  return printPlain(version);
}

function releaseOf(
  entry: { readonly key: string; readonly field: Field },
  about: { readonly name: string; readonly known: TalosCatalogue },
): KnownRelease {
  const { key, field } = entry;
  const version = readVersion(key);
  if (version === undefined || version.major < 1) return field.fail('is no release of Talos, as in v1.14.5');
  field.onlyKnows(['source', 'kubernetes', 'installImage', 'images']);
  const source = field.at('source').optional((text) => text.text().slice(0, 500)) ?? about.name;
  const images = field.at('images').optional((list) => list.list(maxListedImages).map((image) => image.text()));
  const kubernetes = field.at('kubernetes').optional(kubernetesVersion);
  const installImage = field.at('installImage').optional((text) => text.text());
  if (images === undefined) return { version, kubernetes: undefined, images: undefined, source, file: about.name };
  const release = listedRelease(version, images, {
    kubernetes,
    installImage,
    source: `${about.name}, ${key}`,
    file: about.name,
    catalogue: about.known,
  });
  return { ...release, source };
}

/** Keys are foreign text; a path is made of them. */
function printableField(field: string): string {
  return quoteText(field, 120).slice(1, -1);
}

function invalid(name: string, state: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read catalogue ${quoteText(name)}: ${state}`, {
    origins: [name],
    hint: 'docs/releases.md says what a catalogue file holds; "airgap catalogue add" writes one',
  });
}
