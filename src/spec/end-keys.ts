/** The keys of airgap.yaml about the ends, and how they are reached. */
import type { Key } from './key.ts';

const file = { meaning: 'file' } as const;
const location = { meaning: 'location' } as const;

/** Group `source`. */
export const sourceKeys: readonly Key[] = [
  {
    name: 'from',
    kind: 'text',
    option: 'from',
    ...location,
    says: 'Where every image is read: oci:DIR, bundle:FILE, bundle:DIR/ or HOST (default: its own registry)',
    example: 'oci:airgap-mirror',
  },
  {
    name: 'endpoints',
    kind: 'pairs',
    option: 'source-endpoint',
    says: "Other addresses of upstream registries, as REGISTRY: URL; '*' for all",
    example: '{ghcr.io: http://cache.internal:5000}',
  },
  {
    name: 'verifyKey',
    kind: 'text',
    option: 'verify-key',
    ...file,
    says: 'PEM public key: a bundle must be signed with its other half',
    example: 'signing.pub',
  },
  {
    name: 'user',
    kind: 'text',
    option: 'from-user',
    variable: 'AIRGAP_FROM_USER',
    says: 'User name; the password is taken from AIRGAP_FROM_PASSWORD',
    example: 'reader',
  },
  {
    name: 'ca',
    kind: 'text',
    option: 'from-ca',
    variable: 'AIRGAP_FROM_CA',
    ...file,
    says: 'PEM certificate authorities to trust there',
    example: 'upstream-ca.pem',
  },
  {
    name: 'concurrency',
    kind: 'count',
    option: 'source-concurrency',
    says: 'Requests at once per host',
    example: '12',
  },
];

/** Group `target`. */
export const targetKeys: readonly Key[] = [
  {
    name: 'to',
    kind: 'text',
    option: 'to',
    variable: 'AIRGAP_TO',
    ...location,
    says: 'HOST[:PORT][/PREFIX], http(s)://…, oci:DIR, bundle:FILE, bundle:DIR/ or image-cache:DIR',
    example: 'https://registry.site/infra',
  },
  {
    name: 'naming',
    kind: 'text',
    option: 'prefix-by-registry',
    values: ['flat', 'by-registry'],
    says: 'HOST/siderolabs/kubelet, or HOST/ghcr.io/siderolabs/kubelet',
    example: 'by-registry',
  },
  {
    name: 'user',
    kind: 'text',
    option: 'to-user',
    variable: 'AIRGAP_TO_USER',
    says: 'User name; the password is taken from AIRGAP_TO_PASSWORD',
    example: 'writer',
  },
  {
    name: 'ca',
    kind: 'text',
    option: 'to-ca',
    variable: 'AIRGAP_TO_CA',
    ...file,
    says: 'PEM certificate authorities to trust there',
    example: 'site-ca.pem',
  },
  { name: 'concurrency', kind: 'count', option: 'target-concurrency', says: 'Requests at once', example: '10' },
];

/** Group `bundle`. */
export const bundleKeys: readonly Key[] = [
  {
    name: 'volumeSize',
    kind: 'text',
    option: 'volume-size',
    says: 'Split into volumes of this size, or for a medium: 4GiB, fat32, dvd, bd25',
    example: '4GiB',
  },
  {
    name: 'have',
    kind: 'texts',
    option: 'have',
    ...file,
    says: 'Leave out what the receiver has: its receipts, or locks of earlier bundles',
    example: '[site.receipt]',
  },
  {
    name: 'signKey',
    kind: 'text',
    option: 'sign-key',
    ...file,
    says: 'PEM private key to sign the bundle with',
    example: 'signing.pem',
  },
  {
    name: 'includeSelf',
    kind: 'switch',
    option: 'include-self',
    says: 'Put this program beside the bundle',
    example: 'true',
  },
];

/** Group `connections`. */
export const connectionKeys: readonly Key[] = [
  {
    name: 'ca',
    kind: 'text',
    option: 'ca',
    variable: 'AIRGAP_CA',
    ...file,
    says: 'PEM certificate authorities to trust at both ends',
    example: 'ca.pem',
  },
  {
    name: 'clientCert',
    kind: 'text',
    option: 'client-cert',
    ...file,
    says: 'PEM client certificate',
    example: 'client.pem',
  },
  {
    name: 'clientKey',
    kind: 'text',
    option: 'client-key',
    ...file,
    says: 'PEM key of the client certificate',
    example: 'client.key',
  },
  {
    name: 'insecureSkipVerify',
    kind: 'switch',
    option: 'insecure-skip-verify',
    says: 'Do not verify TLS certificates',
    example: 'true',
  },
  {
    name: 'plainHttp',
    kind: 'switch',
    option: 'plain-http',
    says: 'Credentials may cross plain HTTP',
    example: 'true',
  },
  {
    name: 'retries',
    kind: 'count',
    option: 'retries',
    says: 'Tries without progress before something fails',
    example: '5',
  },
  {
    name: 'idleTimeout',
    kind: 'text',
    option: 'idle-timeout',
    says: 'A connection without a byte for this long is cut',
    example: '60s',
  },
  { name: 'timeout', kind: 'text', option: 'timeout', says: 'End the whole run after this long', example: '2h' },
];

/** Group `files`. */
export const fileKeys: readonly Key[] = [
  {
    name: 'lock',
    kind: 'text',
    option: 'lock',
    variable: 'AIRGAP_LOCK',
    ...file,
    says: 'What stands at the target, digest by digest',
    example: 'airgap.lock',
  },
  {
    name: 'patch',
    kind: 'text',
    option: 'patch',
    ...file,
    says: 'The Talos configuration that mirror writes',
    example: 'airgap-talos.yaml',
  },
  {
    name: 'failedList',
    kind: 'text',
    option: 'failed-list',
    ...file,
    says: 'What failed, as a list that can be given again',
    example: 'failed.txt',
  },
];
