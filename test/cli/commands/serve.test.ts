import { createHash, generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { basename } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../../src/certificates/certificate.ts';
import { signerFrom } from '../../../src/store/bundle/signature.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import { packSet, writeVolumes } from '../../support/packedSet.ts';
import { seedCosignTag, seedReferrer } from '../../support/seedAttached.ts';
import { seedImage } from '../../support/seedImages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';
import { freePort, pause, pausePath, type Running, seedLayout, serving } from '../serving/serving.ts';

let folder: WorkFolder;
let running: Running | undefined;
beforeEach(() => {
  folder = workFolder();
});
afterEach(async () => {
  await running?.end();
  running = undefined;
  folder.remove();
});

const serve = async (args: readonly string[] = [], options: Parameters<typeof serving>[2] = {}) => {
  running = await serving(folder, args, options);
  return running;
};
const refused = (...args: string[]) => folder.airgap(['serve', ...args]);

describe('airgap serve', () => {
  it('serves ./airgap-mirror until it is interrupted, logs requests, and ends with 0', async () => {
    await seedLayout(folder);
    const server = await serve(['--log']);
    const answer = await server.ask(pausePath);
    const page = await server.ask('/');
    const ran = await server.end();
    expect([answer.status, page.status, page.headers['content-type'], ran.status]).toEqual([
      200,
      200,
      expect.stringContaining('text/html'),
      0,
    ]);
    expect(ran.stdout).toMatch(/^serving oci:airgap-mirror: 2 images, 2 registries, [\d.]+ kB\n/);
    expect(ran.stdout).toContain(`  http://127.0.0.1:${server.port}    a page`);
    expect(ran.stdout).toContain('everybody may read; nobody may write');
    expect(ran.stderr).toMatch(/ GET "\/v2\/pause\/manifests\/3\.10\?ns=registry\.k8s\.io" 200 \d+ \d+ms /);
  });

  it('counts what stands for itself: no signature, no attestation', async () => {
    const store = await openLayout(folder.file('airgap-mirror'), { create: true });
    const image = await seedImage(store, pause);
    await seedReferrer(store, image);
    await seedCosignTag(store, image);
    await store.close();
    const ran = await (await serve()).end();
    expect(ran.stdout).toMatch(/^serving oci:airgap-mirror: 1 image, /);
  });

  it('writes no configuration for this machine alone, and says how nodes reach it', async () => {
    await seedLayout(folder);
    const server = await serve();
    const ran = await server.end();
    expect(existsSync(folder.file('airgap-serve-talos.yaml'))).toBe(false);
    expect(ran.stdout).toContain('nodes cannot reach this address');
    expect(ran.stdout).toContain(`airgap serve oci:airgap-mirror --listen :${server.port}`);
  });

  it('writes the configuration for the endpoint and the release, and tells programs everything in one line', async () => {
    await seedLayout(folder);
    const endpoint = ['--endpoint', 'http://10.5.0.1:6000'];
    const server = await serve(['oci:airgap-mirror', ...endpoint, '--talos', 'v1.11.6', '--json', '--log']);
    await server.ask('/v2/');
    const ran = await server.end();
    expect(JSON.parse(ran.stdout)).toMatchObject({
      type: 'serving',
      place: 'oci:airgap-mirror',
      kind: 'layout',
      images: 2,
      urls: [`http://127.0.0.1:${server.port}`],
      endpoints: ['http://10.5.0.1:6000'],
      access: 'everybody',
      patch: folder.file('airgap-serve-talos.yaml'),
      talos: 'v1.11.6',
    });
    expect(JSON.parse(ran.stderr.split('\n')[1] ?? '')).toMatchObject({ type: 'request', path: '/v2/', status: 200 });
    const patch = folder.read('airgap-serve-talos.yaml');
    expect(patch).toMatch(/mirrors:\n +'\*':\n +endpoints:\n +- http:\/\/10\.5\.0\.1:6000\n/);
    expect(patch).toContain('--patch @airgap-serve-talos.yaml');
  });

  it('goes on with a warning where the configuration cannot be written, and writes none with --no-patch', async () => {
    await seedLayout(folder);
    folder.write('file', '');
    const server = await serve(['--endpoint', 'http://10.5.0.1:6000', '--patch', 'file/talos.yaml']);
    expect((await server.ask('/v2/')).status).toBe(200);
    expect((await server.end()).stderr).toMatch(/warning: Cannot write ".*talos\.yaml": .*not a folder; --patch FILE/);
    const second = await serve(['--endpoint', 'http://10.5.0.1:6000', '--no-patch', '--quiet']);
    expect(await second.end()).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(folder.file('airgap-serve-talos.yaml'))).toBe(false);
  });

  it('listens on every address where it is told to', async () => {
    await seedLayout(folder);
    const server = await serve(['--json', '--no-patch'], { host: '' });
    expect((await server.ask('/v2/')).status).toBe(200);
    const { urls, endpoints } = JSON.parse((await server.end()).stdout) as Record<string, string[]>;
    expect(urls).toEqual([...(endpoints ?? []), `http://127.0.0.1:${server.port}`]);
  });

  it('lets an answer end that is under way when it is interrupted, and takes nothing new', async () => {
    const store = await openLayout(folder.file('airgap-mirror'), { create: true });
    const { blobs } = await seedImage(store, pause, { layerBytes: 30_000_000, layers: ['large'] });
    await store.close();
    const layer = blobs.find(({ size }) => size > 1_000_000);
    const server = await serve();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const path = `/v2/pause/blobs/${layer?.digest}?ns=registry.k8s.io`;
      get({ host: '127.0.0.1', port: server.port, path, agent: false }, resolve).once('error', reject);
    });
    const ending = server.end();
    await expect(server.ask('/v2/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const hash = createHash('sha256');
    for await (const chunk of response) hash.update(chunk as Buffer);
    expect(`sha256:${hash.digest('hex')}`).toBe(layer?.digest);
    expect(await ending).toMatchObject({ status: 0, stderr: 'letting 1 answer end; Ctrl-C again cuts\n' });
  });

  it('ends with 2 when the port is taken, the address is not here, or nothing is there to serve', async () => {
    await seedLayout(folder);
    const server = await serve();
    const taken = await refused('--listen', `127.0.0.1:${server.port}`);
    expect([taken.status, taken.stderr]).toEqual([2, expect.stringMatching(/taken[\s\S]*--listen :6001/)]);
    const elsewhere = await refused('--listen', `192.0.2.1:${await freePort()}`);
    expect([elsewhere.status, elsewhere.stderr]).toEqual([
      2,
      expect.stringMatching(/: this machine has no such address\n/),
    ]);
    mkdirSync(folder.file('plain'));
    folder.write('plain/x', '');
    for (const place of ['absent', 'oci:absent', 'bundle:absent.tar', 'plain', 'plain/x'])
      expect([place, (await refused(place)).status]).toEqual([place, 2]);
  });

  it.each([
    [['--tls-cert', 'x'], '--tls-key'],
    [['--tls-cert', 'x', '--tls-key', 'y', '--self-signed'], '--self-signed with --tls-cert'],
    [['--tls-name', 'x'], '--tls-name without --self-signed'],
    [['--self-signed', '--tls-name', 'a b'], '--tls-name "a b"'],
    [['--anonymous-read'], '--anonymous-read without --htpasswd'],
    [['--json', '--quiet'], '--json with --quiet'],
    [['--log-format', 'xml'], '--log-format "xml"'],
    [['--endpoint', '10.5.0.1:6000'], '--endpoint'],
    [['--talos', 'new'], 'Talos version "new"'],
    [['--verify-key', 'x'], '--verify-key with "airgap-mirror"'],
    [['--htpasswd', 'absent'], 'absent'],
  ])('refuses %j', async (args, named) => {
    await seedLayout(folder);
    const ran = await refused(...args);
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([2, '', expect.stringContaining(named)]);
  });
});

