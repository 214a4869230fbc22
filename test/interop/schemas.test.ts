/**
 * The golden files against the machine configuration's own published JSON schema, one per minor. The schemas are not part of this
 * repository: AIRGAP_TALOS_SCHEMAS names their folder. Where it is missing the suite is skipped, and says so.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { compareTalosVersions, parseTalosVersion, type TalosVersion } from '../../src/talos/version.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = process.env.AIRGAP_TALOS_SCHEMAS ?? join(root, '../shared/facts/schemas');
const isThere = existsSync(folder);
const golden = join(root, 'fixtures/emitted');

type Fields = Record<string, unknown>;

interface Schema extends Fields {
  readonly $defs: Record<string, { readonly properties: Record<string, Fields> }>;
}

interface Release {
  readonly version: TalosVersion;
  readonly schema: Schema;
}

const releases: Release[] = (isThere ? readdirSync(folder) : [])
  .flatMap((name) => /^talos-(v[\w.-]+)\.schema\.json$/.exec(name)?.[1] ?? [])
  .map((version) => ({
    version: parseTalosVersion(version),
    schema: JSON.parse(readFileSync(join(folder, `talos-${version}.schema.json`), 'utf8')) as Schema,
  }))
  .sort((a, b) => compareTalosVersions(a.version, b.version));

/** Of the same minor; before the oldest one that one. */
function releaseFor(version: TalosVersion): Release | undefined {
  return releases.find((release) => release.version.minor === version.minor) ?? releases[0];
}

/** Keys of the v1alpha1 document that the schema of a newer release leaves out because they are deprecated there; it reads them still. */
function isDeprecatedForm(name: string): boolean {
  return name.endsWith('-v1alpha1');
}

const compiled = new Map<Schema, Ajv2020>();

function check(schema: Schema, definition: string): ValidateFunction {
  let ajv = compiled.get(schema);
  if (ajv === undefined) {
    // The schemas have keywords for editors beside those that say something.
    ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
    ajv.addSchema(schema, 'talos');
    compiled.set(schema, ajv);
  }
  const found = ajv.getSchema(`talos#/$defs/${definition}`);
  if (found === undefined) throw new Error(`no definition ${definition}`);
  return found as ValidateFunction;
}

/** What is wrong with one document; empty: nothing. A patch lacks no key that a whole document has to have: none is required there. */
function complaints({ schema }: Release, document: Fields): string[] {
  const definition = definitionOf(schema, document);
  if (definition === undefined) return [`no document of kind ${String(document.kind)}`];
  const { $patch, ...fields } = document;
  const validate = check(schema, definition);
  if (validate(fields)) return [];
  const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'required' || $patch !== 'delete');
  return errors.map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
}

function definitionOf(schema: Schema, { kind }: Fields): string | undefined {
  if (kind === undefined) return schema.$defs['v1alpha1.Config'] === undefined ? 'Config' : 'v1alpha1.Config';
  return Object.entries(schema.$defs).find(([, { properties }]) => {
    const known = properties?.kind?.enum;
    return Array.isArray(known) && known.includes(kind);
  })?.[0];
}

function documentsIn(file: string): Fields[] {
  return parseAllDocuments(readFileSync(file, 'utf8'))
    .map((document) => document.toJS() as Fields | null)
    .filter((value) => value !== null);
}

const files = readdirSync(golden)
  .filter((name) => name.startsWith('v'))
  .flatMap((name) =>
    readdirSync(join(golden, name), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?:^|\/)talos-[a-z]+\.yaml$/.test(file))
      .map((file) => ({ name, file, path: join(golden, name, file) })),
  );

/** Not in the schemas of 1.13.9 and 1.14.0-rc.1 although these releases read it: pkg/machinery/config/types/security has no schema mark. */
const unpublished = ['ImageVerificationConfig'];

/**
 * Where a schema is known to be wrong about its own release, the document as the schema has it. 1.12 and 1.13 call the certificate
 * `crt` there and read `cert` alone (pkg/machinery/config/types/cri/testdata/registrytlsconfig.yaml); 1.14.0-rc.1 calls the kind
 * UnattendedInstall and reads UnattendedInstallConfig (pkg/machinery/config/types/runtime/testdata/unattendedinstall.yaml).
 */
