import { describe, expect, it } from 'vitest';
import type { Destination } from '../../../src/egress/destination.ts';
import { type NodeFacts, nodeNeeds } from '../../../src/egress/needs/nodes.ts';
import { readNodeConfig } from '../../../src/node/read-config.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { readVersion } from '../../../src/talos/version.ts';

const images = ['ghcr.io/siderolabs/kubelet:v1.37.1', 'registry.k8s.io/pause:3.10'].map(parseReference);

/** A machine configuration as talosctl writes it, as far as it matters, with what a test adds. */
const whole = (more: string): string => `version: v1alpha1
machine:
  type: controlplane
  token: abc
${more}`;

interface Given {
  readonly text: string;
  readonly version?: string;
  readonly images?: NodeFacts['images'];
}

function needsOf({ text, version = 'v1.13.9', images: asked = images }: Given) {
  const read = readVersion(version);
  if (read === undefined) throw new Error(version);
  const config = readNodeConfig([{ name: 'controlplane.yaml', text }], { version: read });
  return nodeNeeds({ config, images: asked, version: read, by: (matter) => `says ${matter}`, wildcards: false });
}

const printed = (destinations: readonly Destination[]): string[] =>
  destinations
    .map(({ host, port, protocol, required }) => `${host} ${port}/${protocol}${required ? '' : ' optional'}`)
    .sort();

const closed = whole(`  time:
    servers: [10.0.0.1]
  network:
    nameservers: [10.0.0.2]
  registries:
    mirrors:
      "*":
        endpoints: [http://10.5.0.1:6000]
        skipFallback: true
cluster:
  discovery:
    enabled: false
`);

