import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNodeConfig } from '../../../src/node/read-config.ts';
import { readMirrors } from '../../support/asNode.ts';
import { type Ran, type WorkFolder, workFolder } from '../airgap.ts';

const tls = (name: string): string => fileURLToPath(new URL(`../../../fixtures/tls/${name}`, import.meta.url));

let folder: WorkFolder;

beforeEach(() => {
  folder = workFolder();
});

afterEach(() => folder.remove());

const emit = (line: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
  folder.airgap(['emit', ...line.split(' ')], { env });
const password = { AIRGAP_ENDPOINT_PASSWORD: 'very-secret' };
const isolated = '--ntp 10.0.0.1 --dns 10.0.0.2 --no-discovery';

describe('airgap emit without a lock and without images', () => {
  it('writes a complete set of patches for an address alone, and has nothing to remark', async () => {
    const { status, stdout, stderr } = await emit(`--talos v1.14.4 --to https://registry.site ${isolated}`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(readMirrors(stdout)).toEqual([
      { registry: '*', endpoints: [{ url: 'https://registry.site', overridePath: false }], skipFallback: true },
    ]);
    expect([...stdout.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind)).toEqual([
      'RegistryMirrorConfig',
      'TimeSyncConfig',
      'ResolverConfig',
      'DiscoveryServiceConfig',
    ]);
  });

  it('takes - as standard output, not as the name of a file', async () => {
    const line = `--talos v1.14.4 --to https://registry.site ${isolated}`;
    const { status, stdout } = await emit(`${line} --output -`);
    expect([status, stdout]).toEqual([0, (await emit(line)).stdout]);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('refuses - for secrets, which go into a file alone', async () => {
    const ran = await emit('--to https://registry.site --endpoint-user node --secrets -', password);
    expect([ran.status, ran.stdout, readdirSync(folder.path)]).toEqual([2, '', []]);
    expect(ran.stderr).toContain('error: Cannot write secrets to standard output: they go into a file\n');
  });

  it('names the registries of the release where `*` is not enough', async () => {
    const { stdout } = await emit(`--talos v1.3.7 --endpoint http://10.5.0.1:6000 ${isolated}`);
    const names = readMirrors(stdout).map(({ registry }) => registry);
    expect(names).toEqual(['*', 'docker.io', 'gcr.io', 'ghcr.io', 'registry.k8s.io']);
    const unknown = await emit(`--talos v1.14.2 --to https://registry.site --prefix-by-registry ${isolated}`);
    expect(readMirrors(unknown.stdout).map(({ registry }) => registry)).toContain('registry.k8s.io');
    expect(unknown.stdout).toContain('- url: https://registry.site/v2/registry.k8s.io\n');
  });

  it('remarks a release of which it cannot know what nodes read', async () => {
    const { status, stderr } = await emit(`--talos v1.99.0 --to https://registry.site ${isolated}`);
    expect(status).toBe(0);
    expect(stderr).toBe(
      'note: what a node reads and does is known up to Talos 1.14: v1.99.0 is taken to be the same\n',
    );
  });

  it('remarks what an isolated node would wait for', async () => {
    const { stderr } = await emit('--to https://registry.site');
    expect(stderr.split('\n').map((line) => line.slice(0, 20))).toEqual([
      'note: no time server',
      'note: no name server',
      'note: discovery is l',
      '',
    ]);
    expect((await emit('--to https://registry.site --quiet')).stderr).toBe('');
  });

  it('asks several addresses in order, with the path of a project', async () => {
    const { stdout } = await emit(
      `--endpoint https://harbor.site/v2/project --endpoint http://[fd00::5]:5000 --endpoint-ca ${tls('ca.pem')} ${isolated}`,
    );
    expect(readMirrors(stdout)[0]?.endpoints).toEqual([
      { url: 'https://harbor.site/v2/project', overridePath: true },
      { url: 'http://[fd00::5]:5000', overridePath: false },
    ]);
    expect([...stdout.matchAll(/^kind: RegistryTLSConfig\nname: (.*)$/gm)].map(([, name]) => name)).toEqual([
      'harbor.site',
    ]);
  });

  it('trusts each registry by its own authority, and the others by the one for all', async () => {
    const [a, b] = [tls('ca.pem'), tls('server.pem')];
    const addresses = '--endpoint https://a.site --endpoint https://b.site:5000 --endpoint http://c.site';
    const { stdout, status } = await emit(
      `--talos v1.14.4 ${addresses} --endpoint-ca ${a} --endpoint-ca B.site:5000=${b} ${isolated}`,
    );
    expect(status).toBe(0);
    const config = readNodeConfig([{ name: 'patch.yaml', text: stdout }]);
    expect([...config.tls].map(([host, { ca }]) => [host, ca?.trim()])).toEqual([
      ['a.site', readFileSync(a, 'utf8').trim()],
      ['b.site:5000', readFileSync(b, 'utf8').trim()],
    ]);
    const unknown = await emit(`${addresses} --endpoint-ca c.site=${a}`);
    expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining('for "c.site"')]);
  });

  it('finds the authorities that airgap.yaml names beside it, for all endpoints and for one', async () => {
    mkdirSync(folder.file('site'));
    for (const name of ['ca.pem', 'server.pem']) folder.write(`site/${name}`, readFileSync(tls(name)));
    const nodes =
      'endpoints: [https://a.site, https://b.site]\n  endpointCa: [ca.pem, b.site=server.pem]\n  cluster: site-a';
    folder.write('site/airgap.yaml', `version: 1\nnodes:\n  ${nodes}\n  formats: omni\n`);
    const ran = await folder.airgap(['emit', '--file', 'site/airgap.yaml', '--form', 'documents']);
    expect(ran.status).toBe(0);
    expect([...ran.stdout.matchAll(/kind: RegistryTLSConfig\n +name: (.*)$/gm)].map(([, name]) => name)).toEqual([
      'a.site',
      'b.site',
    ]);
    expect(ran.stdout).toContain('omni.sidero.dev/cluster: site-a');
  });

  it('names the cluster where a format does', async () => {
    const { stdout, stderr } = await emit('--to https://registry.site --format omni --cluster site-a');
    expect(stdout).toContain('omni.sidero.dev/cluster: site-a');
    expect(stderr).not.toContain('of no cluster');
    const script = await emit('--to https://registry.site --talos v1.8.4 --format talosctl --cluster site-a');
    expect(script.stdout).toContain('gen_config site-a https://HOST:6443');
    const refused = await folder.airgap(['emit', '--to', 'https://r.site', '--cluster', 'a\nb']);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('not the name of a cluster')]);
  });

  it('wants an address where there is nothing else', async () => {
    const { status, stderr } = await folder.airgap(['emit']);
    expect(status).toBe(2);
    expect(stderr).toContain('airgap.lock');
  });
});

