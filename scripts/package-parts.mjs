/** What the executable is made of: read from the lock file and from Node.js, told as an SBOM and as a file of licences. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { release } from './package-node.mjs';

/** The npm packages a user of airgap gets: everything in the lock file that is not for development, sorted by path. */
export function runtimePackages(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, entry]) => path !== '' && entry.dev !== true)
    .map(([path, { version, integrity, license, dependencies }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      folder: join(root, path),
      version,
      integrity,
      license,
      dependencies: Object.keys(dependencies ?? {}).sort(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * What `process.versions` names and Node.js has inside: its licence, and who vulnerability databases know it as. Other entries are
 * numbers of interfaces (`modules`, `napi`) or have no version of their own.
 */
const partsOfNode = {
  acorn: ['MIT'],
  ada: ['Apache-2.0 OR MIT'],
  amaro: ['MIT'],
  ares: ['MIT', 'c-ares:c-ares', 'c-ares'],
  brotli: ['MIT', 'google:brotli'],
  cldr: ['Unicode-3.0'],
  icu: ['Unicode-3.0', 'unicode:international_components_for_unicode'],
  llhttp: ['MIT', 'nodejs:llhttp'],
  merve: [],
  nbytes: [],
  ncrypto: [],
  nghttp2: ['MIT', 'nghttp2:nghttp2'],
  nghttp3: ['MIT', 'ngtcp2:nghttp3'],
  ngtcp2: ['MIT', 'ngtcp2:ngtcp2'],
  openssl: ['Apache-2.0', 'openssl:openssl'],
  simdjson: ['Apache-2.0 OR MIT'],
  simdutf: ['Apache-2.0 OR MIT'],
  sqlite: ['blessing', 'sqlite:sqlite'],
  tz: [],
  undici: ['MIT', 'nodejs:undici'],
  unicode: ['Unicode-3.0'],
  uv: ['MIT', 'libuv:libuv', 'libuv'],
  uvwasi: ['MIT'],
  v8: ['BSD-3-Clause', 'google:v8'],
  zlib: ['Zlib', 'zlib:zlib'],
  zstd: ['BSD-3-Clause', 'facebook:zstandard'],
};

function nodeParts(versions) {
  return Object.entries(partsOfNode)
    .filter(([name]) => (versions[name] ?? '') !== '')
    .map(([name, [license, product, known = name]]) => ({
      type: 'library',
      'bom-ref': `node/${known}@${versions[name]}`,
      name: known,
      version: versions[name],
      ...licensed(license),
      ...(product === undefined ? {} : { cpe: cpe(product, versions[name]) }),
      purl: `pkg:generic/${known}@${encodeURIComponent(versions[name])}`,
    }));
}

function licensed(license) {
  if (license === undefined) return {};
  return { licenses: [license.includes(' ') ? { expression: license } : { license: { id: license } }] };
}

function cpe(product, version) {
  return `cpe:2.3:a:${product}:${version}:*:*:*:*:*:*:*`;
}

function npmPurl(name, version) {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** `sha512-…` of npm, as CycloneDX writes it. */
function hashesOf(integrity) {
  if (!integrity?.startsWith('sha512-')) return {};
  return { hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.slice(7), 'base64').toString('hex') }] };
}

/** CycloneDX 1.6 in JSON, without what would differ the next time: no serial number, no time, no paths, no versions of tools. */
export function printSbom({ own, packages, node, needs }) {
  const ref = `${own.name}@${own.version}`;
  const nodeRef = `node@${node.versions.node}`;
  const refOf = (name) => `${name}@${packages.find((entry) => entry.name === name)?.version}`;
  const parts = nodeParts(node.versions);
  return `${JSON.stringify(
    {
      $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: {
        lifecycles: [{ phase: 'build' }],
        component: {
          type: 'application',
          'bom-ref': ref,
          name: own.name,
          version: own.version,
          description: own.description,
          ...licensed(own.license),
          purl: npmPurl(own.name, own.version),
          properties: Object.entries(needs).map(([library, version]) => ({
            name: `airgap:requires:${library}`,
            value: version,
          })),
        },
      },
      components: [...packages.map(packageComponent), nodeComponent(nodeRef, { node, parts })],
      dependencies: [
        { ref, dependsOn: [...Object.keys(own.dependencies).sort().map(refOf), nodeRef] },
        ...packages.map(({ name, dependencies }) => ({ ref: refOf(name), dependsOn: dependencies.map(refOf) })),
        { ref: nodeRef, dependsOn: parts.map((part) => part['bom-ref']) },
      ],
    },
    undefined,
    2,
  )}\n`;
}

function packageComponent({ name, version, integrity, license }) {
  const purl = npmPurl(name, version);
  return {
    type: 'library',
    'bom-ref': `${name}@${version}`,
    name,
    version,
    ...hashesOf(integrity),
    ...licensed(license),
    purl,
  };
}

function nodeComponent(ref, { node, parts }) {
  const { version } = release;
  return {
    type: 'application',
    'bom-ref': ref,
    name: 'node',
    version: node.versions.node,
    description: 'Node.js, without symbols for debuggers',
    ...licensed('MIT'),
    cpe: cpe('nodejs:node.js', node.versions.node),
    purl: `pkg:generic/node@${node.versions.node}`,
    pedigree: {
      ancestors: [
        {
          type: 'library',
          name: release.package,
          version,
          ...hashesOf(release.integrity),
          purl: npmPurl(release.package, version),
        },
      ],
    },
    components: parts,
  };
}

/** Every licence in one text: our own, each package's, and that of Node.js, which has those of its parts. */
export function printLicenses(root, { own, packages, node }) {
  const sections = [
    [`${own.name} ${own.version} (${own.license})`, readFileSync(join(root, 'LICENSE'), 'utf8')],
    ...packages.map((entry) => [`${entry.name} ${entry.version} (${entry.license})`, licenseOf(entry)]),
    [`Node.js ${node.versions.node} and what is in it`, node.license],
  ];
  const line = '='.repeat(80);
  return sections
    .map(([title, text]) => `${line}\n${title}\n${line}\n\n${text.replaceAll('\r\n', '\n').trim()}\n`)
    .join('\n');
}

function licenseOf({ name, folder }) {
  if (!existsSync(folder)) throw new Error(`${name} is not installed: npm ci`);
  const file = readdirSync(folder)
    .filter((entry) => /^(licen[cs]e|copying)(\.|$)/i.test(entry))
    .sort()[0];
  if (file === undefined) throw new Error(`${name} has no licence file, which has to be carried with it`);
  return readFileSync(join(folder, file), 'utf8');
}
