import { execFile, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CertifiedKey,
  lifetimes,
  makeAuthority,
  makeServerCertificate,
} from '../../src/certificates/certificate.ts';

const run = promisify(execFile);
const names = ['10.5.0.1', '127.0.0.1', '::1', 'fd00::a:1', 'localhost', 'registry.internal', '*.pods.internal'];
const now = new Date('2031-03-04T05:06:07.890Z');

describe('certificates', () => {
  const authority = makeAuthority();
  const server = makeServerCertificate(authority, { names });
  const [ca, own] = [new X509Certificate(authority.certificate), new X509Certificate(server.certificate)];

  it('have what authorities and servers have', () => {
    expect([ca.ca, own.ca]).toEqual([true, false]);
    expect(ca.subject).toMatch(/^CN=airgap registry authority [0-9a-f]{8}$/);
    expect([ca.issuer, own.issuer, own.subject]).toEqual([ca.subject, ca.subject, 'CN=airgap serve']);
    expect(own.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(own.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect([ca.verify(ca.publicKey), own.verify(ca.publicKey), own.verify(own.publicKey)]).toEqual([true, true, false]);
    expect([own.checkIssued(ca), ca.checkIssued(own)]).toEqual([true, false]);
  });

  it('are for exactly the names asked for, addresses as addresses', () => {
    for (const name of ['registry.internal', 'localhost', 'a.pods.internal'])
      expect(own.checkHost(name, { subject: 'never' })).toBeDefined();
    for (const name of ['internal', 'a.b.pods.internal', 'airgap serve', 'x.registry.internal'])
      expect(own.checkHost(name)).toBeUndefined();
    for (const address of ['10.5.0.1', '127.0.0.1', '::1', 'fd00::a:1']) expect(own.checkIP(address)).toBe(address);
    expect([own.checkIP('10.5.0.2'), own.checkHost('10.5.0.1')]).toEqual([undefined, undefined]);
  });

  it('hold from a day before, the server as long as allowed and never longer than its authority', () => {
    const old = makeAuthority({ now });
    const days = (text: string) => (Date.parse(text) - now.getTime()) / 86_400_000;
    const x509 = new X509Certificate(old.certificate);
    expect([days(x509.validFrom), days(x509.validTo)]).toEqual([
      expect.closeTo(-1, 3),
      expect.closeTo(lifetimes.authority - 1, 3),
    ]);
    const late = new Date(now.getTime() + 3600 * 86_400_000);
    const [first, last] = [now, late].map(
      (at) => new X509Certificate(makeServerCertificate(old, { names, now: at }).certificate),
    );
    expect(Date.parse(first?.validTo ?? '') - Date.parse(first?.validFrom ?? '')).toBe(825 * 86_400_000 - 1000);
    expect(last?.validTo).toBe(x509.validTo);
  });

  it('never share a serial number', () => {
    const serials = Array.from(
      { length: 5 },
      () => new X509Certificate(makeServerCertificate(authority, { names }).certificate),
    );
    expect(new Set(serials.map(({ serialNumber }) => serialNumber)).size).toBe(5);
    expect(serials.every(({ serialNumber }) => /^[4-7][0-9A-F]{31}$/.test(serialNumber))).toBe(true);
  });

  it('refuses an authority it did not make', () => {
    expect(() => makeServerCertificate({ ...authority, key: edKey }, { names })).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_INVALID' }),
    );
  });
});

describe.skipIf(spawnSync('openssl', ['version']).status !== 0)('openssl', () => {
  let folder: string;
  const authority = makeAuthority();
  const server = makeServerCertificate(authority, { names });
  const openssl = async (...args: string[]) => (await run('openssl', args, { cwd: folder })).stdout;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-x509-'));
    await writeFile(join(folder, 'ca.crt'), authority.certificate);
    await writeFile(join(folder, 'server.crt'), server.certificate);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('verifies the chain strictly, for a name and for an address', async () => {
    for (const more of [
      [],
      ['-verify_hostname', 'registry.internal'],
      ['-verify_ip', '10.5.0.1'],
      ['-verify_ip', 'fd00::a:1'],
    ]) {
      const said = await openssl(
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        ...more,
        '-CAfile',
        'ca.crt',
        'server.crt',
      );
      expect(said).toBe('server.crt: OK\n');
    }
    await expect(openssl('verify', '-verify_ip', '10.5.0.9', '-CAfile', 'ca.crt', 'server.crt')).rejects.toThrow(
      'mismatch',
    );
  });

  it('reads every extension', async () => {
    const text = await openssl('x509', '-in', 'ca.crt', '-noout', '-text');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
    const own = await openssl('x509', '-in', 'server.crt', '-noout', '-text');
    expect(own).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(own).toMatch(/Extended Key Usage:\s+TLS Web Server Authentication/);
    expect(own).toContain('Authority Key Identifier');
  });
});

describe('a TLS handshake', () => {
  const authority = makeAuthority();

  it.each([
    ['127.0.0.1', '127.0.0.1', undefined],
    ['a name', '127.0.0.1', 'registry.internal'],
    ['::1', '::1', undefined],
  ])('succeeds with the authority trusted, by %s', async (_, host, servername) => {
    expect(await handshake(authority, { names, host, servername })).toBe('authorized');
  });

  it('fails for another name, another address, and without the authority', async () => {
    const at = { names: ['registry.internal', '10.5.0.1'], host: '127.0.0.1', servername: undefined };
    expect(await handshake(authority, at)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await handshake(authority, { ...at, servername: 'other.internal' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    const stranger = { ...at, servername: 'registry.internal', trusted: makeAuthority().certificate };
    expect(await handshake(authority, stranger)).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT/);
  });
});

/** `authorized`, or the code of the error. */
async function handshake(
  authority: CertifiedKey,
  at: { names: readonly string[]; host: string; servername: string | undefined; trusted?: string },
): Promise<string> {
  const { certificate, key } = makeServerCertificate(authority, { names: at.names });
  const server = createServer({ cert: certificate, key }).listen(0, at.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { host, servername } = at;
  try {
    return await new Promise((resolve) => {
      const socket = connect({
        host,
        port,
        ca: at.trusted ?? authority.certificate,
        ...(servername && { servername }),
      });
      socket.once('secureConnect', () => {
        resolve(socket.authorized ? 'authorized' : 'unauthorized');
        socket.destroy();
      });
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

const edKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
`;