describe('secrets', () => {
  it('are written where they were asked for, for nobody else to read, and nowhere else', async () => {
    const ran = await emit(
      `--to https://registry.site --endpoint-user node --endpoint-client-cert ${tls('client.pem')} --endpoint-client-key ${tls('client-key.pem')} --secrets s.yaml --json`,
      password,
    );
    expect(ran.status).toBe(0);
    expect(ran.stdout + ran.stderr).not.toMatch(/very-secret|PRIVATE KEY/);
    expect(folder.read('s.yaml')).toMatch(/PRIVATE KEY[\s\S]*password: very-secret/);
    expect(folder.read('s.yaml')).toContain('--patch @s.yaml');
    expect(statSync(folder.file('s.yaml')).mode & 0o777).toBe(0o600);
  });

  it('take the place of a file that others could read', async () => {
    folder.write('s.yaml', 'old');
    const ran = await emit('--to https://registry.site --secrets s.yaml', { AIRGAP_ENDPOINT_TOKEN: 'very-secret' });
    expect(ran.status).toBe(0);
    expect(folder.read('s.yaml')).toContain('identityToken: very-secret');
    expect(statSync(folder.file('s.yaml')).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['--to https://r.site --endpoint-user node', 'no file was named for secrets'],
    [
      `--to https://r.site --endpoint-client-cert ${tls('client.pem')} --endpoint-client-key ${tls('client-key.pem')}`,
      'no file was named',
    ],
    ['--to https://r.site --secrets s.yaml', 'nothing is secret'],
    ['--to https://r.site --endpoint-user node --secrets p.yaml --output p.yaml', 'secrets are kept apart'],
  ])('are refused with %s', async (line, state) => {
    const { status, stdout, stderr } = await emit(line, line.includes('user') ? password : {});
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(state);
  });

  it.each(['omni', 'talosctl'])('are written beside --format %s, which cannot hold them', async (format) => {
    const ran = await emit(
      `--to https://registry.site --endpoint-user node --secrets s.yaml --format ${format} --output-dir out`,
      password,
    );
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('s.yaml, for your eyes only')]);
    expect(folder.read('s.yaml')).toContain('password: very-secret');
  });

  it('of several programs stand beside their files, each for its owner alone', async () => {
    const identity = `--endpoint-client-cert ${tls('client.pem')} --endpoint-client-key ${tls('client-key.pem')}`;
    const formats = '--format talos --format containerd --format k3s --output-dir out';
    const ran = await emit(
      `--to https://registry.site --endpoint-user node ${identity} --secrets s.yaml ${formats}`,
      password,
    );
    expect(ran.status).toBe(0);
    const written = [...ran.stderr.matchAll(/^wrote (.*), for your eyes only$/gm)].map(([, name = '']) =>
      resolve(folder.path, name),
    );
    expect(written.map((name) => name.replace(`${folder.path}/`, ''))).toEqual([
      's.yaml',
      'out/containerd/auth-1.x.toml',
      'out/containerd/auth-2.x.toml',
      'out/containerd/certs.d/_default/registry.site-client.key',
      'out/containerd/certs.d/registry.site/registry.site-client.key',
      'out/k3s/airgap/registry.site-client.key',
      'out/k3s/registries.secret.yaml',
    ]);
    const secret = /very-secret|PRIVATE KEY/;
    for (const entry of readdirSync(folder.path, { recursive: true, withFileTypes: true })) {
      const name = join(entry.parentPath, entry.name);
      if (!entry.isFile()) continue;
      const isSecret = written.includes(name);
      expect([name, secret.test(readFileSync(name, 'utf8'))]).toEqual([name, isSecret]);
      if (isSecret) expect([name, statSync(name).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  it.each([
    ['another emitted file', '--output-dir out --secrets out/talos-registries.yaml'],
    ['the lock', '--secrets airgap.lock'],
    ['the key that is read', '--secrets node.key'],
    ['a link to it', '--secrets link.key'],
    ['airgap.yaml', '--secrets airgap.yaml --no-file'],
  ])('are not written over %s', async (_, line) => {
    for (const name of ['client.pem', 'client-key.pem']) folder.write(name, readFileSync(tls(name)));
    folder.write('node.key', folder.read('client-key.pem'));
    symlinkSync('node.key', folder.file('link.key'));
    const identity = '--endpoint-client-cert client.pem --endpoint-client-key node.key';
    const ran = await emit(`--to https://registry.site ${identity} ${line}`);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('named for something else')]);
    expect(folder.read('node.key')).toBe(folder.read('client-key.pem'));
    expect(existsSync(folder.file('out'))).toBe(false);
  });

  it('are not written over files that the environment names', async () => {
    folder.write('site.yaml', 'version: 1\n');
    folder.write('releases.yaml', 'airgapCatalogue: 1\n');
    const env = { ...password, AIRGAP_FILE: 'site.yaml', AIRGAP_CATALOGUE: 'releases.yaml' };
    for (const name of ['site.yaml', 'releases.yaml']) {
      const ran = await emit(`--to https://registry.site --endpoint-user node --secrets ${name}`, env);
      expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('named for something else')]);
    }
  });

  it('that cannot be written leave nothing else written', async () => {
    folder.write('file', '');
    const line = '--to https://registry.site --endpoint-user node --secrets file/s.yaml --output patch.yaml';
    expect(await emit(line, password)).toMatchObject({ status: 2, stderr: expect.stringContaining('not a folder') });
    expect(existsSync(folder.file('patch.yaml'))).toBe(false);
  });

  it('want a password for a user, and one of user and token', async () => {
    expect((await emit('--to https://r.site --endpoint-user u --secrets s')).stderr).toContain(
      'AIRGAP_ENDPOINT_PASSWORD',
    );
    const both = await emit('--to https://r.site --endpoint-user u --secrets s', {
      ...password,
      AIRGAP_ENDPOINT_TOKEN: 't',
    });
    expect(both.stderr).toContain('nodes take one of them');
  });
});

