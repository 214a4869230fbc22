/** The `containerd` format before Debian's containerd 1.6: it pulls by the upstream's name, and asks nobody else. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emitFormat } from '../../src/emit/formats/formats.ts';
import type { NodeSettings } from '../../src/emit/node-settings.ts';
import type { EndpointTls } from '../../src/talos/node-config.ts';
import type { NodeEndpoint, NodeMirror } from '../../src/talos/node-mirrors.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import { type Certificates, makeCertificates } from './support/certificates.ts';
import { type Containerd, startContainerd } from './support/containerd.ts';
import { type DockerRegistry, startDockerRegistry } from './support/dockerRegistry.ts';
import { missing, titled } from './support/programs.ts';
import { seedRegistry } from './support/seededRegistry.ts';
import { copyAll } from './support/skopeo.ts';

const reason = missing('docker-registry', 'skopeo', 'containerd', 'ctr', 'openssl');
const pause = 'registry.k8s.io/pause:3.10';
/** How containerd says that it went for the registry itself: the proxy of its surroundings refuses everything. */
const wentUpstream = 'proxyconnect';

const plain = (url: string): NodeEndpoint => ({ url, overridePath: false });
const asWritten = (url: string): NodeEndpoint => ({ url, overridePath: true });

describe.skipIf(reason !== undefined)(titled('containerd with the tree of the containerd format', reason), () => {
  let registry: DockerRegistry;
  let secure: DockerRegistry;
  let closed: Server;
  let closedUrl: string;
  let empty: DockerRegistry;
  let containerd: Containerd;
  let certificates: Certificates;
  let folder: string;
  let ca: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-formats-'));
    certificates = await makeCertificates();
    ca = await readFile(certificates.ca, 'utf8');
    registry = await startDockerRegistry();
    await seedRegistry(registry);
    await copyAll(`docker://${registry.host}/pause:3.10`, `docker://${registry.host}/m/registry.k8s.io/pause:3.10`);
    secure = await startDockerRegistry({ tls: certificates, storage: registry.storage });
    empty = await startDockerRegistry();
    closed = await startForClients(certificates, registry.url);
    closedUrl = `https://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    containerd = await startContainerd();
  });
  afterAll(async () => {
    closed?.close();
    await Promise.all([registry?.stop(), secure?.stop(), empty?.stop(), containerd?.stop()]);
    await rm(folder, { recursive: true, force: true });
    await rm(certificates?.folder ?? folder, { recursive: true, force: true });
  });

  async function pull(
    endpoints: readonly NodeEndpoint[],
    more: Partial<NodeMirror> & { tls?: Record<string, EndpointTls> } = {},
  ) {
    const { tls = {}, ...mirror } = more;
    const settings: NodeSettings = { tls: new Map(Object.entries(tls)) };
    const mirrors = [{ registry: '*', endpoints, skipFallback: true, ...mirror }];
    const output = emitFormat('containerd', { mirrors, version: parseTalosVersion('v1.14.4'), settings, talos: [] });
    const node = await mkdtemp(join(folder, 'node-'));
    for (const file of [...output.files, ...output.secrets]) {
      await mkdir(dirname(join(node, file.path)), { recursive: true });
      await writeFile(join(node, file.path), file.text);
    }
    await containerd.forget();
    return containerd.pull(pause, join(node, 'certs.d'));
  }
  const host = (url: string) => new URL(url).host;

  it('pulls from one endpoint for every registry', async () => {
    expect(await pull([plain(registry.url)])).toMatchObject({ status: 0 });
  });

  it('pulls from the mirror of the registry itself, and of a name with a port', async () => {
    expect(await pull([plain(registry.url)], { registry: 'registry.k8s.io' })).toMatchObject({ status: 0 });
    expect(await pull([plain(registry.url)], { registry: 'registry.k8s.io:443' })).toMatchObject({ status: 1 });
  });

  it('pulls from below a prefix, whose path is taken as it is written', async () => {
    expect(await pull([asWritten(`${registry.url}/v2/m/registry.k8s.io`)])).toMatchObject({ status: 0 });
    await registry.forget();
    expect(await pull([plain(`${registry.url}/m/registry.k8s.io`)])).toMatchObject({ status: 1 });
    const asked = (await registry.log()).map(({ path }) => path);
    expect(asked.every((path) => path.startsWith('/m/registry.k8s.io/v2/pause/manifests/'))).toBe(true);
  });

  it('goes on to the second endpoint when the first has nothing', async () => {
    await empty.forget();
    expect(await pull([plain(empty.url), plain(registry.url)])).toMatchObject({ status: 0 });
    expect((await empty.log()).some(({ path }) => path.includes('/v2/pause/manifests/3.10'))).toBe(true);
  });

  it('asks nobody else without fallback, and upstream with it', async () => {
    const alone = await pull([plain(empty.url)]);
    expect(alone.status).toBe(1);
    expect(alone.stderr).not.toContain(wentUpstream);
    const two = await pull([plain(empty.url), asWritten(`${empty.url}/v2/other`)]);
    expect(two.stderr).not.toContain(wentUpstream);
    const open = await pull([plain(empty.url)], { skipFallback: false });
    expect(open.status).toBe(1);
    expect(open.stderr).toContain(wentUpstream);
  });

  it('trusts the authority that is named, for this endpoint alone', async () => {
    const settings = { [host(secure.url)]: { ca } };
    expect(await pull([plain(secure.url)], { tls: settings })).toMatchObject({ status: 0 });
    expect(
      await pull([plain(secure.url)], { tls: { [host(secure.url)]: { insecureSkipVerify: true } } }),
    ).toMatchObject({ status: 0 });
    const other = await pull([plain(secure.url)], { tls: { 'registry.test': { ca } } });
    expect(other.status).toBe(1);
    expect(other.stderr).toContain('certificate');
    const last = await pull([plain(empty.url), plain(secure.url)], { tls: settings });
    expect(last).toMatchObject({ status: 0 });
  });

  it('shows its certificate where the endpoint asks for one', async () => {
    const [clientCertificate, clientKey] = await Promise.all(
      [certificates.certificate, certificates.key].map((path) => readFile(path, 'utf8')),
    );
    const known = { [host(closedUrl)]: { ca, clientCertificate, clientKey } };
    const pulled = await pull([plain(closedUrl)], { tls: known });
    expect(pulled, pulled.stderr).toMatchObject({ status: 0 });
    expect(await pull([plain(closedUrl)], { tls: { [host(closedUrl)]: { ca } } })).toMatchObject({ status: 1 });
  });

  it('asks an IPv6 address as the only endpoint', async () => {
    const run = await pull([plain('http://[::1]:9')]);
    expect(run.stderr).toContain('[::1]:9');
    expect(run.stderr).not.toContain(wentUpstream);
  });
});

/** The registry for those who show a certificate of the authority. */
async function startForClients(certificates: Certificates, url: string): Promise<Server> {
  const [ca, cert, key] = await Promise.all(
    [certificates.ca, certificates.certificate, certificates.key].map((path) => readFile(path)),
  );
  const server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    void fetch(`${url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { accept: request.headers.accept ?? '*/*' },
    })
      .then(async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(Buffer.from(await answer.arrayBuffer()));
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
