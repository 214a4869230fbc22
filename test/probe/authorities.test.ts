import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { isPublic } from '../../src/probe/authorities.ts';
import { certified, ownAuthority } from './world.ts';

describe('isPublic()', () => {
  it('knows the authorities Node.js comes with, and no other', () => {
    const [known = '', other = ''] = rootCertificates;
    expect(isPublic([new X509Certificate(known)])).toBe(true);
    expect(isPublic([new X509Certificate(certified(['a.example']).certificate), new X509Certificate(other)])).toBe(
      true,
    );
    const own = [certified(['a.example']).certificate, ownAuthority.certificate].map((pem) => new X509Certificate(pem));
    expect(isPublic(own)).toBe(false);
    expect(isPublic([])).toBe(false);
  });
});
