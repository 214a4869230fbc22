/** Passwords and tokens that a job comes with stand in nothing that it prints or writes, and a list is made without a packet. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firewallLanguages } from '../../../src/egress/firewall/languages.ts';
import { printers } from '../../../src/egress/print/printers.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

/** Every planted text has this in it, in whatever case it comes back. */
const planted = /planted|cGxhbnRlZ/i;

const config = `version: v1alpha1
machine:
  type: controlplane
  token: planted-token
  ca: {crt: cGxhbnRlZA==, key: cGxhbnRlZA==}
  network: {nameservers: [10.0.0.2, "planted@10.0.0.3"]}
  time: {servers: [10.0.0.1, "user:planted@ntp.site"]}
  env:
    https_proxy: http://user:planted@proxy.site:3128
    http_proxy: http://user:planted/slash@proxy.site:3128
  logging: {destinations: [{endpoint: "tcp://planted@logs.site:514/?token=planted", format: json_lines}]}
  registries:
    mirrors:
      ghcr.io: {endpoints: ["https://user:planted@mirror.site/?sig=planted"], skipFallback: true}
    config:
      mirror.site: {auth: {username: user, password: planted, identityToken: planted}}
cluster:
  controlPlane: {endpoint: "https://user:planted@api.site:6443/?x=planted"}
  discovery: {enabled: true, registries: {service: {endpoint: "https://user:planted@disc.site/?k=planted#planted"}}}
  extraManifests: ["https://user:planted@manifests.site/a.yaml?token=planted"]
---
apiVersion: v1alpha1
kind: SideroLinkConfig
apiUrl: grpc://omni.site:8090?jointoken=planted
---
apiVersion: v1alpha1
kind: KmsgLogConfig
name: remote
url: tcp://user:planted@kmsg.site:3478/?x=planted
---
apiVersion: v1alpha1
kind: EventSinkConfig
endpoint: planted@events.site:8080
`;

let folder: WorkFolder;
let server: Server;
let connections: number;
let env: Record<string, string>;

beforeEach(async () => {
  folder = workFolder();
  folder.write('node.yaml', config);
  connections = 0;
  server = createServer((socket) => {
    connections += 1;
    socket
      .on('error', () => {})
      .resume()
      .end('HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="\u001b[31mplanted"\r\n\r\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = `http://user:planted@127.0.0.1:${port()}`;
  const passwords = ['FROM', 'TO', 'ENDPOINT'].map((end) => [`AIRGAP_${end}_PASSWORD`, 'planted']);
  env = { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, AIRGAP_DEBUG: '1', ...Object.fromEntries(passwords) };
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  folder.remove();
});

function port(): number {
  return (server.address() as AddressInfo).port;
}

function egress(...more: readonly string[]) {
  const job = ['ghcr.io/siderolabs/kubelet:v1.37.1', '--to', `https://127.0.0.1:${port()}`, '--config', 'node.yaml'];
  return folder.airgap(['egress', ...more, ...job, '--resolver', '127.0.0.1:9'], { env });
}

describe('secrets of a job', () => {
  const forms = [...printers, ...firewallLanguages].map(({ name }) => name);

  it.each(forms)('are not in --format %s, and nobody is asked', async (form) => {
    const { stdout, stderr } = await egress('--format', form, '--output-dir', 'made', '--address', 'nodes=10.5.0.0/24');
    expect(stdout + stderr).not.toMatch(planted);
    expect(connections).toBe(0);
    // Without addresses there is nothing to write.
    if (form === 'network-policy') return;
    const made = folder.file('made');
    for (const name of readdirSync(made)) expect(readFileSync(`${made}/${name}`, 'utf8'), name).not.toMatch(planted);
  });

  it.each([['--json'], []])('are not in what a check or a look-up says, nor in its errors', async (...json) => {
    const checked = await egress('check', '--connect-timeout', '300ms', ...json.filter(Boolean));
    const resolved = await egress('resolve', '--connect-timeout', '300ms', ...json.filter(Boolean));
    expect(connections).toBeGreaterThan(0);
    for (const { status, stdout, stderr } of [checked, resolved]) {
      expect(status).toBeGreaterThan(2);
      expect(stdout + stderr).not.toMatch(planted);
      expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    }
  });

  const urls = [
    'user:planted@host.site/?q=planted',
    'user:pa/planted@host.site',
    'host.site/?q=planted',
    'host.site/#planted',
  ];
  it.each(['--discovery', '--endpoint', '--to', '--from', '--source-endpoint'])(
    'are not in what is said of %s',
    async (option) => {
      for (const url of urls) {
        const value = `${option === '--source-endpoint' ? 'ghcr.io=' : ''}https://${url}`;
        const { status, stdout, stderr } = await egress(option, value, '--role', 'nodes');
        expect([0, 2]).toContain(status);
        expect(stdout + stderr, value).not.toMatch(planted);
      }
    },
  );

  it('names of files move no cursor either', async () => {
    const { status, stderr } = await egress('--format', 'list', '--output', 'a\u001b[31m\nb', '--no-optional');
    expect(status).toBe(0);
    expect(stderr).toContain('wrote a\\x1b[31m\\x0ab\n');
    expect(stderr).not.toMatch(/[^\P{Cc}\n]/u);
  });
});
