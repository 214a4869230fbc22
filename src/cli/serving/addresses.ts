/** Where a server can be asked: by whom, under which URL, under which names. */
import { hostname, networkInterfaces } from 'node:os';
import { certificateName } from '../../certificates/names.ts';
import { isLoopbackHost } from '../../store/registry/private-address.ts';

/** One address of this machine. */
export interface MachineAddress {
  /** Name of its network interface. */
  readonly device: string;
  readonly address: string;
  readonly isIPv6: boolean;
  readonly isLoopback: boolean;
}

/** Bridges and tunnels between containers and virtual machines of this machine alone: nobody outside asks there. */
const innerDevice = /^(?:docker|br-|veth|cni|flannel|cali|cilium|lxc|lxd|podman|virbr|kube-)/;

/** Addresses of this machine; link-local ones of IPv6 are left out, as they mean nothing without their device. */
export function machineAddresses(): MachineAddress[] {
  const found = Object.entries(networkInterfaces()).flatMap(([device, list]) =>
    (list ?? []).map(({ address, family, internal }) => {
      return { device, address, isIPv6: family === 'IPv6', isLoopback: internal };
    }),
  );
  return found.filter(({ address }) => !/^fe[89ab]/i.test(address));
}

/** Whether it listens on every address. */
export function isEveryAddress(host: string | undefined): host is undefined | '0.0.0.0' | '::' {
  return host === undefined || host === '0.0.0.0' || host === '::';
}

/** Whether it listens for this machine alone. */
export function isLocalAddress(host: string | undefined): boolean {
  return host !== undefined && isLoopbackHost(hostText(host));
}

export interface Listening {
  /** As given; undefined is every address. */
  readonly host: string | undefined;
  readonly port: number;
  readonly scheme: 'http' | 'https';
}

/** URLs other machines may ask, those that lead outside alone where there are such; IPv6 where there is no IPv4. Empty for loopback. */
export function outwardUrls(listening: Listening, addresses: readonly MachineAddress[]): string[] {
  const { host } = listening;
  if (!isEveryAddress(host)) return isLocalAddress(host) ? [] : [urlOf(listening, host)];
  const outward = addresses.filter(({ isLoopback, isIPv6 }) => !isLoopback && !(isIPv6 && host === '0.0.0.0'));
  const outside = outward.filter(({ device }) => !innerDevice.test(device));
  const known = outside.length > 0 ? outside : outward;
  const fourth = known.filter(({ isIPv6 }) => !isIPv6);
  return (fourth.length > 0 ? fourth : known).map(({ address }) => urlOf(listening, address));
}

/** The URL by which this machine itself asks. */
export function localUrl(listening: Listening): string {
  const { host } = listening;
  return urlOf(listening, isEveryAddress(host) ? '127.0.0.1' : host);
}

/** Names for a certificate: every address it listens on, this machine's name, the endpoint's host, and what else was asked for. */
export function certificateNames(
  listening: Pick<Listening, 'host'>,
  options: {
    readonly addresses: readonly MachineAddress[];
    readonly endpoint: string | undefined;
    readonly more: readonly string[];
    /** Default: this machine's. */
    readonly machine?: string;
  },
): string[] {
  const { addresses, endpoint, more, machine = hostname() } = options;
  const { host } = listening;
  const own = isEveryAddress(host) ? addresses.map(({ address }) => address) : [host];
  const local = isEveryAddress(host) || isLocalAddress(host) ? ['localhost', '127.0.0.1'] : [];
  const asked = endpoint === undefined ? [] : [new URL(endpoint).hostname];
  const names = [...own, ...local, machine, ...asked].flatMap((name) => certificateName(name) ?? []);
  return [...new Set([...names, ...more])].sort();
}

function urlOf({ scheme, port }: Listening, host: string): string {
  return `${scheme}://${hostText(host)}:${port}`;
}

/** An IPv6 address in brackets. */
function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