function asPublished({ version }: Release, document: Fields): Fields {
  const identity = document.clientIdentity as Fields | undefined;
  if (identity !== undefined && [12, 13].includes(version.minor)) {
    const { cert, ...rest } = identity;
    return { ...document, clientIdentity: { crt: cert, ...rest } };
  }
  const isRenamed = document.kind === 'UnattendedInstallConfig' && version.prerelease === 'rc.1';
  return isRenamed ? { ...document, kind: 'UnattendedInstall' } : document;
}

if (!isThere) process.stderr.write(`The schema suite is skipped: there is no ${folder} (AIRGAP_TALOS_SCHEMAS)\n`);

describe.skipIf(!isThere)('the published schema of the release', () => {
  it.each(files.filter(({ name }) => !isDeprecatedForm(name)))(
    '$name/$file holds nothing the release does not know',
    ({ name, path }) => {
      const release = releaseFor(parseTalosVersion(/^v[\d.]+/.exec(name)?.[0] ?? ''));
      const documents = documentsIn(path).filter(({ kind }) => !unpublished.includes(String(kind)));
      if (release === undefined) throw new Error('no schemas');
      const found = documents.flatMap((document) => complaints(release, asPublished(release, document)));
      expect(found).toEqual([]);
    },
  );

  it('there is one for every golden release from 1.5 on; those before are held against the oldest', () => {
    const minors = new Set(files.map(({ name }) => parseTalosVersion(/^v[\d.]+/.exec(name)?.[0] ?? '').minor));
    const without = [...minors].filter((minor) => !releases.some(({ version }) => version.minor === minor));
    expect(without).toEqual([3]);
  });

  it('refuses a wrong key in every place that is emitted, for every release', () => {
    let tried = 0;
    for (const { name, path } of files.filter((file) => file.name.endsWith('-complete') && /^talos-/.test(file.file))) {
      const release = releaseFor(parseTalosVersion(/^v[\d.]+/.exec(name)?.[0] ?? ''));
      if (release === undefined) continue;
      for (const document of documentsIn(path)) {
        if (unpublished.includes(String(document.kind))) continue;
        for (const broken of withWrongKeys(asPublished(release, document))) {
          tried += 1;
          expect(complaints(release, broken).join('\n')).toContain('additionalProperty":"wrongKey"');
        }
      }
    }
    expect(tried).toBeGreaterThan(100);
  });

  it('refuses keys of newer releases in older ones', () => {
    const mirror = (fields: Fields) => ({
      machine: { registries: { mirrors: { 'ghcr.io': { endpoints: ['http://a'], ...fields } } } },
    });
    const of = (minor: number) => releases.find(({ version }) => version.minor === minor);
    const [old, nine] = [of(8), of(9)];
    if (old === undefined || nine === undefined) throw new Error('no schemas of 1.8 and 1.9');
    expect(complaints(old, mirror({ skipFallback: true }))).toHaveLength(1);
    expect(complaints(nine, mirror({ skipFallback: true }))).toEqual([]);
    expect(complaints(old, { apiVersion: 'v1alpha1', kind: 'RegistryMirrorConfig', name: '*' })).toHaveLength(1);
  });
});

/** The document with one wrong key in each of its mappings that has keys of its own; in maps by registry or host any key is right. */
function withWrongKeys(document: Fields): Fields[] {
  const places: (readonly (string | number)[])[] = [];
  const walk = (value: unknown, path: readonly (string | number)[]): void => {
    if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...path, index]);
    else if (typeof value === 'object' && value !== null) {
      if (!isFreeMap(path)) places.push(path);
      for (const [key, item] of Object.entries(value)) walk(item, [...path, key]);
    }
  };
  walk(document, []);
  return places.map((path) => {
    const copy = structuredClone(document);
    let target: unknown = copy;
    for (const key of path) target = (target as Record<string | number, unknown>)[key];
    (target as Fields).wrongKey = true;
    return copy;
  });
}

function isFreeMap(path: readonly (string | number)[]): boolean {
  return /^machine\/registries\/(?:mirrors|config)$/.test(path.join('/'));
}
