/** What the tests of the formats are made from: the mirrors of the other emission tests, and a site with everything. */
import { readFileSync } from 'node:fs';
import type { FormatInput } from '../../../src/emit/formats/format.ts';
import type { NodeSettings } from '../../../src/emit/node-settings.ts';
import { nodeMirrorsOf } from '../../../src/emit/talos/mirrors.ts';
import type { NodeMirror } from '../../../src/talos/node-mirrors.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';
import { type Form, mirrorsFor, registries } from '../cases.ts';

const pem = (name: string) => readFileSync(new URL(`../../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8');

/** A site with a certificate of its own, a client's identity and credentials. */
export const siteSettings: NodeSettings = {
  tls: new Map([
    ['registry.test:5443', { ca: pem('ca'), clientCertificate: pem('client'), clientKey: pem('client-key') }],
    ['[fd00::5]:5443', { insecureSkipVerify: true }],
  ]),
  auth: new Map([['registry.test:5443', { username: 'node', password: "it's secret" }]]),
  time: { servers: ['10.0.0.1'] },
};

/** Two registries for availability, one with an IPv6 address. */
export const siteMirrors = ['https://registry.test:5443', 'https://[fd00::5]:5443'].flatMap((endpoint) =>
  ['ghcr.io', 'registry.k8s.io'].map((registry) => ({ registry, endpoint, pathPrefix: '' })),
);

/** Stands for what is emitted for Talos, whose text has golden files of its own. */
export const talosPatch = {
  path: 'talos-patch.yaml',
  text: '# Written by airgap.\n\napiVersion: v1alpha1\nkind: TimeSyncConfig\nntp:\n    servers:\n        - 10.0.0.1\n',
};

export function inputFor(version: string, form: Form | 'site', more: Partial<FormatInput> = {}): FormatInput {
  const settings = form === 'site' ? siteSettings : {};
  const mirrors = form === 'site' ? siteMirrors : mirrorsFor(form);
  const options = { mirrors, version: parseTalosVersion(version), registries };
  return { mirrors: nodeMirrorsOf(options), version: options.version, settings, talos: [talosPatch], ...more };
}

export function mirrorOf(registry: string, urls: readonly string[], more: Partial<NodeMirror> = {}): NodeMirror {
  return { registry, endpoints: urls.map((url) => ({ url, overridePath: false })), skipFallback: true, ...more };
}

/** Nothing but these mirrors, for a release. */
export function plainInput(
  mirrors: readonly NodeMirror[],
  version = 'v1.14.4',
  settings: NodeSettings = {},
): FormatInput {
  return { mirrors, version: parseTalosVersion(version), settings, talos: [] };
}
