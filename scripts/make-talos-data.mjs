#!/usr/bin/env node
/**
 * Writes src/talos/data/releases.ts and fixtures/talos/expected-lists.sha256.json from the full list of Talos releases.
 *
 *   node scripts/make-talos-data.mjs LIST.json
 *
 * LIST.json maps a release to { kubernetes, command, images, talosBundle?, source, verifiedAgainst? }, where `images` is
 * what talosctl of that release prints, in its order. One line per release is written, and the names of the images once
 * per run of releases that share them. The program stops when a release does not fit that form.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const [listPath] = process.argv.slice(2);
if (listPath === undefined) {
  process.stderr.write('usage: node scripts/make-talos-data.mjs LIST.json\n');
  process.exit(2);
}

const root = new URL('../', import.meta.url);
const list = JSON.parse(readFileSync(listPath, 'utf8'));

/** Which field of a line a repository's tag is kept in. Tags that follow from the release or from Kubernetes have none. */
const fieldOf = {
  flannel: 'flannel',
  'install-cni': 'installCni',
  coredns: 'coredns',
  etcd: 'etcd',
  pause: 'pause',
  'kube-network-policies': 'networkPolicies',
};
const kubernetesImages = new Set([
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
]);

const shapes = [];
const rows = Object.entries(list).map(([version, release]) => rowOf(version, release));

writeFileSync(new URL('src/talos/data/releases.ts', root), moduleText());
mkdirSync(new URL('fixtures/talos/', root), { recursive: true });
writeFileSync(
  new URL('fixtures/talos/expected-lists.sha256.json', root),
  `${JSON.stringify(expectedHashes(), null, 1)}\n`,
);

function rowOf(version, release) {
  const tags = {};
  const shape = release.images.map((image) => templateOf(image, { version, release, tags }));
  return { version, shape: shapeNumber(shape), kubernetes: release.kubernetes, ...tags, ...sourceOf(version, release) };
}

function templateOf(image, { version, release, tags }) {
  const colon = image.lastIndexOf(':');
  const repository = image.slice(0, colon);
  const tag = image.slice(colon + 1);
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  if (name === 'installer') {
    demand(tag === version, version, image);
    return `${repository}:{talos}`;
  }
  if (kubernetesImages.has(name)) {
    demand(tag === `v${release.kubernetes}`, version, image);
    return `${repository}:v{kubernetes}`;
  }
  const field = fieldOf[name];
  demand(field !== undefined && tags[field] === undefined, version, image);
  tags[field] = tag;
  return `${repository}:{${field}}`;
}

function shapeNumber(shape) {
  const text = shape.join('\n');
  const known = shapes.findIndex((other) => other.join('\n') === text);
  return known === -1 ? shapes.push(shape) - 1 : known;
}

/** The source of a list, cut down to what differs between releases; `sourceOfRow` in src/talos/catalogue.ts writes it out again. */
function sourceOf(version, release) {
  const verified = release.verifiedAgainst === undefined ? {} : { verifiedAgainst: release.verifiedAgainst };
  const match =
    /^siderolabs\/talos@(\S+) \(([0-9a-f]{12})\): (.+); pause from (\S+)( \S+)?(; install-cni tag = EXTRAS in Makefile)?$/.exec(
      release.source,
    );
  if (match === null) return { source: shortened(release.source), ...verified };
  demand(match[1] === version, version, release.source);
  const containerd = /^containerd\/containerd@(v[\d.]+)$/.exec(match[4])?.[1];
  return { commit: match[2], ...(containerd === undefined ? {} : { containerd }), ...verified };
}

function shortened(source) {
  return source.replace(/; not re-derived from source .*$/, '; not derived at the commit');
}

function expectedHashes() {
  const entries = Object.entries(list);
  return {
    lists: Object.fromEntries(entries.map(([version, release]) => [version, sha256(release.images.join('\n'))])),
    bundles: Object.fromEntries(
      entries
        .filter(([, release]) => release.talosBundle)
        .map(([version, release]) => [version, sha256(release.talosBundle.join('\n'))]),
    ),
    sources: Object.fromEntries(entries.map(([version, release]) => [version, sha256(shortened(release.source))])),
  };
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

function demand(condition, version, text) {
  if (!condition) throw new Error(`${version}: "${text}" does not fit the form of this script`);
}

function moduleText() {
  const literal = (value) => (typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "\\'")}'`);
  const line = (row) =>
    `  { ${Object.entries(row)
      .map(([key, value]) => `${key}: ${literal(value)}`)
      .join(', ')} },`;
  return `/**
 * What talosctl of each Talos release prints as its default images. Written by scripts/make-talos-data.mjs; not edited by hand.
 * Derived at each tag of github.com/siderolabs/talos (commit in each line) from pkg/machinery/constants/constants.go,
 * pkg/images/list.go and cmd/talosctl/cmd/talos/image(s).go; \`pause\` up to 1.7 from the containerd release Talos was built with.
 */

export interface ReleaseRow {
  readonly version: string;
  /** Index into \`imageShapes\`. */
  readonly shape: number;
  /** Default Kubernetes, without \`v\`. */
  readonly kubernetes: string;
  readonly flannel: string;
  readonly installCni?: string;
  readonly coredns: string;
  readonly etcd: string;
  readonly pause: string;
  readonly networkPolicies?: string;
  /** First 12 digits of the tag's commit. */
  readonly commit?: string;
  /** The containerd release whose default sandbox image \`pause\` is. */
  readonly containerd?: string;
  /** A published output that was compared and is equal. */
  readonly verifiedAgainst?: string;
  /** Where the list comes from when it was not derived at a commit. */
  readonly source?: string;
}

/** Image names in the order talosctl prints them. \`{talos}\` stands for the release, the others for fields of a line. */
export const imageShapes: readonly (readonly string[])[] = [
${shapes.map((shape) => `  [\n${shape.map((image) => `    ${literal(image)},\n`).join('')}  ],\n`).join('')}];

/** Oldest first. */
export const releaseRows: readonly ReleaseRow[] = [
${rows.map(line).join('\n')}
];
`;
}