describe('files', () => {
  it('go into a folder, one for each matter', async () => {
    const { status, stderr } = await emit(
      `--talos v1.14.4 --to https://registry.site ${isolated} --install-image --install-disk /dev/sda --output-dir out`,
    );
    expect(status).toBe(0);
    const names = [...stderr.matchAll(/^wrote out\/(\S+) for Talos v1\.14\.4$/gm)].map(([, name]) => name);
    expect(names).toEqual(
      ['registries', 'time', 'network', 'discovery', 'install'].map((name) => `talos-${name}.yaml`),
    );
    expect(folder.read('out/talos-time.yaml')).toContain('--patch @talos-time.yaml');
  });

  it('are told with what to do next: all of them in one call, and the proof where there is a lock', async () => {
    const line = `--talos v1.14.4 --to https://registry.site ${isolated} --endpoint-user node --secrets s.yaml --output p.yaml`;
    const patch = 'talosctl patch machineconfig --nodes NODE --patch @p.yaml --patch @s.yaml\n';
    const written = 'wrote p.yaml for Talos v1.14.4\nwrote s.yaml, for your eyes only\n';
    const first = await emit(line, password);
    expect(first.stderr).toBe(`${written}\nNext:\n  ${patch}`);
    folder.write('airgap.lock', '{}');
    const { stderr } = await emit(`${line} --endpoint https://registry.site nginx`, password);
    expect(stderr).toContain(
      '  airgap verify --as talos@v1.14.4 --config controlplane.yaml --config p.yaml --config s.yaml',
    );
    expect(stderr).toContain(`  ${patch}`);
    folder.write('b.lock', '{}');
    const named = await emit(`${line} --lock b.lock nginx`, password);
    expect(named.stderr).toContain('  airgap verify --as talos@v1.14.4 --lock b.lock --config controlplane.yaml');
  });

  it('of nodes that are several are not put into one', async () => {
    const { status, stderr } = await emit('--to https://registry.site --format k3s --output registries.yaml');
    expect(status).toBe(2);
    expect(stderr).toContain(
      'it is 2 files, config.yaml.d/airgap.yaml, registries.yaml\n  hint: name a folder with --output-dir',
    );
    const folderful = await emit('--to https://registry.site --format k3s --output-dir k3s');
    expect(folderful.stderr).toBe('wrote k3s/config.yaml.d/airgap.yaml\nwrote k3s/registries.yaml\n');
  });

  it.each(['omni', 'talosctl'])('of %s have the secrets of Talos beside them', async (format) => {
    const ran = await emit(
      `--to https://registry.site ${isolated} --endpoint-user node --secrets s.yaml --format ${format} --output-dir out`,
      password,
    );
    expect(ran, ran.stderr).toMatchObject({ status: 0 });
    expect(ran.stderr).toContain('wrote s.yaml, for your eyes only\n');
    expect(folder.read('s.yaml')).toContain('password: very-secret\n');
  });

  it('with secrets are called by the name that was given', async () => {
    const { stderr } = await emit(
      '--to https://registry.site --endpoint-user node --secrets mine.yaml --format k3s --output-dir out',
      password,
    );
    expect(stderr).toContain('has no credentials: use mine.yaml in its place');
  });

  it('name themselves after the file they are saved as', async () => {
    await emit(`--to https://registry.site ${isolated} --output nodes.yaml`);
    expect(folder.read('nodes.yaml')).toContain('--patch @nodes.yaml');
  });

  it('of other programs are written beside them', async () => {
    const { status } = await emit(
      `--to https://registry.site ${isolated} --format talos --format hosts-toml --format k3s --output-dir out`,
    );
    expect(status).toBe(0);
    expect(folder.read('out/talos-registries.yaml')).toContain('RegistryMirrorConfig');
    expect(folder.read('out/hosts-toml/_default/hosts.toml')).toContain("server = 'https://registry.site'");
    const single = await emit('--to https://registry.site --format hosts-toml');
    expect(single.stdout).toContain("server = 'https://registry.site'");
    expect(single.stderr).not.toContain('time server');
    expect((await emit('--to https://registry.site --format k3s --format talos')).stderr).toContain('--output-dir');
    expect((await emit('--to https://registry.site --format yaml')).stderr).toContain('it is none of talos');
    expect((await emit('--to https://registry.site --output a --output-dir b')).stderr).toContain('--output-dir');
  });
});

