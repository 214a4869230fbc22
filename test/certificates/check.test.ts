import { describe, expect, it } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../src/certificates/certificate.ts';
import { checkCertificate } from '../../src/certificates/check.ts';

const authority = makeAuthority();
const server = makeServerCertificate(authority, { names: ['a.example'] });
const other = makeServerCertificate(authority, { names: ['b.example'] });
const check = (certificate: string, key: string, now?: Date) =>
  checkCertificate({ certificate: { name: 'tls.crt', text: certificate }, key: { name: 'tls.key', text: key } }, now);
const day = 86_400_000;

describe('checkCertificate()', () => {
  it('takes a certificate, a chain, and text around them', () => {
    expect(check(server.certificate, server.key).subjectAltName).toBe('DNS:a.example');
    const chain = `subject=CN = a.example\n${server.certificate}${authority.certificate}`;
    expect(check(chain, server.key).subjectAltName).toBe('DNS:a.example');
  });

  it.each([
    [
      'the key of another',
      server.certificate,
      other.key,
      /"tls.crt" with "tls.key": the key is not that of the certificate/,
    ],
    ['a chain in the wrong order', authority.certificate + server.certificate, server.key, /the key is not that/],
    ['a key for a certificate', server.key, server.key, /"tls.crt": it is a key/],
    ['no PEM', 'a\0b', server.key, /"tls.crt": no certificate in PEM form/],
    [
      'a damaged certificate',
      server.certificate.replace(/\nMII./, '\nAAAA'),
      server.key,
      /"tls.crt": .*cannot be read/,
    ],
    [
      'a damaged chain',
      server.certificate + authority.certificate.replace(/\nMII./, '\nAAAA'),
      server.key,
      /"tls.crt": /,
    ],
    ['a certificate for a key', server.certificate, server.certificate, /"tls.key": no private key/],
    [
      'a key with a passphrase',
      server.certificate,
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----\n',
      /"tls.key": the key has a passphrase/,
    ],
  ])('refuses %s', (_, certificate, key, message) => {
    expect(() => check(certificate, key)).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('refuses what ran out or does not hold yet, with the day', () => {
    expect(() => check(server.certificate, server.key, new Date(Date.now() + 900 * day))).toThrow(
      /ran out on 20\d\d-\d\d-\d\d/,
    );
    expect(() => check(server.certificate, server.key, new Date(Date.now() - 3 * day))).toThrow(
      /holds from 20\d\d-\d\d-\d\d on/,
    );
  });
});
