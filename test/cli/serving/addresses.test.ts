import { describe, expect, it } from 'vitest';
import {
  certificateNames,
  localUrl,
  type MachineAddress,
  machineAddresses,
  outwardUrls,
} from '../../../src/cli/serving/addresses.ts';

const at = (device: string, address: string): MachineAddress => ({
  device,
  address,
  isIPv6: address.includes(':'),
  isLoopback: device === 'lo',
});
const lo = at('lo', '127.0.0.1');
const lan = at('eth0', '10.5.0.1');
const lan6 = at('eth0', 'fd00::a:1');
const docker = at('docker0', '172.17.0.1');
const every = { host: undefined, port: 6000, scheme: 'http' } as const;

describe('outwardUrls()', () => {
  it('are what other machines may ask: no loopback, no bridges of containers, IPv4 before IPv6', () => {
    expect(outwardUrls(every, [lo, docker, lan, lan6])).toEqual(['http://10.5.0.1:6000']);
    expect(outwardUrls({ ...every, host: '0.0.0.0', scheme: 'https' }, [lan, at('wlan0', '192.168.1.2')])).toEqual([
      'https://10.5.0.1:6000',
      'https://192.168.1.2:6000',
    ]);
    expect(outwardUrls(every, [lo, lan6])).toEqual(['http://[fd00::a:1]:6000']);
    expect(outwardUrls({ ...every, host: '0.0.0.0' }, [lo, lan6])).toEqual([]);
    expect(outwardUrls(every, [lo, docker])).toEqual(['http://172.17.0.1:6000']);
    expect(outwardUrls(every, [lo])).toEqual([]);
  });

  it('is the one address it listens on, unless that is this machine alone', () => {
    expect(outwardUrls({ ...every, host: '10.5.0.1' }, [lan])).toEqual(['http://10.5.0.1:6000']);
    expect(outwardUrls({ ...every, host: 'fd00::a:1' }, [lan])).toEqual(['http://[fd00::a:1]:6000']);
    for (const host of ['127.0.0.1', '127.3.2.1', '::1', 'localhost'])
      expect(outwardUrls({ ...every, host }, [lan])).toEqual([]);
  });
});

it('localUrl() is how this machine asks', () => {
  expect(localUrl(every)).toBe('http://127.0.0.1:6000');
  expect(localUrl({ ...every, host: '::1' })).toBe('http://[::1]:6000');
});

describe('certificateNames()', () => {
  const known = { addresses: [lo, lan, lan6], endpoint: undefined, more: [], machine: 'Server_1' };

  it('are every address it listens on, the machine, the endpoint and what was asked for', () => {
    expect(
      certificateNames(
        { host: undefined },
        { ...known, endpoint: 'https://Registry.Internal:6000', more: ['b.internal'] },
      ),
    ).toEqual(['10.5.0.1', '127.0.0.1', 'b.internal', 'fd00::a:1', 'localhost', 'registry.internal', 'server_1']);
    expect(certificateNames({ host: '10.5.0.1' }, known)).toEqual(['10.5.0.1', 'server_1']);
    expect(certificateNames({ host: '10.5.0.1' }, { ...known, endpoint: 'https://[fd00::b]:6000' })).toContain(
      'fd00::b',
    );
    expect(certificateNames({ host: '::1' }, known)).toEqual(['127.0.0.1', '::1', 'localhost', 'server_1']);
  });

  it('leave out what cannot stand in a certificate', () => {
    expect(certificateNames({ host: '10.5.0.1' }, { ...known, machine: 'no name, really' })).toEqual(['10.5.0.1']);
  });
});

it('machineAddresses() has loopback, and nothing that is only on a link', () => {
  const found = machineAddresses();
  expect(found.some(({ isLoopback }) => isLoopback)).toBe(true);
  expect(found.filter(({ address }) => address.startsWith('fe80'))).toEqual([]);
});
