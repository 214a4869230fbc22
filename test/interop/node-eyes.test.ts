/** What verify --as says against what a real containerd does, configuration by configuration. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostsToml } from '../../src/emit/hosts-toml.ts';
import { readNodeConfig } from '../../src/node/read-config.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import type { NodeVerification, VerdictKind } from '../../src/verify/as-node/verdict.ts';
import { type WorkFolder, workFolder } from '../cli/airgap.ts';
import { seedImage } from '../support/seedImages.ts';
import { documentYaml, type MirrorYaml, mirrorYaml } from '../verify/as-node/yaml.ts';
import { type Certificates, makeCertificates } from './support/certificates.ts';
import { type Containerd, startContainerd } from './support/containerd.ts';
import { type DockerRegistry, freePort, registryUser, startDockerRegistry } from './support/dockerRegistry.ts';
import { missing, titled } from './support/programs.ts';
import { pushSeeded } from './support/seededRegistry.ts';

const reason = missing('docker-registry', 'containerd', 'ctr', 'openssl');
const release = 'v1.14.4';
const own = `linux/${process.arch === 'x64' ? 'amd64' : 'arm64'}`;
const other = own === 'linux/amd64' ? 'linux/arm64' : 'linux/amd64';
const pause = 'registry.k8s.io/pause:3.10';

/** The places of the stage that a configuration names. */
interface Stage {
  readonly plain: DockerRegistry;
  /** Of the same content. */
  readonly tls: DockerRegistry;
  readonly guarded: DockerRegistry;
  /** Another, with an image that lacks a blob, and nothing else. */
  readonly holed: DockerRegistry;
  /** Nobody listens. */
  readonly dead: string;
  readonly certificates: Certificates;
  readonly pem: { readonly ca: string; readonly otherCa: string };
}

interface Case {
  /** Fallback is on unless it is turned off: containerd 1.6 cannot read what Talos writes for one endpoint without it. */
  readonly mirrors: (stage: Stage) => readonly MirrorYaml[];
  readonly more?: (stage: Stage) => string;
  /** Default: pause. */
  readonly image?: string;
  readonly platform?: string;
  /** Options of `ctr images pull`: credentials are not in hosts.toml. */
  readonly ctr?: readonly string[];
  readonly verdict: VerdictKind;
}

const all = (url: string): MirrorYaml[] => [{ endpoints: [url], fallback: true }];
const path = (url: string, overridePath: boolean): MirrorYaml[] => [
  { endpoints: [{ url, overridePath }], fallback: true },
];
const tlsOf = ({ tls }: Stage, fields: object): string =>
  documentYaml('RegistryTLSConfig', { name: tls.host, ...fields });
const authOf = ({ guarded }: Stage): string =>
  documentYaml('RegistryAuthConfig', {
    name: guarded.host,
    username: registryUser.name,
    password: registryUser.password,
  });

