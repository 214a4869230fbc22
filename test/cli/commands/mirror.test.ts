import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { type RunningServer, type ServedRequest, serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import type { Target } from '../../../src/store/store.ts';
import { seedCosignTag } from '../../support/seedAttached.ts';
import { seedImage } from '../../support/seedImages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

const pause = 'registry.k8s.io/pause:3.10';
const kubelet = 'ghcr.io/siderolabs/kubelet:v1.37.1';

let upstreamStore: Target;
let upstream: RunningServer;
const asked: ServedRequest[] = [];

beforeAll(async () => {
  upstreamStore = openMemory();
  await seedImage(upstreamStore, pause, { platforms: ['linux/amd64', 'linux/arm64'] });
  const signed = await seedImage(upstreamStore, kubelet, {
    platforms: ['linux/amd64', 'linux/arm64'],
    layers: ['base', 'kubelet {platform}'],
  });
  await seedCosignTag(upstreamStore, signed);
  await seedImage(upstreamStore, 'ghcr.io/siderolabs/flannel:1', { layers: ['base', 'flannel'] });
  upstream = await serveStore(upstreamStore, { onRequest: (request) => void asked.push(request) });
});

afterAll(() => upstream.close());

let folder: WorkFolder;
let registry: RunningServer;
const written: ServedRequest[] = [];

beforeEach(async () => {
  folder = workFolder();
  asked.length = 0;
  written.length = 0;
  registry = await serveStore(openMemory(), { writable: true, onRequest: (request) => void written.push(request) });
});

afterEach(async () => {
  folder.remove();
  await registry.close();
});

const from = () => ['--source-endpoint', `*=${upstream.url}`];
const to = () => ['--to', registry.url];
const writes = () => written.filter(({ method }) => method !== 'GET' && method !== 'HEAD');

describe('airgap mirror', () => {
  it('mirrors lists and references, writes lock and patch, and says what to do next', async () => {
    folder.write('images.txt', `# for the nodes\n${kubelet}\n`);
    const ran = await folder.airgap(['mirror', 'images.txt', pause, ...from(), ...to()]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(ran.stdout).toMatch(/^IMAGE +TARGET +SIZE +PLATFORMS +STATE$/m);
    expect(ran.stdout).toMatch(/^complete {2}ghcr\.io\/siderolabs\/kubelet:v1\.37\.1/m);
    expect(ran.stdout).toMatch(/^images +2 complete$/m);
    expect(ran.stdout).toContain('talosctl patch machineconfig --nodes NODE --patch @airgap-talos.yaml');
    const lock = parseLock(folder.read('airgap.lock'), 'airgap.lock');
    expect(lock.images.map(({ origins }) => origins)).toEqual([['images.txt:2'], ['argument']]);
    expect(lock.mirrors).toEqual([{ registry: '*', endpoint: registry.url, pathPrefix: '' }]);
    expect(folder.read('airgap-talos.yaml')).toContain(`- url: ${registry.url}`);
    expect(folder.read('airgap-talos.yaml')).toContain('--patch @airgap-talos.yaml');
    const answer = await fetch(`${registry.url}/v2/siderolabs/kubelet/manifests/v1.37.1`, { method: 'HEAD' });
    expect(answer.headers.get('docker-content-digest')).toBe(lock.images[0]?.digest);
    expect(readdirSync(folder.path).sort()).toEqual(['airgap-talos.yaml', 'airgap.lock', 'images.txt']);
  });

  it('copies nothing the second time, and writes the same lock', async () => {
    await folder.airgap(['mirror', kubelet, pause, ...from(), ...to()]);
    const lock = folder.read('airgap.lock');
    asked.length = 0;
    written.length = 0;
    const ran = await folder.airgap(['mirror', kubelet, pause, ...from(), ...to()]);
    expect([ran.status, writes()]).toEqual([0, []]);
    expect(asked.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    expect(ran.stdout).toMatch(/^unchanged +registry\.k8s\.io\/pause:3\.10/m);
    expect(folder.read('airgap.lock')).toBe(lock);
  });

  it('takes a list from standard input, by name or when nothing is named', async () => {
    for (const inputs of [['-'], []]) {
      const ran = await folder.airgap(['mirror', ...inputs, ...from(), ...to(), '--dry-run'], {
        stdin: `\ufeff${pause}\r\n`,
      });
      expect([ran.status, ran.stdout]).toEqual([0, expect.stringContaining(pause)]);
    }
  });

  it('writes nothing anywhere with --dry-run', async () => {
    const ran = await folder.airgap(['mirror', kubelet, ...from(), ...to(), '--dry-run']);
    expect([ran.status, writes(), readdirSync(folder.path)]).toEqual([0, [], []]);
    expect(ran.stdout).toContain('Dry run: nothing was written.');
    const layout = await folder.airgap(['mirror', kubelet, ...from(), '--dry-run']);
    expect([layout.status, readdirSync(folder.path)]).toEqual([0, []]);
  });

  it('goes into a layout directory without --to, says so, and names the way from there', async () => {
    const ran = await folder.airgap(['mirror', pause, ...from()]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('no --to was given')]);
    expect(existsSync(folder.file('airgap-mirror/oci-layout'))).toBe(true);
    expect(existsSync(folder.file('airgap-talos.yaml'))).toBe(false);
    expect(ran.stdout).toContain('airgap serve airgap-mirror');
    expect(ran.stdout).toContain('airgap emit --endpoint http://ADDRESS:6000');
  });

  it('carries a layout into a registry, by its lock or whole', async () => {
    await folder.airgap(['mirror', kubelet, pause, ...from(), '--lock', 'carried.lock']);
    const byLock = await folder.airgap(['mirror', 'carried.lock', '--from', 'oci:airgap-mirror', ...to()]);
    expect([byLock.status, byLock.stdout]).toEqual([0, expect.stringMatching(/^images +2 complete$/m)]);
    const whole = await folder.airgap([
      'mirror',
      '--from',
      'oci:airgap-mirror',
      '--to',
      `${registry.url}/again`,
      '--lock',
      'again.lock',
    ]);
    expect([whole.status, whole.stdout]).toEqual([0, expect.stringMatching(/^images +2 complete$/m)]);
    expect((await fetch(`${registry.url}/v2/again/siderolabs/kubelet/manifests/v1.37.1`)).status).toBe(200);
  });

  it('finds plain HTTP on a loopback target by itself, and says so', async () => {
    const ran = await folder.airgap(['mirror', pause, ...from(), '--to', registry.host]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('plain HTTP')]);
    expect(folder.read('airgap-talos.yaml')).toContain(`http://${registry.host}`);
  });

  it('keeps registries apart with --prefix-by-registry', async () => {
    const ran = await folder.airgap([
      'mirror',
      pause,
      ...from(),
      '--to',
      `${registry.url}/mirror`,
      '--prefix-by-registry',
      '--talos-version',
      'v1.11.6',
    ]);
    expect(ran.status).toBe(0);
    expect((await fetch(`${registry.url}/v2/mirror/registry.k8s.io/pause/manifests/3.10`)).status).toBe(200);
    expect(folder.read('airgap-talos.yaml')).toContain(`${registry.url}/v2/mirror/registry.k8s.io`);
    expect((await folder.airgap(['verify'])).status).toBe(0);
  });
});

describe('airgap mirror when something fails', () => {
  it('goes on with the others, lists what failed, and ends with 6', async () => {
    folder.write('images.txt', `${pause}\nghcr.io/siderolabs/missing:1\n`);
    const ran = await folder.airgap(['mirror', 'images.txt', ...from(), ...to(), '--failed-list', 'failed.txt']);
    expect(ran.status).toBe(6);
    expect(ran.stderr).toMatch(/^error: Cannot .*missing/m);
    expect(ran.stderr).toContain('asked by: images.txt:2');
    expect(folder.read('failed.txt')).toMatch(/^# Cannot .*\nghcr\.io\/siderolabs\/missing:1\n$/);
    expect(parseLock(folder.read('airgap.lock'), 'l').images).toHaveLength(1);
    expect((await folder.airgap(['mirror', 'failed.txt', ...from(), ...to(), '--lock', 'other.lock'])).status).toBe(3);
  });

  it('writes no lock and no patch when nothing stands, and ends with 3 when all failed at the source', async () => {
    const ran = await folder.airgap(['mirror', 'ghcr.io/a/missing:1', 'ghcr.io/b/missing:2', ...from(), ...to()]);
    expect([ran.status, readdirSync(folder.path)]).toEqual([3, []]);
    expect(ran.stdout).toContain('No image stands');
  });

  it('ends with 3 when the source cannot be reached', async () => {
    const ran = await folder.airgap([
      'mirror',
      pause,
      '--source-endpoint',
      `*=http://127.0.0.1:${await closedPort()}`,
      ...to(),
      '--retries',
      '0',
    ]);
    expect([ran.status, ran.stderr]).toEqual([3, expect.stringMatching(/^error: /m)]);
  });

  it('ends with 4 when the target cannot be reached', async () => {
    const ran = await folder.airgap([
      'mirror',
      pause,
      ...from(),
      '--to',
      `127.0.0.1:${await closedPort()}`,
      '--retries',
      '0',
    ]);
    expect([ran.status, ran.stderr]).toEqual([4, expect.stringContaining('over HTTPS or HTTP')]);
  });

  it('refuses two references that would meet in one place, before anything is written', async () => {
    await seedImage(upstreamStore, 'quay.io/siderolabs/kubelet:v1.37.1', { layers: ['another'] });
    const apart = ['ghcr.io', 'quay.io'].flatMap((name) => ['--source-endpoint', `${name}=${upstream.url}/${name}`]);
    const ran = await folder.airgap(['mirror', kubelet, 'quay.io/siderolabs/kubelet:v1.37.1', ...apart, ...to()]);
    expect([ran.status, writes()]).toEqual([2, []]);
    expect(ran.stderr).toContain('hint:');
  });

  it('ends with 130 when it is interrupted, and leaves the earlier lock alone', async () => {
    folder.write('images.txt', `${pause}\n`);
    const controller = new AbortController();
    const { AirgapError } = await import('../../../src/errors.ts');
    controller.abort(new AirgapError('ERR_INTERRUPTED', 'Cannot go on: interrupted by SIGINT'));
    const ran = await folder.airgap(['mirror', 'images.txt', ...from(), ...to()], { signal: controller.signal });
    expect([ran.status, ran.stderr]).toEqual([130, 'error: Cannot go on: interrupted by SIGINT\n']);
    expect(existsSync(folder.file('airgap.lock'))).toBe(false);
  });

  it('ends when --timeout is over', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const ran = await folder.airgap([
      'mirror',
      pause,
      '--source-endpoint',
      `*=http://127.0.0.1:${port}`,
      ...to(),
      '--timeout',
      '200ms',
    ]);
    silent.close();
    expect([ran.status, ran.stderr]).toEqual([3, expect.stringContaining('took longer than 0.2 s')]);
  });
});

describe('airgap mirror --json', () => {
  it('prints JSON lines and nothing else, the result last', async () => {
    const ran = await folder.airgap(['mirror', pause, 'ghcr.io/a/missing:1', ...from(), ...to(), '--json']);
    const lines = ran.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.every(({ type }) => typeof type === 'string')).toBe(true);
    expect(lines.at(-1)).toMatchObject({
      type: 'result',
      exitCode: 6,
      images: [
        { source: pause, status: 'complete' },
        { source: 'ghcr.io/a/missing:1', status: 'failed', error: { code: 'ERR_NOT_FOUND' } },
      ],
    });
  });

  it('ends with a result that holds the error', async () => {
    const ran = await folder.airgap(['mirror', 'missing.txt', ...to(), '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ type: 'result', exitCode: 2, error: { code: 'ERR_INPUT_INVALID' } });
    expect(ran.stderr).toContain('file not found');
  });
});

describe('airgap mirror --quiet', () => {
  it('prints errors and nothing else', async () => {
    const good = await folder.airgap(['mirror', pause, ...from(), ...to(), '--quiet']);
    expect([good.status, good.stdout, good.stderr]).toEqual([0, '', '']);
    const bad = await folder.airgap(['mirror', 'ghcr.io/a/missing:1', ...from(), ...to(), '--quiet']);
    expect([bad.status, bad.stdout, bad.stderr]).toEqual([3, '', expect.stringMatching(/^error: /)]);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