describe('refusals', () => {
  it.each([
    ['--to registry.site', 'its scheme is not known'],
    ['--endpoint registry.site', 'not an http:// or https:// URL'],
    [`--to http://r.site --endpoint-ca ${tls('ca.pem')}`, 'no endpoint is asked with https'],
    ['--to http://r.site --endpoint-insecure-skip-verify', 'no endpoint is asked with https'],
    [`--to https://r.site --endpoint-ca ${tls('ca-key.pem')}`, 'a certificate in PEM form is not in it'],
    [`--to https://r.site --endpoint-client-cert ${tls('client.pem')}`, 'go together'],
    [
      `--to https://r.site --secrets s --endpoint-client-cert ${tls('ca.pem')} --endpoint-client-key ${tls('client-key.pem')}`,
      'not that of the certificate',
    ],
    ['--to https://r.site --talos v1.8.4 --image-cache', 'v1.9.0'],
    ['--to https://r.site --talos v1.11.6 --form documents', 'v1.12.0'],
    [`--to https://r.site --talos v1.7.7 --trusted-roots ${tls('ca.pem')}`, 'v1.8.0'],
    ['--to https://r.site --talos v1.12.11 --verify-deny quay.io/*', 'v1.13.0'],
    ['--to https://r.site/project --talos v1.3.7', 'from v1.4.0 on only'],
    ['--to https://r.site --ntp a_b', 'not a name or an address'],
    ['--to https://r.site --ntp a --no-time-sync', '--no-time-sync'],
    ['--to https://r.site --dns ns.site', 'not an address'],
    ['--to https://r.site --host-entry 10.0.0.1=a', 'not NAME=ADDRESS'],
    ['--to https://r.site --discovery discovery.site', 'not http(s)://HOST[:PORT]'],
    ['--to https://r.site --form toml', 'not v1alpha1 or documents'],
    ['--to https://r.site --install-disk sda', 'not a device'],
    ['--to https://r.site --install-image UPPER/case', 'UPPER'],
    ['--to https://r.site --verify-deny quay.io', 'not REGISTRY/REPOSITORY'],
    ['--to https://r.site --verify-deny quay.io/a:tag', 'not REGISTRY/REPOSITORY'],
    ['--to https://r.site --verify-keyless quay.io/*=nobody', 'not PATTERN=ISSUER,SUBJECT'],
    [
      `--to https://r.site --verify-public-key quay.io/*=${tls('client-key.pem')}`,
      'a public key in PEM form is not in it',
    ],
  ])('%s', async (line, state) => {
    const { status, stdout, stderr } = await emit(line);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(state);
  });
});

