import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { readNodeConfig } from '../../../src/node/read-config.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();
const told = ['--ntp', '10.0.0.1', '--dns', '10.0.0.2', '--no-discovery', '--host-entry', 'registry.site=10.0.0.5'];
const patch = () => readNodeConfig([{ name: 'airgap-talos.yaml', text: world.folder.read('airgap-talos.yaml') }]);

describe('airgap mirror, what nodes are told', () => {
  it('is in the one patch beside the lock, with every address in order', async () => {
    const addresses = ['--endpoint', 'https://a.site', '--endpoint', 'https://b.site:8443'];
    const args = ['mirror', kubelet, pause, ...world.from(), ...world.to(), ...addresses, ...told];
    const ran = await world.folder.airgap([...args, '--talos-version', 'v1.13.9']);
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const config = patch();
    expect(config.mirrors).toEqual([
      {
        registry: '*',
        endpoints: [
          { url: 'https://a.site', overridePath: false },
          { url: 'https://b.site:8443', overridePath: false },
        ],
        skipFallback: true,
      },
    ]);
    expect([config.time.servers, config.nameservers.map(({ address }) => address), config.discovery.disabled]).toEqual([
      ['10.0.0.1'],
      ['10.0.0.2'],
      true,
    ]);
    const lock = parseLock(world.folder.read('airgap.lock'), 'airgap.lock');
    expect(lock.mirrors.map(({ endpoint }) => endpoint)).toEqual(['https://a.site', 'https://b.site:8443']);
    expect((await world.folder.airgap(['verify', ...world.to()])).status).toBe(0);
  });

  it('is written in other formats into a folder as well', async () => {
    const more = ['--output-dir', 'nodes', '--format', 'talos', '--format', 'k3s'];
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to(), ...told, ...more]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(world.folder.read('nodes/k3s/registries.yaml')).toContain(world.registry.url);
    expect(readdirSync(world.folder.file('nodes')).length).toBeGreaterThan(2);
    for (const name of readdirSync(world.folder.file('nodes')).filter((file) => file.endsWith('.yaml')))
      expect(ran.stdout).toContain(`wrote nodes/${name}`);
    expect(existsSync(world.folder.file('airgap-talos.yaml'))).toBe(true);
  });

  it('takes an authority that comes through a pipe, for every address and into a directory', async () => {
    const authority = readFileSync(fileURLToPath(new URL('../../../fixtures/tls/ca.pem', import.meta.url)), 'utf8');
    const pipe = world.folder.file('ca.pipe');
    execFileSync('mkfifo', [pipe]);
    const addresses = ['--endpoint', 'https://a.site', '--endpoint', 'https://b.site', '--endpoint-ca', 'ca.pipe'];
    const [ran] = await Promise.all([
      world.folder.airgap(['mirror', pause, ...world.from(), '--to', 'oci:images', ...addresses]),
      writeFile(pipe, authority),
    ]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect([...patch().tls].map(([host, { ca }]) => [host, ca])).toEqual([
      ['a.site', authority],
      ['b.site', authority],
    ]);
  });

  it('keeps secrets in the file that was named for them, and out of everything else', async () => {
    const user = ['--endpoint', 'https://a.site', '--endpoint-user', 'node', '--secrets', 'secrets.yaml'];
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to(), ...user], {
      env: { AIRGAP_ENDPOINT_PASSWORD: 'h-u-s-h' },
    });
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(world.folder.read('secrets.yaml')).toContain('h-u-s-h');
    expect(statSync(world.folder.file('secrets.yaml')).mode & 0o777).toBe(0o600);
    const rest = [ran.stdout, ran.stderr, world.folder.read('airgap.lock'), world.folder.read('airgap-talos.yaml')];
    for (const text of rest) expect(text).not.toContain('h-u-s-h');
  });

  it('keeps the secrets of Talos where another program has some too', async () => {
    const user = ['--endpoint', 'https://a.site', '--endpoint-user', 'node', '--secrets', 'secrets.yaml'];
    const more = ['--output-dir', 'nodes', '--format', 'k3s'];
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to(), ...user, ...more], {
      env: { AIRGAP_ENDPOINT_PASSWORD: 'h-u-s-h' },
    });
    expect(ran.status).toBe(0);
    expect(world.folder.read('secrets.yaml')).toContain('kind: RegistryAuthConfig');
    expect(world.folder.read('nodes/registries.secret.yaml')).toContain('h-u-s-h');
    expect(statSync(world.folder.file('nodes/registries.secret.yaml')).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['secrets in place of the lock', ['--endpoint-user', 'node', '--secrets', 'airgap.lock'], 'named for something'],
    ['--endpoint-user without --secrets', ['--endpoint-user', 'node'], 'no file was named for secrets'],
    ['a format without a folder', ['--format', 'k3s'], 'its files need a folder'],
    ['a path that images are not put at', ['--endpoint', 'https://a.site/project'], 'nodes would ask elsewhere'],
    ['what the release does not know', ['--image-cache', '--talos-version', 'v1.8.4'], 'v1.9'],
  ])('refuses %s before anything is written', async (_, flags, message) => {
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to(), ...flags], {
      env: { AIRGAP_ENDPOINT_PASSWORD: 'h-u-s-h' },
    });
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining(message)]);
    expect([world.writes(), readdirSync(world.folder.path)]).toEqual([[], []]);
  });

  it('refuses what has no address to be written for', async () => {
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), ...told]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('--endpoint')]);
    expect(readdirSync(world.folder.path)).toEqual([]);
  });
});
