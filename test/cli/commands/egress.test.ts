import { execFileSync, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LockedImage } from '../../../src/lock/lock.ts';
import { printLock } from '../../../src/lock/print.ts';
import { type MirrorRule, mirrorsOf } from '../../../src/mirror/rule.ts';
import { parseDigest } from '../../../src/oci/digest.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { type RunOptions, type WorkFolder, workFolder } from '../airgap.ts';

interface Line {
  readonly role: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: string;
  readonly required: boolean;
  readonly purposes: readonly string[];
  readonly through?: string;
  readonly condition?: string;
  readonly evidence: readonly { readonly kind: string; readonly by?: string }[];
}

let folder: WorkFolder;
beforeEach(() => {
  folder = workFolder();
});
afterEach(() => folder.remove());

async function list(
  argv: readonly string[],
  options?: RunOptions,
): Promise<{ readonly lines: readonly Line[]; readonly notes: readonly string[]; readonly stdout: string }> {
  const { status, stdout, stderr } = await folder.airgap(['egress', ...argv, '--json'], options);
  expect({ status, stderr: stderr.replaceAll(/^(?:note|warning): .*\n/gm, '') }).toEqual({ status: 0, stderr: '' });
  const { destinations, notes } = JSON.parse(stdout);
  return { lines: destinations, notes, stdout };
}

/** `nodes r.site 443/tcp optional < --to`: what a document says is known from its document. */
function shown({ role, host, port, protocol, required, evidence }: Line): string {
  const by = evidence.map((one) => one.by ?? 'document').join(' ');
  return `${role} ${host} ${port}/${protocol}${required ? '' : ' optional'} < ${by}`;
}

const closed = ['--ntp', '10.0.0.1', '--dns', '10.0.0.2', '--no-discovery', '--resolver', '10.0.0.2'];
const ofOptions = ['nodes 10.0.0.1 123/udp < --ntp', 'nodes 10.0.0.2 53/tcp < --dns', 'nodes 10.0.0.2 53/udp < --dns'];
const names = ['staging 10.0.0.2 53/tcp < --resolver', 'staging 10.0.0.2 53/udp < --resolver'];
const image = 'registry.example/team/app:1';
const example = 'staging registry.example 443/tcp < images';

/** What talosctl writes, as far as it matters. */
const machine = (more = ''): string => `version: v1alpha1
machine:
  type: controlplane
  token: abcdef.0123456789abcdef
${more}cluster:
  controlPlane: {endpoint: 'https://api.site:6443'}
  discovery: {enabled: true}
`;