describe('airgap serve of bundles', () => {
  it('serves a file in place, and refuses to write to it', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    folder.write('site.pub', publicKey.export({ type: 'spki', format: 'pem' }).toString());
    folder.write(
      'other.pub',
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    );
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const packed = await packSet({ sign: signerFrom(key, 'key') });
    const [name = ''] = (await writeVolumes(folder.path, packed.volumes)).map((path) => basename(path));
    const server = await serve([name, '--verify-key', 'site.pub', '--json', '--endpoint', 'http://10.5.0.1:6000']);
    const [image] = packed.images;
    const { repository, registry, tag } = image?.reference ?? { repository: '', registry: '', tag: '' };
    const answer = await server.ask(`/v2/${repository}/manifests/${tag}?ns=${registry}`);
    expect([answer.status, answer.headers['docker-content-digest']]).toEqual([200, image?.root.digest]);
    expect(JSON.parse((await server.end()).stdout)).toMatchObject({
      kind: 'bundle',
      place: `bundle:${name}`,
      signature: 'verified',
    });
    const ran = await refused(`bundle:${name}`, '--writable');
    expect([ran.status, ran.stderr]).toEqual([
      2,
      expect.stringMatching(/bundle is served as it is[\s\S]*--to oci:airgap-mirror/),
    ]);
    for (const file of ['absent.pub', 'other.pub']) {
      const ran = await refused(name, '--verify-key', file);
      expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining(file)]);
    }
  });

  it('serves the volumes that are here, and names those that are not', async () => {
    const packed = await packSet({ volumeSize: 40_000, layerBytes: 70_000 });
    mkdirSync(folder.file('usb'));
    const here = packed.volumes.map(({ number }) => number).filter((number) => number !== 2);
    await writeVolumes(folder.file('usb'), packed.volumes, here);
    const server = await serve(['usb/']);
    expect((await server.ask('/v2/')).status).toBe(200);
    expect((await server.end()).stderr).toMatch(
      /warning: volume 2 of \d+ is not here: images with a layer in it cannot be pulled/,
    );
  });
});

