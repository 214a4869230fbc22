/** An own certificate authority and what it signs, made with openssl. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { output } from './programs.ts';

/** Paths of PEM files. */
export interface Certificates {
  readonly folder: string;
  readonly ca: string;
  /** For 127.0.0.1, ::1 and localhost, signed by the authority. */
  readonly certificate: string;
  readonly key: string;
}

const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-tls-'));
  const path = (name: string) => join(folder, name);
  await output([
    'openssl',
    'req',
    '-x509',
    ...elliptic,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.crt'),
    '-days',
    '2',
    '-subj',
    '/CN=Test authority',
  ]);
  await output([
    'openssl',
    'req',
    '-new',
    ...elliptic,
    '-keyout',
    path('server.key'),
    '-out',
    path('server.csr'),
    '-subj',
    '/CN=127.0.0.1',
  ]);
  await writeFile(path('names'), 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost\n');
  const signing = [
    '-CA',
    path('ca.crt'),
    '-CAkey',
    path('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    path('names'),
  ];
  await output(['openssl', 'x509', '-req', '-in', path('server.csr'), '-out', path('server.crt'), ...signing]);
  return { folder, ca: path('ca.crt'), certificate: path('server.crt'), key: path('server.key') };
}

export interface SigningKey {
  readonly certificatePath: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** A self-signed certificate whose key signs tokens. */
export async function makeSigningKey(algorithm: 'RS256' | 'ES256'): Promise<SigningKey> {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-token-'));
  const [key, certificate] = [join(folder, 'token.key'), join(folder, 'token.crt')];
  const kind = algorithm === 'RS256' ? ['-newkey', 'rsa:2048', '-nodes'] : elliptic;
  await output([
    'openssl',
    'req',
    '-x509',
    ...kind,
    '-keyout',
    key,
    '-out',
    certificate,
    '-days',
    '2',
    '-subj',
    '/CN=Test tokens',
  ]);
  return {
    certificatePath: certificate,
    certificatePem: await readFile(certificate, 'utf8'),
    keyPem: await readFile(key, 'utf8'),
  };
}