describe('airgap egress', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    [
      'a registry',
      ['--to', 'https://r.site'],
      [...names, example, 'staging r.site 443/tcp < --to', 'nodes r.site 443/tcp < --to'],
    ],
    [
      'a registry with a path, by plain HTTP',
      ['--to', 'http://[fd00::5]:5000/team'],
      [...names, example, 'staging fd00::5 5000/tcp < --to', 'nodes fd00::5 5000/tcp < --to'],
    ],
    [
      'names kept apart',
      ['--to', 'r.site', '--prefix-by-registry'],
      [...names, example, 'staging r.site 443/tcp < --to', 'nodes r.site 443/tcp < --to'],
    ],
    ['a bundle', ['--to', 'bundle:x.tar'], [...names, example, 'nodes <registry> 443/tcp < nothing yet']],
    ['a layout', ['--to', 'oci:x'], [...names, example, 'nodes <registry> 443/tcp < nothing yet']],
    ['nothing', [], [...names, example, 'nodes <registry> 443/tcp < nothing yet']],
    [
      'several addresses of nodes',
      ['--to', 'oci:x', '--endpoint', 'https://a.site', '--endpoint', 'http://b.site:5000'],
      [...names, example, 'nodes a.site 443/tcp < --endpoint', 'nodes b.site 5000/tcp < --endpoint'],
    ],
    [
      'a cache in between',
      ['--to', 'r.site', '--source-endpoint', '*=https://cache.site:8443'],
      [
        ...names,
        'staging cache.site 8443/tcp < --source-endpoint',
        'staging r.site 443/tcp < --to',
        'nodes r.site 443/tcp < --to',
      ],
    ],
    [
      'another registry as source',
      ['--to', 'r.site', '--from', 'http://old.site:5000'],
      [...names, 'staging old.site 5000/tcp < --from', 'staging r.site 443/tcp < --to', 'nodes r.site 443/tcp < --to'],
    ],
    [
      'a layout as source',
      ['--to', 'r.site', '--from', 'oci:x'],
      [...names, 'staging r.site 443/tcp < --to', 'nodes r.site 443/tcp < --to'],
    ],
    [
      'a bundle as source, an address as target',
      ['--to', '10.0.0.9', '--from', 'bundle:x.tar'],
      ['staging 10.0.0.9 443/tcp < --to', 'nodes 10.0.0.9 443/tcp < --to'],
    ],
  ])('with %s: that, and nothing more', async (_name, ends, expected) => {
    const { lines } = await list([image, ...ends, ...closed]);
    expect(lines.map(shown).sort()).toEqual([...expected, ...ofOptions].sort());
  });

  it('nodes with an image cache may do without a registry', async () => {
    const { lines } = await list([image, ...closed, '--image-cache', '--role', 'nodes']);
    expect(lines.map(shown)).toContain('nodes <registry> 443/tcp optional < nothing yet');
  });

  it('an own Omni stands where its documents leave a place, at the port it advertises', async () => {
    const open = await list(['--components', 'omni', '--role', 'nodes']);
    expect(
      open.lines
        .filter(({ host }) => host === '<omni>')
        .map(({ port }) => port)
        .sort(),
    ).toEqual([443, 50180, 51820, 8090]);
    expect(open.notes.join()).toContain('--omni-host');
    const own = ['--omni-host', 'omni.site', '--siderolink-port', '50181'];
    const named = await list(['--components', 'omni', '--role', 'nodes', ...own]);
    expect(named.lines.map(({ host, port, protocol }) => `${host} ${port}/${protocol}`).sort()).toEqual([
      'omni.site 443/tcp',
      'omni.site 50181/udp',
      'omni.site 8090/tcp',
    ]);
    expect(named.notes).toEqual([]);
    const beside = await list([image, '--to', 'r.site', ...closed, ...own, '--role', 'nodes']);
    expect(beside.lines.filter(({ host }) => host === 'omni.site')).toHaveLength(3);
    expect(beside.lines.filter(({ host }) => host === 'ghcr.io' || host.startsWith('<'))).toEqual([]);
  });

  it('keyless verification that an option asks for needs the trust root', async () => {
    const rule = 'registry.example/*=https://accounts.google.com,a@b.example';
    const { lines } = await list([image, '--to', 'r.site', ...closed, '--verify-keyless', rule, '--role', 'nodes']);
    expect(lines.map(({ host }) => host)).toContain('tuf-repo-cdn.sigstore.dev');
  });

  it('a wildcard behind a proxy goes through it, and catalogues are read from where they are', async () => {
    const env = { HTTPS_PROXY: 'http://10.0.0.8:3128' };
    const argv = ['--talos', 'v1.14.4', '--extensions', 'gvisor', '--to', 'r.site', '--role', 'staging', '--wildcards'];
    const { lines } = await list(argv, { env });
    expect(lines.find(({ host }) => host === '*.pkg.dev')?.through).toBe('10.0.0.8:3128');
    const lone = await list(['docker.io/library/nginx:1', '--to', 'r.site', '--role', 'staging', ...closed]);
    expect(lone.lines.map(({ host }) => host)).not.toContain('ghcr.io');
    folder.write('overlay.txt', 'docker.io/library/nginx:1\n');
    const own = [
      'overlay.txt',
      '--extensions',
      'gvisor',
      '--talos',
      'v1.14.4',
      '--source-endpoint',
      '*=https://cache.site',
    ];
    const cached = await list([...own, '--to', 'r.site', '--role', 'staging', ...closed]);
    expect(cached.lines.find(({ host }) => host === 'cache.site')?.purposes).toContain('registry ghcr.io');
  });

  it('--role leaves the others out, and of a pipe the list is read', async () => {
    const { lines } = await list(['-', '--to', 'r.site', ...closed, '--role', 'staging'], { stdin: `${image}\n` });
    expect(lines.map(shown).sort()).toEqual([...names, example, 'staging r.site 443/tcp < --to'].sort());
    const piped = await list(['--to', 'r.site', ...closed, '--role', 'staging'], { stdin: `${image}\n` });
    expect(piped.lines).toEqual(lines);
  });

  it('through a proxy: by the variable that counts, not for what NO_PROXY names', async () => {
    const env = {
      https_proxy: 'http://user:secret@[fd00::8]:3128',
      HTTP_PROXY: 'http://plain.site',
      NO_PROXY: 'r.site',
    };
    const { lines, stdout } = await list([image, '--to', 'https://r.site', ...closed, '--role', 'staging'], { env });
    expect(lines.map(shown).sort()).toEqual(
      [...names, example, 'staging r.site 443/tcp < --to', 'staging fd00::8 3128/tcp < HTTPS_PROXY'].sort(),
    );
    expect(lines.map(({ through }) => through).filter((one) => one !== undefined)).toEqual(['[fd00::8]:3128']);
    expect(stdout).not.toContain('secret');
    const plain = await list([image, '--to', 'http://x.site', ...closed, '--role', 'staging'], { env });
    expect(plain.lines.map(shown)).toContain('staging plain.site 80/tcp < HTTP_PROXY');
  });

  it('says which variable, and which key of airgap.yaml, wants a line', async () => {
    folder.write('images.txt', `${image}\n`);
    const nodes = 'nodes:\n  timeServers: [10.0.0.1]\n  nameservers: [10.0.0.2]\n  discovery: false\n';
    folder.write('airgap.yaml', `version: 1\nimages:\n  lists: [images.txt]\ntarget:\n  to: https://r.site\n${nodes}`);
    expect((await list(['--role', 'nodes'])).lines.map(shown).sort()).toEqual([
      'nodes 10.0.0.1 123/udp < airgap.yaml: nodes.timeServers',
      'nodes 10.0.0.2 53/tcp < airgap.yaml: nodes.nameservers',
      'nodes 10.0.0.2 53/udp < airgap.yaml: nodes.nameservers',
      'nodes r.site 443/tcp < airgap.yaml: target.to',
    ]);
    const typed = await list(['--role', 'nodes', '--to', 'https://x.site', '--dns', '10.0.0.3']);
    expect(typed.lines.map(shown)).toEqual(
      expect.arrayContaining(['nodes x.site 443/tcp < --to', 'nodes 10.0.0.3 53/udp < --dns']),
    );
    const env = { AIRGAP_TO: 'https://v.site', AIRGAP_ENDPOINT: 'https://e.site' };
    const byVariable = await list([], { env });
    expect(byVariable.lines.map(shown)).toEqual(
      expect.arrayContaining(['staging v.site 443/tcp < AIRGAP_TO', 'nodes e.site 443/tcp < AIRGAP_ENDPOINT']),
    );
    const service = await list(['--components', 'discovery']);
    expect(service.lines.map(shown)).toEqual(['nodes discovery.talos.dev 443/tcp < document document']);
  });

  it('writes no list where airgap.yaml has what nodes are told, and takes no form of that', async () => {
    const nodes = 'nodes:\n  formats: [talos, k3s]\n  nameservers: [10.0.0.2]\n';
    const start = `version: 1\nimages:\n  references: [${image}]\ntarget:\n  to: https://r.site\n${nodes}`;
    for (const key of ['output: patch.yaml', 'outputDir: nodes']) {
      folder.write('airgap.yaml', `${start}  ${key}\n`);
      const { status, stdout } = await folder.airgap(['egress', '--role', 'nodes']);
      expect([status, stdout]).toEqual([0, expect.stringContaining('Nodes, once mirrored')]);
      expect(readdirSync(folder.path)).toEqual(['airgap.yaml']);
    }
  });

  it('a configuration without mirrors has them from what is mirrored; one with mirrors keeps its own', async () => {
    folder.write('plain.yaml', machine());
    const plain = await list([
      image,
      '--to',
      'r.site',
      '--config',
      'plain.yaml',
      '--role',
      'nodes',
      '--talos-version',
      'v1.13.9',
    ]);
    expect(plain.lines.map(shown).filter((line) => !/ (?:53|123)\//.test(line))).toEqual([
      'nodes discovery.talos.dev 443/tcp < document document',
      'nodes r.site 443/tcp < --to',
      'nodes api.site 6443/tcp optional < plain.yaml: cluster.controlPlane.endpoint',
    ]);
    folder.write(
      'own.yaml',
      machine("  registries: {mirrors: {'*': {endpoints: ['http://10.0.0.9:5000'], skipFallback: true}}}\n"),
    );
    const own = await list([
      image,
      '--to',
      'r.site',
      '--config',
      'own.yaml',
      ...closed,
      '--role',
      'nodes',
      '--talos-version',
      'v1.13.9',
    ]);
    expect(own.lines.map(shown).filter((line) => line.includes('9:5000') || line.includes('10.0.0.9'))).toEqual([
      'nodes 10.0.0.9 5000/tcp < own.yaml',
    ]);
    expect(own.lines.map(({ host }) => host)).not.toContain('r.site');
  });

  it('a configuration out of a pipe, which can be read once alone, counts as a file does', async () => {
    const text = machine('  time: {servers: [10.0.0.11]}\n');
    folder.write('a.yaml', text);
    const pipe = folder.file('pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    const rest = ['--to', 'r.site', '--role', 'nodes', '--talos-version', 'v1.13.9'];
    spawn('sh', ['-c', 'printf %s "$1" >"$0"', pipe, text]);
    const piped = await list([image, '--config', 'pipe.yaml', ...rest]);
    const filed = await list([image, '--config', 'a.yaml', ...rest]);
    expect(piped.lines.map(shown)).toContain('nodes 10.0.0.11 123/udp < pipe.yaml');
    expect(piped.stdout.replaceAll('pipe.yaml', 'a.yaml')).toBe(filed.stdout);
  });

  it('several configurations have needs of their own, and patches count for the one before them', async () => {
    const withTime = (server: string) => machine(`  time: {servers: [${server}]}\n`);
    folder.write('a.yaml', withTime('10.0.0.11'));
    folder.write('b.yaml', withTime('10.0.0.12'));
    folder.write(
      'patch.yaml',
      'machine:\n  logging:\n    destinations:\n      - {endpoint: "udp://10.0.0.13:514", format: json_lines}\n',
    );
    const configs = ['a.yaml', 'patch.yaml', 'b.yaml'].flatMap((name) => ['--config', name]);
    const { lines } = await list([
      image,
      '--to',
      'r.site',
      ...configs,
      '--role',
      'nodes',
      '--talos-version',
      'v1.13.9',
    ]);
    expect(lines.map(shown)).toEqual(
      expect.arrayContaining([
        'nodes 10.0.0.11 123/udp < a.yaml',
        'nodes 10.0.0.12 123/udp < b.yaml',
        'nodes 10.0.0.13 514/udp < a.yaml: machine.logging.destinations[0].endpoint',
      ]),
    );
  });
});

