import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNameServer, printNameServer, systemNameServers } from '../../src/probe/name-servers.ts';

describe('parseNameServer', () => {
  it.each([
    ['10.0.0.2', { address: '10.0.0.2', port: 53 }],
    ['10.0.0.2:5353', { address: '10.0.0.2', port: 5353 }],
    ['fd00::2', { address: 'fd00::2', port: 53 }],
    ['fe80::1%eth0', { address: 'fe80::1%eth0', port: 53 }],
    ['[fd00::2]', { address: 'fd00::2', port: 53 }],
    ['[fd00::2]:5353', { address: 'fd00::2', port: 5353 }],
  ])('reads %s', (text, server) => {
    expect(parseNameServer(text)).toEqual(server);
  });

  it.each(['', 'dns.site', '10.0.0', '10.0.0.256', '10.0.0.2:0', '10.0.0.2:65536', '[10.0.0.2]:53', 'fd00::2]:53'])(
    'refuses %j',
    (text) => {
      expect(parseNameServer(text)).toBeUndefined();
    },
  );

  it('reads what printNameServer() writes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 65_535 }), (address, port) => {
        expect(parseNameServer(printNameServer({ address, port }))).toEqual({ address, port });
      }),
    );
  });
});

describe('systemNameServers', () => {
  it('gives addresses with ports', () => {
    for (const server of systemNameServers()) expect(parseNameServer(printNameServer(server))).toEqual(server);
  });
});
