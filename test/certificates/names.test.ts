import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOctets, certificateName, namesIn, requireCertificateName } from '../../src/certificates/names.ts';

describe('certificateName()', () => {
  it.each([
    ['Registry.Internal', 'registry.internal'],
    ['registry.internal.', 'registry.internal'],
    ['host_1', 'host_1'],
    ['*.example.org', '*.example.org'],
    ['10.5.0.1', '10.5.0.1'],
    ['[FD00:0::1]', 'fd00::1'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
  ])('brings %j into form', (text, expected) => {
    expect(certificateName(text)).toBe(expected);
  });

  it.each([
    '',
    '.',
    'a..b',
    '-a',
    'a b',
    'a,b',
    '10.5.0',
    '10.5.0.256',
    '1',
    'fe80::1%eth0',
    '*',
    'a.*.b',
    'ä.org',
    'x'.repeat(64),
  ])('knows %j as none', (text) => {
    expect(certificateName(text)).toBeUndefined();
    expect(() => requireCertificateName('--tls-name', text)).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', message: expect.stringContaining('--tls-name') }),
    );
  });

  it('gives the same for what it gave', () => {
    fc.assert(
      fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()), (text) => {
        const name = certificateName(text);
        if (name !== undefined) expect(certificateName(name)).toBe(name);
      }),
    );
  });
});

describe('addressOctets()', () => {
  it.each([
    ['10.5.0.1', '0a050001'],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['fd00::a:1', 'fd0000000000000000000000000a0001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ])('of %s', (address, expected) => {
    expect(Buffer.from(addressOctets(address) ?? []).toString('hex')).toBe(expected);
  });

  it('has 16 octets for every IPv6 address, and none for names', () => {
    fc.assert(fc.property(fc.ipV6().filter(isIPv6), (address) => void expect(addressOctets(address)).toHaveLength(16)));
    expect(addressOctets('registry.internal')).toBeUndefined();
  });
});

describe('namesIn()', () => {
  it('reads what node:crypto prints', () => {
    expect(
      namesIn('DNS:b.example, IP Address:10.5.0.1, DNS:a.example, IP Address:FD00:0:0:0:0:0:0:1, URI:http://x'),
    ).toEqual(['10.5.0.1', 'a.example', 'b.example', 'fd00::1']);
    expect(namesIn(undefined)).toEqual([]);
  });
});