describe('nodeNeeds()', () => {
  it('with skipFallback: the registry inside, time and names, and nothing more', () => {
    expect(printed(needsOf({ text: closed }).destinations)).toEqual([
      '10.0.0.1 123/udp',
      '10.0.0.2 53/tcp',
      '10.0.0.2 53/udp',
      '10.5.0.1 6000/tcp',
      '10.5.0.1 6000/tcp',
    ]);
  });

  it('leaves out what is no host, and does not tell what it says', () => {
    const odd = [
      'user:secret@ntp.site',
      'evil\u001b[31m',
      'a..b',
      'x y',
      '"; reboot',
      `${'a'.repeat(64)}.site`,
      '10.0.0.256',
    ];
    const servers = JSON.stringify([...odd, 'ntp.site']);
    const endpoint = JSON.stringify(`https://${'a.'.repeat(140)}site`);
    const text = whole(`  time: {servers: ${servers}}
  network: {nameservers: ["10.0.0.2%eth0", "secret\\nnext"]}
cluster: {discovery: {enabled: true, registries: {service: {endpoint: ${endpoint}}}}}
`);
    const { destinations, notes = [] } = needsOf({ text, images: [] });
    expect(printed(destinations)).toEqual(['ntp.site 123/udp']);
    expect(notes).toEqual(
      ['time', 'names', 'discovery service'].map(
        (what) => `the configuration has something for "${what}" that is no host: it is left out`,
      ),
    );
  });

  it('says which key of which file wants it', () => {
    const [registry] = needsOf({ text: closed }).destinations.filter(({ isRegistry }) => isRegistry);
    expect(registry).toMatchObject({
      role: 'nodes',
      component: 'site',
      speaks: 'http',
      evidence: [{ kind: 'configured', by: 'says mirrors' }],
      purposes: ['mirror of ghcr.io'],
    });
  });

  it('without skipFallback registries may be asked too, with their blobs and tokens', () => {
    const { destinations } = needsOf({ text: closed.replace('        skipFallback: true\n', '') });
    const upstream = destinations.filter(({ component }) => component !== 'site');
    const hosts = upstream.map(({ host }) => host);
    expect(hosts).toEqual(
      expect.arrayContaining(['ghcr.io', 'pkg-containers.githubusercontent.com', 'registry.k8s.io']),
    );
    expect(upstream.every(({ required }) => !required)).toBe(true);
    expect(upstream.every(({ condition }) => condition?.includes('skipFallback'))).toBe(true);
  });

  it('a release that does not know skipFallback asks registries whatever is written', () => {
    const hosts = needsOf({ text: closed, version: 'v1.8.4' }).destinations.map(({ host }) => host);
    expect(hosts).toContain('registry.k8s.io');
  });

  it('a registry without a mirror is needed itself', () => {
    const { destinations, notes } = needsOf({ text: closed.replace('"*"', 'ghcr.io') });
    const kubernetes = destinations.filter(({ host }) => host === 'registry.k8s.io');
    expect(kubernetes.map(({ required }) => required)).toEqual([true]);
    expect(notes).toContain('registry.k8s.io has no mirror: nodes ask the registry itself');
    expect(destinations.map(({ host }) => host)).not.toContain('ghcr.io');
  });

  it.each([
    ['v1.6.7', 'pool.ntp.org'],
    ['v1.7.0', 'time.cloudflare.com'],
    ['v1.14.4', 'time.cloudflare.com'],
  ])('%s asks its own defaults where nothing is said: %s', (version, clock) => {
    const found = printed(needsOf({ text: whole(''), version, images: [] }).destinations);
    expect(found).toEqual(expect.arrayContaining([`${clock} 123/udp`, '1.1.1.1 53/udp', '8.8.8.8 53/tcp']));
    expect(found.filter((line) => line.endsWith('123/udp'))).toHaveLength(1);
  });

  it.each([
    ['v1.13.9', '', ['time.cloudflare.com 123/udp']],
    ['v1.14.4', '', ['time.cloudflare.com 123/udp', 'time.cloudflare.com 4460/tcp']],
    ['v1.14.4', 'ntp: {useNTS: false}', ['time.cloudflare.com 123/udp']],
    ['v1.14.4', 'ntp: {servers: [ntp.site]}', ['ntp.site 123/udp']],
    ['v1.14.4', 'ntp: {servers: [ntp.site], useNTS: true}', ['ntp.site 123/udp', 'ntp.site 4460/tcp']],
    ['v1.14.4', 'ntp: {servers: ["ntp.site:4461"], useNTS: true}', ['ntp.site 123/udp', 'ntp.site 4461/tcp']],
    ['v1.14.4', 'ntp: {servers: ["fd00::1", 10.0.0.1]}', ['10.0.0.1 123/udp', 'fd00::1 123/udp']],
    ['v1.14.4', 'ntp: {servers: ["fd00::443"], useNTS: true}', ['fd00::443 123/udp', 'fd00::443 4460/tcp']],
    ['v1.14.4', 'ntp: {servers: ["[fd00::1]:443"], useNTS: true}', ['fd00::1 123/udp', 'fd00::1 443/tcp']],
    ['v1.14.4', 'ntp: {servers: ["ntp.site:70000"], useNTS: true}', ['ntp.site 123/udp']],
    ['v1.14.4', 'ptp: {devices: [/dev/ptp0]}', []],
  ])('%s with %j asks these for the time: %j', (version, document, expected) => {
    const text = `${whole('')}${document === '' ? '' : `---\nkind: TimeSyncConfig\napiVersion: v1alpha1\n${document}\n`}`;
    const asked = needsOf({ text, version, images: [] }).destinations.filter(({ purposes }) =>
      /time/.test(purposes[0] ?? ''),
    );
    expect(printed(asked)).toEqual(expected);
    expect(asked.every(({ required }) => required)).toBe(true);
  });

  it('name servers are asked as the configuration says: plain, over TLS, over HTTPS', () => {
    const text = `${whole('')}---
apiVersion: v1alpha1
kind: ResolverConfig
nameservers:
  - {address: 10.0.0.1}
  - {address: 10.0.0.2, protocol: DoT, tlsServerName: dns.site}
  - {address: 'fd00::3', protocol: DoH, tlsServerName: dns.site}
`;
    const found = needsOf({ text, version: 'v1.14.4', images: [] }).destinations;
    expect(printed(found.filter(({ purposes }) => purposes[0]?.startsWith('names')))).toEqual([
      '10.0.0.1 53/tcp',
      '10.0.0.1 53/udp',
      '10.0.0.2 853/tcp',
      'fd00::3 443/tcp',
    ]);
  });

  it('a patch leaves discovery on, a whole configuration that says nothing has it off', () => {
    const hostsOf = (text: string) => needsOf({ text, images: [] }).destinations.map(({ host }) => host);
    expect(hostsOf('machine: {}')).toContain('discovery.talos.dev');
    expect(hostsOf(whole(''))).not.toContain('discovery.talos.dev');
    // What `emit --no-discovery` writes for 1.14, read without the configuration it is for.
    expect(
      hostsOf('apiVersion: v1alpha1\nkind: DiscoveryServiceConfig\nname: default\n$patch: delete\n'),
    ).not.toContain('discovery.talos.dev');
    const own =
      'cluster:\n  discovery:\n    enabled: true\n    registries:\n      service:\n        endpoint: https://discovery.site:3000\n';
    expect(printed(needsOf({ text: whole(own), images: [] }).destinations)).toContain('discovery.site 3000/tcp');
  });

  it('a clock of the hypervisor is no host, and without time sync nobody is asked', () => {
    const withTime = (time: string) => needsOf({ text: whole(`  time: ${time}\n`), images: [] }).destinations;
    expect(withTime('{servers: [/dev/ptp0]}').filter(({ speaks }) => speaks === 'ntp')).toEqual([]);
    expect(withTime('{disabled: true}').filter(({ speaks }) => speaks === 'ntp')).toEqual([]);
  });

  it('keyless verification needs the trust root, for the images it matches alone', () => {
    const rule = (pattern: string) =>
      `${closed}---\napiVersion: v1alpha1\nkind: ImageVerificationConfig\nrules:\n  - image: ${pattern}\n    keyless:\n      issuer: https://accounts.google.com\n      subject: a@b.example\n`;
    const tuf = (pattern: string, asked = images) =>
      needsOf({ text: rule(pattern), images: asked }).destinations.filter(
        ({ host }) => host === 'tuf-repo-cdn.sigstore.dev',
      );
    expect(tuf('ghcr.io/siderolabs/*').map(({ required }) => required)).toEqual([true]);
    expect(tuf('quay.io/*')).toEqual([]);
    // Where no image is named, whatever nodes pull may match.
    expect(tuf('quay.io/*', [])).toHaveLength(1);
  });

  it('keeps host and port of what else is configured, and no token', () => {
    const more = `  env:
    https_proxy: http://user:secret@proxy.site:3128
  network:
    interfaces:
      - interface: wg1
        wireguard: {privateKey: secret, peers: [{publicKey: c, endpoint: '10.0.0.10:5181'}]}
  logging:
    destinations:
      - endpoint: udp://10.0.0.9:5514/
        format: json_lines
cluster:
  extraManifests: ['https://manifests.site/cni.yaml?token=secret']
---
apiVersion: v1alpha1
kind: SideroLinkConfig
apiUrl: https://omni.site:8090?jointoken=secret
---
apiVersion: v1alpha1
kind: EventSinkConfig
endpoint: 10.0.0.9:3247
---
apiVersion: v1alpha1
kind: HTTPProbeConfig
name: out
url: https://user:secret@probe.site/x?key=secret
---
apiVersion: v1alpha1
kind: WireguardConfig
name: wg0
privateKey: secret
peers: [{publicKey: a, presharedKey: secret, endpoint: "[fd00::7]:5180"}, {publicKey: b}]
---
apiVersion: v1alpha1
kind: VolumeConfig
name: STATE
encryption: {provider: luks2, keys: [{slot: 0, static: {passphrase: secret}}, {slot: 1, kms: {endpoint: grpc://kms.site}}]}
---
apiVersion: v1alpha1
kind: KubeClusterConfig
endpoint: https://api.site:6443
`;
    const needs = needsOf({ text: whole(more), images: [] });
    expect(printed(needs.destinations)).toEqual(
      expect.arrayContaining([
        'proxy.site 3128/tcp',
        '10.0.0.9 5514/udp',
        'manifests.site 443/tcp',
        'omni.site 8090/tcp',
        '10.0.0.9 3247/tcp',
        'probe.site 443/tcp',
        'fd00::7 5180/udp',
        '10.0.0.10 5181/udp',
        'kms.site 443/tcp',
        'api.site 6443/tcp optional',
      ]),
    );
    expect(JSON.stringify(needs)).not.toContain('secret');
    const spoken = new Map(needs.destinations.map(({ host, speaks }) => [host, speaks]));
    expect(['fd00::7', 'omni.site', 'kms.site'].map((host) => spoken.get(host))).toEqual(['wireguard', 'tcp', 'tcp']);
  });

  it('says what else is to be known of proxies, tunnels and registries nobody wrote about', () => {
    const proxied = needsOf({ text: whole('  env: {HTTP_PROXY: proxy.site:3128}\n'), images: [] });
    expect(printed(proxied.destinations)).toContain('proxy.site 3128/tcp');
    expect(proxied.notes?.join()).toContain('NO_PROXY');
    const linked = 'apiVersion: v1alpha1\nkind: SideroLinkConfig\napiUrl: grpc://omni.site?jointoken=secret\n';
    const { destinations, notes } = needsOf({ text: linked, images: [] });
    expect(printed(destinations)).toContain('omni.site 443/tcp');
    expect(destinations.find(({ host }) => host === 'omni.site')?.speaks).toBe('https');
    expect(notes?.join()).toContain('the UDP port of SideroLink');
    const unknown = needsOf({ text: whole(''), images: [parseReference('registry.example:5000/a:1')] });
    expect(unknown.notes?.join()).toContain('registry.example:5000: whether it has its token service');
  });

  it.each([
    ['machine.env', whole('  env: {https_proxy: "http://p.site."}\n'), 'p.site 80/tcp'],
    ['a proxy without scheme and port', whole('  env: {https_proxy: p_1.site}\n'), 'p_1.site 80/tcp'],
    ['a SOCKS proxy', whole('  env: {https_proxy: "socks5://p.site"}\n'), 'p.site 1080/tcp'],
    [
      'EnvironmentConfig',
      'kind: EnvironmentConfig\nvariables: {HTTPS_PROXY: "http://p.site:3128"}\n',
      'p.site 3128/tcp',
    ],
    ['KmsgLogConfig', 'kind: KmsgLogConfig\nname: a\nurl: udp://[fd00::9]:514/\n', 'fd00::9 514/udp'],
    ['TCPProbeConfig', 'kind: TCPProbeConfig\nname: a\nendpoint: probe.site:53\n', 'probe.site 53/tcp'],
    ...['SwapVolumeConfig', 'UserVolumeConfig', 'RawVolumeConfig'].map((kind) => [
      kind,
      `kind: ${kind}\nname: a\nencryption: {keys: [{kms: {endpoint: "https://kms.site"}}]}\n`,
      'kms.site 443/tcp',
    ]),
    [
      'systemDiskEncryption',
      whole('  systemDiskEncryption: {state: {keys: [{kms: {endpoint: "kms.site:4050"}}]}}\n'),
      'kms.site 4050/tcp',
    ],
    [
      'own discovery',
      'kind: DiscoveryServiceConfig\nname: a\nendpoint: grpc://discovery.site:3000\n',
      'discovery.site 3000/tcp',
    ],
  ])('%s names a host', (_what, text, expected) => {
    const whatever = text.startsWith('kind') ? `apiVersion: v1alpha1\n${text}` : text;
    expect(printed(needsOf({ text: whatever, version: 'v1.14.4', images: [] }).destinations)).toContain(expected);
  });

  it.each(['no-port.site', ':514', 'host.site:0', 'host.site:70000', 'http://'])(
    'an endpoint %j names none',
    (endpoint) => {
      const text = whole(`  logging: {destinations: [{endpoint: ${JSON.stringify(endpoint)}, format: json_lines}]}\n`);
      expect(needsOf({ text, images: [] }).destinations.filter(({ purposes }) => purposes[0] === 'logs')).toEqual([]);
    },
  );

  it('registries behind the image cache of the node are asked themselves where there is no mirror', () => {
    const text = whole('  features: {imageCache: {localEnabled: true}}\n');
    const found = needsOf({ text }).destinations.filter(({ host }) => host === 'ghcr.io' || host === 'registry.k8s.io');
    expect(found.map(({ required }) => required)).toEqual([true, true]);
  });

  it('what a node asks of itself meets no firewall', () => {
    const cached = closed.replace('http://10.5.0.1:6000', 'http://127.0.0.1:5000');
    const { destinations, notes } = needsOf({ text: cached });
    expect(destinations.filter(({ isRegistry }) => isRegistry)).toEqual([]);
    expect(notes).toContain('127.0.0.1:5000 is a node itself: no firewall is on the way');
  });
});