describe('airgap serve with TLS', () => {
  it('makes an authority once, and has nodes trust it', async () => {
    await seedLayout(folder);
    const args = ['--self-signed', '--tls-name', 'registry.internal', '--endpoint', 'https://10.5.0.1:6000'];
    const first = await serve(args);
    const ca = folder.read('airgap-tls/ca.crt');
    for (const servername of ['', 'registry.internal'])
      expect((await first.ask(pausePath, { ca, servername })).status).toBe(200);
    await expect(first.ask('/v2/', { ca, servername: 'other.internal' })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    await expect(first.ask('/v2/', { ca: makeAuthority().certificate })).rejects.toThrow(/verify|issuer/);
    const told = await first.end();
    expect(told.stdout).toMatch(/made a certificate authority, airgap-tls\/ca\.crt; certificate until 20/);
    const patch = folder.read('airgap-serve-talos.yaml');
    expect(patch).toContain('kind: RegistryTLSConfig\nname: 10.5.0.1:6000\n');
    for (const line of ca.trimEnd().split('\n')) expect(patch).toContain(`    ${line}\n`);
    expect(`${patch}${told.stdout}${told.stderr}`).not.toContain('PRIVATE');
    expect((statSync(folder.file('airgap-tls/server.pem')).mode & 0o777).toString(8)).toBe('600');
    const second = await serve(args);
    expect((await second.ask(pausePath, { ca })).status).toBe(200);
    expect((await second.end()).stdout).toContain('own certificate authority, airgap-tls/ca.crt');
  });

  it('uses the certificate it is given, and says what is wrong with another', async () => {
    await seedLayout(folder);
    const authority = makeAuthority();
    const [own, other] = [1, 2].map(() => makeServerCertificate(authority, { names: ['127.0.0.1'] }));
    folder.write('tls.crt', `${own?.certificate}${authority.certificate}`);
    folder.write('tls.key', own?.key ?? '');
    folder.write('other.key', other?.key ?? '');
    const server = await serve(['--tls-cert', 'tls.crt', '--tls-key', 'tls.key']);
    expect((await server.ask(pausePath, { ca: authority.certificate })).status).toBe(200);
    await server.end();
    const ran = await refused('--tls-cert', 'tls.crt', '--tls-key', 'other.key');
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('"tls.crt" with "other.key"')]);
    const absent = await refused('--tls-cert', 'tls.crt', '--tls-key', 'absent.key');
    expect([absent.status, absent.stderr]).toEqual([2, expect.stringContaining('"absent.key": no such file')]);
  });
});

describe('airgap serve with users', () => {
  it('asks for one, warns about plain HTTP, and tells the nodes that they need one', async () => {
    await seedLayout(folder);
    folder.write('users', `ada:${hashSync('sesame', 4)}\n`);
    const server = await serve(['--htpasswd', 'users', '--endpoint', 'http://10.5.0.1:6000'], { host: '' });
    expect((await server.ask(pausePath)).status).toBe(401);
    expect((await server.ask('/')).status).toBe(401);
    expect((await server.ask(pausePath, { user: 'ada:sesame' })).status).toBe(200);
    const ran = await server.end();
    expect(ran.stdout).toContain('users alone may read; nobody may write');
    expect(ran.stderr).toMatch(/warning: passwords cross the network in the clear: add --self-signed/);
    expect(folder.read('airgap-serve-talos.yaml')).toMatch(
      /Reading needs a user: give the nodes one for 10\.5\.0\.1:6000/,
    );
  });

  it('lets users write into a new directory and everybody read', async () => {
    folder.write('users', `ada:${hashSync('sesame', 4)}\n`);
    const server = await serve(['oci:new', '--writable', '--htpasswd', 'users', '--anonymous-read']);
    const digest = `sha256:${'0'.repeat(64)}`;
    expect((await server.ask(`/v2/app/blobs/${digest}`)).status).toBe(404);
    expect((await server.ask('/v2/app/blobs/uploads/', { method: 'POST' })).status).toBe(401);
    const asAda = { method: 'POST', user: 'ada:sesame' };
    expect((await server.ask('/v2/app/blobs/uploads/', asAda)).status).toBe(202);
    expect((await server.end()).stdout).toContain('everybody may read, users may write');
    expect(JSON.parse(readFileSync(folder.file('new/index.json'), 'utf8'))).toMatchObject({ manifests: [] });
  });

  it('names what is wrong in the file of users', async () => {
    await seedLayout(folder);
    folder.write('users', '# who\nada:{SHA}x\n');
    chmodSync(folder.file('users'), 0o600);
    const ran = await refused('--htpasswd', 'users');
    expect([ran.status, ran.stderr]).toEqual([
      2,
      expect.stringMatching(/line 2: .*"ada".*SHA-1[\s\S]*htpasswd -B .*users ada/),
    ]);
  });
});