const cases: Readonly<Record<string, Case>> = {
  'one mirror for every registry': { mirrors: ({ plain }) => all(plain.url), verdict: 'found' },
  'an endpoint with a slash at its end': { mirrors: ({ plain }) => all(`${plain.url}/`), verdict: 'found' },
  'the exact entry before *': {
    mirrors: ({ plain, dead }) => [
      ...all(dead),
      { registry: 'registry.k8s.io', endpoints: [plain.url], fallback: true },
    ],
    verdict: 'found',
  },
  'a * that an exact entry hides': {
    mirrors: ({ plain, dead }) => [
      ...all(plain.url),
      { registry: 'registry.k8s.io', endpoints: [dead], fallback: true },
    ],
    verdict: 'leaves-site',
  },
  'an entry for another registry': {
    mirrors: ({ plain }) => [{ registry: 'ghcr.io', endpoints: [plain.url], fallback: true }],
    verdict: 'leaves-site',
  },
  'a prefix with overridePath': { mirrors: ({ plain }) => path(`${plain.url}/v2/k8s`, true), verdict: 'found' },
  'a prefix without overridePath': { mirrors: ({ plain }) => path(`${plain.url}/k8s`, false), verdict: 'leaves-site' },
  'a prefix after /v2 without overridePath': {
    mirrors: ({ plain }) => path(`${plain.url}/v2/k8s`, false),
    verdict: 'leaves-site',
  },
  'a wrong prefix': { mirrors: ({ plain }) => path(`${plain.url}/v2/k9s`, true), verdict: 'leaves-site' },
  'a written /v2': { mirrors: ({ plain }) => path(`${plain.url}/v2`, false), verdict: 'found' },
  'a double /v2': { mirrors: ({ plain }) => path(`${plain.url}/v2/v2`, false), verdict: 'leaves-site' },
  'overridePath without a path': { mirrors: ({ plain }) => path(plain.url, true), verdict: 'leaves-site' },
  'overridePath and /v2': { mirrors: ({ plain }) => path(`${plain.url}/v2`, true), verdict: 'found' },
  'a registry with a port': {
    mirrors: ({ plain }) => [{ registry: 'mcr.local:5000', endpoints: [plain.url], fallback: true }],
    image: 'mcr.local:5000/tools/app:1',
    verdict: 'found',
  },
  'a registry with a port, keyed without it': {
    mirrors: ({ plain }) => [{ registry: 'mcr.local', endpoints: [plain.url], fallback: true }],
    image: 'mcr.local:5000/tools/app:1',
    verdict: 'leaves-site',
  },
  'Docker Hub': {
    mirrors: ({ plain }) => [{ registry: 'docker.io', endpoints: [plain.url], fallback: true }],
    image: 'docker.io/library/nginx:1.27',
    verdict: 'found',
  },
  'a first endpoint that is off': {
    mirrors: ({ plain, dead }) => [{ endpoints: [dead, plain.url], fallback: true }],
    verdict: 'found',
  },
  'a first endpoint that lacks a blob': {
    mirrors: ({ plain, holed }) => [{ endpoints: [holed.url, plain.url], fallback: true }],
    verdict: 'found',
  },
  'one endpoint that lacks a blob': { mirrors: ({ holed }) => all(holed.url), verdict: 'leaves-site' },
  'no fallback, the last of two has it': {
    mirrors: ({ plain, dead }) => [{ endpoints: [dead, plain.url] }],
    verdict: 'found',
  },
  'no fallback, the first of two has it': {
    mirrors: ({ plain, dead }) => [{ endpoints: [plain.url, dead] }],
    verdict: 'found',
  },
  'no fallback, neither of two has it': {
    mirrors: ({ plain, holed }) => [{ endpoints: [plain.url, holed.url] }],
    image: 'ghcr.io/app/absent:1',
    verdict: 'not-found',
  },
  'an image that is missing': {
    mirrors: ({ plain }) => all(plain.url),
    image: 'ghcr.io/app/absent:1',
    verdict: 'leaves-site',
  },
  'a tag that is missing': {
    mirrors: ({ plain, dead }) => [{ endpoints: [dead, plain.url] }],
    image: 'registry.k8s.io/pause:4',
    verdict: 'cannot-pull',
  },
  'another platform': {
    mirrors: ({ plain }) => all(plain.url),
    image: 'ghcr.io/app/foreign:1',
    verdict: 'wrong-platform',
  },
  'a platform of several': { mirrors: ({ plain }) => all(plain.url), platform: other, verdict: 'found' },
  'TLS with its authority': {
    mirrors: ({ tls }) => all(tls.url),
    more: (stage) => tlsOf(stage, { ca: stage.pem.ca }),
    verdict: 'found',
  },
  'TLS without an authority': { mirrors: ({ tls }) => all(tls.url), verdict: 'leaves-site' },
  'TLS with another authority': {
    mirrors: ({ tls, dead }) => [{ endpoints: [dead, tls.url] }],
    more: (stage) => tlsOf(stage, { ca: stage.pem.otherCa }),
    verdict: 'cannot-pull',
  },
  'TLS without verification': {
    mirrors: ({ tls }) => all(tls.url),
    more: (stage) => tlsOf(stage, { insecureSkipVerify: true }),
    verdict: 'found',
  },
  'plain HTTP where TLS is spoken': {
    mirrors: ({ tls }) => all(`http://${tls.host}`),
    verdict: 'leaves-site',
  },
  'TLS where plain HTTP is spoken': {
    mirrors: ({ plain }) => all(`https://${plain.host}`),
    verdict: 'leaves-site',
  },
  'a password': {
    mirrors: ({ guarded }) => all(guarded.url),
    more: authOf,
    ctr: ['--user', `${registryUser.name}:${registryUser.password}`],
    verdict: 'found',
  },
  'no password where one is wanted': {
    mirrors: ({ guarded, dead }) => [{ endpoints: [dead, guarded.url] }],
    verdict: 'cannot-pull',
  },
};

