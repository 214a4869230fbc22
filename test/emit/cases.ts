/** The mirrors the tests of this folder emit: every naming, on the images of a small cluster. */
import { readFileSync } from 'node:fs';
import type { NodeSettings } from '../../src/emit/node-settings.ts';
import { type Mirror, type MirrorRule, mirrorsOf } from '../../src/mirror/rule.ts';
import { parseReference, type Reference } from '../../src/oci/reference.ts';
import { defaultInstallImage } from '../../src/talos/catalogue.ts';
import { settingForms } from '../../src/talos/config-kinds.ts';
import type { VerificationRule } from '../../src/talos/node-config.ts';
import type { TalosVersion } from '../../src/talos/version.ts';

export const endpoint = 'http://10.5.0.1:6000';

export const images: readonly Reference[] = [
  'ghcr.io/siderolabs/kubelet:v1.36.3',
  'registry.k8s.io/pause:3.10.1',
  'registry.k8s.io/coredns/coredns:v1.14.6',
  'docker.io/library/nginx:1.27',
  `quay.io/cilium/cilium:v1.18.0@sha256:${'c'.repeat(64)}`,
  'localhost:5000/team/app:v2',
].map(parseReference);

export const registries: readonly string[] = [...new Set(images.map((image) => image.registry))];

const registry = '10.5.0.1:6000';

export const forms = {
  flat: { rule: { naming: 'replace-host', registry, prefix: '' }, perRegistry: false },
  'per-registry': { rule: { naming: 'replace-host', registry, prefix: '' }, perRegistry: true },
  prefix: { rule: { naming: 'by-registry', registry, prefix: 'mirror' }, perRegistry: false },
} as const satisfies Record<string, { rule: MirrorRule; perRegistry: boolean }>;

export type Form = keyof typeof forms;

export function mirrorsFor(form: Form) {
  const { rule, perRegistry } = forms[form];
  return mirrorsOf(rule, endpoint, { registries, perRegistry });
}

const pem = (name: string): string => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8');

/** Two endpoints for availability: a Harbor project with https, and a plain one with a port. */
export const twoEndpoints: readonly Mirror[] = ['*', 'registry.k8s.io'].flatMap((name): Mirror[] => [
  { registry: name, endpoint: 'https://harbor.site', pathPrefix: name === '*' ? 'mirror' : 'mirror/k8s' },
  { registry: name, endpoint: 'http://[fd00::5]:5000', pathPrefix: '' },
]);

/** Every setting the release knows. */
export function completeSettings(version: TalosVersion): NodeSettings {
  const forms = settingForms(version);
  return {
    tls: new Map([
      ['harbor.site', { ca: pem('ca.pem'), clientCertificate: pem('client.pem'), clientKey: pem('client-key.pem') }],
    ]),
    auth: new Map([
      ['harbor.site', { username: 'node', password: 'not-a-secret' }],
      ['[fd00::5]:5000', { identityToken: 'not-a-token' }],
    ]),
    ...(forms.trustedRoots === undefined ? {} : { trustedRoots: [{ name: 'site', certificates: pem('ca.pem') }] }),
    installImage: defaultInstallImage(version),
    installDisk: '/dev/sda',
    time: { servers: ['10.0.0.1', 'ntp.site'] },
    nameservers: ['10.0.0.2', 'fd00::2'],
    discovery: 'disabled',
    ...(forms.imageCache === undefined ? {} : { imageCache: true }),
    hosts: [
      { address: '10.0.0.5', names: ['harbor.site'] },
      { address: 'fd00::5', names: ['plain.site', 'plain'] },
    ],
    ...(forms.verification === undefined ? {} : { verification: rules }),
    pauseImage: 'registry.k8s.io/pause:3.10',
  };
}

const publicKey = '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n';

const rules: readonly VerificationRule[] = [
  { image: 'docker.io/team/*', verifier: { kind: 'publicKey', certificate: publicKey } },
  {
    image: 'registry.k8s.io/*',
    verifier: {
      kind: 'keyless',
      issuer: 'https://accounts.google.com',
      subject: 'krel-trust@k8s-releng-prod.iam.gserviceaccount.com',
    },
  },
  { image: 'quay.io/*', verifier: { kind: 'deny' } },
];