describe('what is asked for', () => {
  it('is written: names, discovery, images and signatures', async () => {
    const id = '376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba';
    const { stdout, stderr } = await emit(
      `--talos v1.13.0 --to https://r.site --host-entry r.site=10.0.0.5 --discovery http://d.site:3000 --schematic ${id} --secureboot --factory f.site --image-cache --pause-image r.site/pause:3.10 --verify-deny docker.io/* --verify-public-key docker.io/team/*=${tls('ca.pem')} --trusted-roots ${tls('ca.pem')}`,
    );
    expect(stdout).toContain(`image: f.site/metal-installer-secureboot/${id}:v1.13.0\n`);
    expect(stdout).toContain('endpoint: http://d.site:3000\n');
    expect(stdout).toContain('name: 10.0.0.5\nhostnames:\n    - r.site\n');
    expect(stdout).toContain('kind: TrustedRootsConfig\nname: site\n');
    expect([...stdout.matchAll(/^ {4}- image: (.*)$/gm)].map(([, image]) => image)).toEqual([
      'docker.io/team/*',
      'index.docker.io/team/*',
      'docker.io/*',
      'index.docker.io/*',
    ]);
    expect(stderr).toContain('warning: Talos v1.13.0 refuses every image');
  });

  it('reads the installer as the commands do that mirror it: the address of a factory, platforms parted by commas', async () => {
    const line = `--talos v1.13.0 --to https://r.site ${isolated}`;
    const { stdout } = await emit(`${line} --factory https://f.site/ --installer-platform aws,aws`);
    expect(stdout).toMatch(/^ +image: f\.site\/aws-installer\/[0-9a-f]{64}:v1\.13\.0$/m);
    const { status, stderr } = await emit(`${line} --installer-platform aws,metal`);
    expect([status, stderr]).toEqual([2, expect.stringContaining('several schematics or platforms were given')]);
  });
});

describe('docs/emit.md', () => {
  const page = readFileSync(new URL('../../../docs/emit.md', import.meta.url), 'utf8');
  const shown = [...page.matchAll(/<!-- airgap emit (.*?) -->\n```\w+\n(.*?)```\n/gs)].map(([, line = '', text]) => ({
    line,
    text,
  }));

  it('shows output', () => expect(shown.length).toBeGreaterThan(3));

  it.each(shown)('shows what airgap emit $line prints', async ({ line, text }) => {
    const { stdout, stderr } = await emit(line);
    expect(`${stdout}${stderr}`.replaceAll(`${folder.path}/`, '')).toBe(text);
  });
});