async function seed(plain: DockerRegistry, holed: DockerRegistry): Promise<void> {
  const memory = openMemory();
  const push = async (reference: string, as: string, platforms: readonly string[]): Promise<void> => {
    const part = await seedImage(memory, reference, { platforms, layers: [`${reference} {platform}`] });
    const placed = { ...part, reference: { ...part.reference, repository: as } };
    await pushSeeded(plain.url, { part: placed, from: memory.repository(part.reference) });
  };
  await push(pause, 'pause', [own, other]);
  await push(pause, 'k8s/pause', [own, other]);
  await push('mcr.local:5000/tools/app:1', 'tools/app', [own]);
  await push('docker.io/library/nginx:1.27', 'library/nginx', [own, other]);
  await push('ghcr.io/app/foreign:1', 'app/foreign', [other, 'linux/s390x']);
  const image = await seedImage(memory, pause, { platforms: [own, other], layers: [`${pause} {platform}`] });
  await pushSeeded(holed.url, { part: image, from: memory.repository(image.reference) });
  const layers = image.blobs.filter(({ mediaType }) => mediaType.includes('layer'));
  for (const { digest } of layers) {
    const hex = digest.slice('sha256:'.length);
    await rm(join(holed.storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex), { recursive: true });
  }
  await holed.restart();
}

describe.skipIf(reason !== undefined)(titled('verify --as and containerd', reason), () => {
  let stage: Stage;
  let containerd: Containerd;
  let folder: WorkFolder;
  let hosts: string;

  beforeAll(async () => {
    const [certificates, others] = [await makeCertificates(), await makeCertificates()];
    const [plain, holed] = [await startDockerRegistry(), await startDockerRegistry()];
    await seed(plain, holed);
    stage = {
      plain,
      holed,
      tls: await startDockerRegistry({ storage: plain.storage, tls: certificates }),
      guarded: await startDockerRegistry({ storage: plain.storage, auth: 'htpasswd' }),
      dead: `http://127.0.0.1:${await freePort()}`,
      certificates,
      pem: { ca: await readFile(certificates.ca, 'utf8'), otherCa: await readFile(others.ca, 'utf8') },
    };
    containerd = await startContainerd();
    folder = workFolder();
    hosts = await mkdtemp(join(tmpdir(), 'airgap-eyes-'));
  });
  afterAll(async () => {
    const { plain, holed, tls, guarded } = stage;
    await Promise.all([tls.stop(), guarded.stop(), holed.stop(), containerd.stop()]);
    await plain.stop();
    folder.remove();
    await rm(hosts, { recursive: true, force: true });
  });

  it.each(Object.entries(cases))('agree about %s', async (title, { mirrors, more, image = pause, ...wanted }) => {
    const yaml = `${mirrors(stage).map(mirrorYaml).join('')}${more?.(stage) ?? ''}`;
    const platform = wanted.platform ?? own;
    folder.write('node.yaml', yaml);
    const args = [
      '--as',
      `talos@${release}`,
      '--config',
      'node.yaml',
      '--platform',
      platform,
      '--retries',
      '0',
      '--json',
    ];
    const said = await folder.airgap(['verify', image, ...args]);
    const verification = JSON.parse(said.stdout) as NodeVerification;
    expect(
      verification.images.map(({ verdict }) => verdict),
      said.stdout,
    ).toEqual([wanted.verdict]);

    const tree = await writeTree(join(hosts, title.replaceAll(/\W/g, '-')), yaml);
    const pulled = await containerd.pull(image, tree, ['--platform', platform, ...(wanted.ctr ?? [])]);
    expect(pulled.status === 0, pulled.stderr).toBe(wanted.verdict === 'found');
    await containerd.forget();
  });

  it.each([
    'one mirror for every registry',
    'a prefix with overridePath',
    'Docker Hub',
    'a prefix without overridePath',
  ])('ask for the same with %s', async (title) => {
    const { mirrors, image = pause } = cases[title] ?? { mirrors: () => [] };
    const yaml = mirrors(stage).map(mirrorYaml).join('');
    folder.write('node.yaml', yaml);
    const paths = async (): Promise<string[]> => [...new Set((await stage.plain.log()).map(({ path }) => path))].sort();
    await stage.plain.forget();
    await folder.airgap(['verify', image, '--as', `talos@${release}`, '--config', 'node.yaml', '--platform', own]);
    const ours = await paths();
    await stage.plain.forget();
    await containerd.pull(image, await writeTree(join(hosts, `same-${title.replaceAll(/\W/g, '-')}`), yaml));
    await containerd.forget();
    expect(ours.length).toBeGreaterThan(0);
    expect(await paths()).toEqual(ours);
  });

  it('hold for at least twelve configurations', () => {
    expect(Object.keys(cases).length).toBeGreaterThanOrEqual(12);
  });
});

/** The files of the configuration, as Talos would write them. */
async function writeTree(tree: string, yaml: string): Promise<string> {
  const version = parseTalosVersion(release);
  const { mirrors, tls } = readNodeConfig([{ name: 'node.yaml', text: yaml }], { version });
  for (const file of hostsToml(mirrors, { version, tls, folder: tree })) {
    const place = join(tree, file.path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, file.text);
  }
  return tree;
}
