/** What the test's internet is made of, and what its process can be told. */
import type { CertifiedKey } from '../../../src/certificates/certificate.ts';
import type { ImageOptions } from '../../support/seedImages.ts';

export interface PlannedHost {
  readonly name: string;
  readonly addresses: readonly string[];
  /** `site`: an empty registry that takes pushes. `other`: TLS, and nothing found. `time`: NTP alone. */
  readonly serves: 'registry' | 'tokens' | 'blobs' | 'site' | 'time' | 'other';
  /** Of a registry, or what belongs to one: as references name it. */
  readonly registry?: string;
  /** Where it sends clients for a token. Default: it asks for none. */
  readonly realm?: string;
  /** The host GETs of blobs are redirected to. */
  readonly blobsAt?: string;
  /** The host everything is redirected to. */
  readonly redirectsTo?: string;
}

export interface Plan {
  readonly authorities: Readonly<Record<'own' | 'other', CertifiedKey>>;
  readonly hosts: readonly PlannedHost[];
  /** Addresses that answer DNS. */
  readonly nameServers: readonly string[];
  readonly images: readonly (ImageOptions & { readonly reference: string })[];
}

export type Order =
  /** Answered with all since the start, or since it began anew. */
  | { readonly kind: 'connections' }
  /** The site is empty, no connection is remembered, and names, certificates and redirects are as planned. */
  | { readonly kind: 'begin-anew' }
  /** Gives a name other addresses. */
  | { readonly kind: 'name'; readonly name: string; readonly addresses: readonly string[] }
  /** Has a host show a certificate of this authority. */
  | { readonly kind: 'certify'; readonly name: string; readonly by: 'own' | 'other' }
  /** Has a registry send clients there for blobs. The other host serves them too. */
  | { readonly kind: 'redirect-blobs'; readonly name: string; readonly to: string }
  | { readonly kind: 'empty-site' };

export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly from: string;
}