describe('airgap egress with a lock', () => {
  const reference = 'ghcr.io/siderolabs/kubelet:v1.29.0';

  function writeLock(release: string): void {
    const source = parseReference(reference);
    const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
    const image: LockedImage = {
      source,
      target: { registry: 'r.site:5000', repository: source.repository },
      digest,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      size: 1,
      totalSize: 1,
      tags: [],
      signatures: 'none',
      manifests: [digest],
      omitted: [],
      origins: [`talos ${release}`],
    };
    const rule: MirrorRule = { naming: 'replace-host', registry: 'r.site:5000', prefix: '' };
    const mirrors = mirrorsOf(rule, 'http://r.site:5000', { registries: [source.registry], perRegistry: false });
    folder.write('airgap.lock', printLock({ version: 1, rule, mirrors, images: [image], contacts: [] }));
  }

  it('nodes run the release that the images are for, and look where the lock says', async () => {
    writeLock('v1.6.7');
    const { lines } = await list(['--role', 'nodes', '--no-optional']);
    expect(lines.map(shown)).toEqual(
      expect.arrayContaining(['nodes pool.ntp.org 123/udp < document', 'nodes r.site 5000/tcp < airgap.lock']),
    );
    const later = await list(['--role', 'nodes', '--talos-version', 'v1.14.4']);
    expect(later.lines.map(shown)).toContain('nodes time.cloudflare.com 4460/tcp < document document');
    const elsewhere = await list(['--role', 'staging', '--to', 'https://x.site', ...closed]);
    expect(elsewhere.lines.map(shown)).toContain('staging x.site 443/tcp < --to');
  });

  it('what was written for the nodes counts, alone and laid over a configuration', async () => {
    writeLock('v1.14.4');
    const emitted = await folder.airgap(['emit', ...closed.slice(0, 5), '--output', 'airgap-talos.yaml']);
    expect(emitted.status).toBe(0);
    const written = [
      'nodes 10.0.0.1 123/udp < airgap-talos.yaml',
      'nodes 10.0.0.2 53/tcp < airgap-talos.yaml',
      'nodes 10.0.0.2 53/udp < airgap-talos.yaml',
      'nodes r.site 5000/tcp < airgap-talos.yaml',
    ];
    expect((await list(['--role', 'nodes'])).lines.map(shown).sort()).toEqual(written);
    // What is typed stands before what was written.
    const moved = await list(['--role', 'nodes', '--to', 'https://x.site', ...closed]);
    expect(moved.lines.map(({ host }) => host)).toContain('x.site');
    expect(moved.lines.map(({ host }) => host)).not.toContain('r.site');
    const head = 'version: v1alpha1\nmachine: {type: worker, token: abcdef.0123456789abcdef}\n';
    const discovery =
      '---\napiVersion: v1alpha1\nkind: DiscoveryServiceConfig\nname: default\nendpoint: https://discovery.talos.dev/\n';
    const sink = '---\napiVersion: v1alpha1\nkind: EventSinkConfig\nendpoint: 10.0.0.9:3247\n';
    folder.write('node.yaml', head + discovery + sink);
    const named = ['airgap.lock', '--config', 'node.yaml', '--role', 'nodes', '--talos-version', 'v1.14.4'];
    const kept = (await list(named)).lines.map(shown);
    expect(kept.sort()).toEqual([...written, 'nodes 10.0.0.9 3247/tcp < node.yaml: EventSinkConfig.endpoint'].sort());
    // Where Talos would refuse the patch, its mirrors alone count.
    folder.write('older.yaml', `${head}cluster: {discovery: {enabled: true}}\n`);
    const older = await list(named.map((word) => (word === 'node.yaml' ? 'older.yaml' : word)));
    expect(older.lines.map(shown)).toEqual(
      expect.arrayContaining([
        'nodes r.site 5000/tcp < airgap-talos.yaml',
        'nodes discovery.talos.dev 443/tcp < document document',
      ]),
    );
  });

  it('prints the same in a pipe and into a file, in lines of a width that can be read; on a terminal fewer of many', async () => {
    const argv = ['egress', 'registry.k8s.io/pause:3.10', ...closed];
    const piped = await folder.airgap(argv);
    expect(Math.max(...piped.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(130);
    expect(piped.stdout.match(/prod-registry-k8s-io\S+amazonaws\.com$/gm)?.length).toBeGreaterThan(25);
    await folder.airgap([...argv, '--output', 'one.txt'], { columns: 90 });
    await folder.airgap([...argv, '--output-dir', 'more'], { columns: 90 });
    expect([folder.read('one.txt'), folder.read('more/egress.txt')]).toEqual([piped.stdout, piped.stdout]);
    const shown = await folder.airgap(argv, { columns: 90 });
    expect(Math.max(...shown.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(90);
    expect(shown.stdout).toMatch(/^ {2}and \d+ more: see --format csv$/m);
  });
});
