/** airgap.yaml in place of a command line. */
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { printAsked } from '../../../src/oci/retag.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();

const declare = (text: string, name = 'airgap.yaml') => world.folder.write(name, text);
const whole = (more = '') => `version: 1
images:
  lists: [images.txt]
  references: ${pause}
  retag:
    ${kubelet}: site/node:blue
source:
  endpoints:
    '*': ${world.upstream.url}
target:
  to: ${world.registry.url}/infra
  naming: by-registry
files:
  lock: site.lock
${more}`;
const lockOf = (name: string) => parseLock(world.folder.read(name), name);
const asked = (name: string) =>
  lockOf(name).images.map(({ source, retag }) => printAsked({ reference: source, retag }));

describe('airgap mirror with airgap.yaml', () => {
  it('does what the file says, and says so', async () => {
    world.folder.write('images.txt', `${kubelet}\n`);
    declare(whole());
    const ran = await world.folder.airgap(['mirror']);
    expect([ran.status, ran.stderr]).toEqual([
      0,
      expect.stringContaining('note: taking what is not said here from "airgap.yaml" (--no-file to do without)\n'),
    ]);
    expect(asked('site.lock')).toEqual([kubelet, `${kubelet} => site/node:blue`, pause]);
    expect(lockOf('site.lock').rule).toEqual({ naming: 'by-registry', registry: expect.any(String), prefix: 'infra' });
    expect(lockOf('site.lock').images.map(({ origins }) => origins)).toEqual([
      ['images.txt:1'],
      ['airgap.yaml:6'],
      ['airgap.yaml:4'],
    ]);
    expect(existsSync(world.folder.file('site-talos.yaml'))).toBe(true);
    world.written.length = 0;
    expect((await world.folder.airgap(['mirror'])).stdout).toContain('all unchanged');
    expect(world.writes()).toEqual([]);
    const verified = await world.folder.airgap(['verify']);
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringContaining('3 images')]);
    expect((await world.folder.airgap(['plan'])).stdout).toContain('all unchanged');
    const emitted = await world.folder.airgap(['emit', '--quiet']);
    expect([emitted.status, emitted.stdout]).toEqual([0, expect.stringContaining('ghcr.io')]);
    expect(emitted.stderr).toBe('');
  });

  it('lets the command line win, key by key, and the environment as well', async () => {
    world.folder.write('images.txt', `${kubelet}\n`);
    declare(whole());
    await world.folder.airgap(['mirror', '--lock', 'mine.lock', '--to', `${world.registry.url}/mine`]);
    expect(lockOf('mine.lock').rule).toMatchObject({ naming: 'by-registry', prefix: 'mine' });
    await world.folder.airgap(['mirror'], { env: { AIRGAP_LOCK: 'env.lock', AIRGAP_TO: `${world.registry.url}/env` } });
    expect(lockOf('env.lock').rule).toMatchObject({ naming: 'by-registry', prefix: 'env' });
    await world.folder.airgap(['mirror', '--to', 'oci:away', '--lock', 'away.lock']);
    expect(lockOf('away.lock').rule.naming).toBe('keep');
  });

  it('leaves the images of the file out when some are named, and keeps the rest', async () => {
    declare(whole());
    const ran = await world.folder.airgap(['mirror', pause]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('its images are left out')]);
    expect(asked('site.lock')).toEqual([pause]);
  });

  it('writes for the release of its nodes all the same, as when one image is mirrored again', async () => {
    const nodes = 'nodes:\n  endpoints: https://10.5.0.1:6000\n  endpointUser: node\n  secrets: secrets.yaml\n';
    declare(whole(nodes).replace('images:', 'images:\n  talos: v1.11.6..v1.13.9'));
    const ran = await world.folder.airgap(['mirror', pause, '--lock', 'repair.lock'], {
      env: { AIRGAP_ENDPOINT_PASSWORD: 'x' },
    });
    expect(ran, ran.stderr).toMatchObject({ status: 0 });
    for (const file of ['repair-talos.yaml', 'secrets.yaml']) {
      expect(world.folder.read(file)).toContain('Talos v1.11.6');
      expect(world.folder.read(file)).toContain('machine:');
    }
  });

  it('takes all of a directory given with --from', async () => {
    await world.folder.airgap(['mirror', pause, ...world.from(), '--to', 'oci:away', '--lock', 'away.lock']);
    declare(whole());
    const ran = await world.folder.airgap(['mirror', '--from', 'oci:away']);
    expect([ran.status, asked('site.lock')]).toEqual([0, [pause]]);
  });

  it('reads another file with --file or AIRGAP_FILE, relative to that file, and none with --no-file', async () => {
    mkdirSync(world.folder.file('site'));
    world.folder.write(join('site', 'images.txt'), `${pause}\n`);
    declare(whole('  patch: out/nodes.yaml\n'), join('site', 'mirror.yaml'));
    declare('version: 1\nimages: {talos: v0.0.1}\n');
    const ran = await world.folder.airgap(['mirror', '--file', 'site/mirror.yaml']);
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('from "site/mirror.yaml"\n')]);
    expect(existsSync(world.folder.file('site/site.lock'))).toBe(true);
    expect(existsSync(world.folder.file('site/out/nodes.yaml'))).toBe(true);
    expect(lockOf('site/site.lock').images.at(-1)?.origins).toEqual(['site/images.txt:1', 'site/mirror.yaml:4']);
    const byVariable = await world.folder.airgap(['plan'], { env: { AIRGAP_FILE: 'site/mirror.yaml' } });
    expect(byVariable.status).toBe(0);
    const without = await world.folder.airgap(['mirror', '--no-file', pause, ...world.from(), ...world.to()]);
    expect([without.status, without.stderr]).toEqual([0, expect.not.stringContaining('airgap.yaml"')]);
    const absent = await world.folder.airgap(['mirror', '--file', 'none.yaml']);
    expect([absent.status, absent.stderr]).toEqual([
      2,
      expect.stringContaining('Cannot read "none.yaml": file not found'),
    ]);
  });

  it('tells every problem with its line, and contacts nobody', async () => {
    declare('version: 1\nimags:\n  talos: v1\ntarget:\n  tou: x\n  password: hunter2\n  concurrency: many\n');
    const ran = await world.folder.airgap(['mirror']);
    expect(ran.status).toBe(2);
    expect(ran.stderr.split('\n').slice(0, 5)).toEqual([
      'error: Cannot read "airgap.yaml": 4 things are wrong in it',
      '  airgap.yaml:2: "imags" is no key of airgap.yaml: did you mean images?',
      '  airgap.yaml:5: "tou" is no key of target: did you mean to?',
      expect.stringContaining(
        '  airgap.yaml:6: "password": passwords and tokens are not read from a file: they come from the environment',
      ),
      '  airgap.yaml:7: target.concurrency has to be a whole number from 0 to 1000000, and is the text "many"',
    ]);
    expect(ran.stderr).not.toContain('hunter2');
    expect([...world.asked, ...world.written]).toEqual([]);
  });

  it('names lines and keys where what it says is refused, and not those of what was typed', async () => {
    declare(whole('nodes:\n  formats: [hosts-toml]\nconnections:\n  idleTimeout: soon\n'));
    world.folder.write('images.txt', `${kubelet}\n`);
    const ran = await world.folder.airgap(['mirror']);
    expect([ran.status, ran.stderr.split('\n').slice(1, 4)]).toEqual([
      2,
      [
        'error: Cannot read --idle-timeout "soon": not a duration',
        '  asked by: airgap.yaml:18',
        '  hint: write it like 30s, 5m or 1h30m; --idle-timeout is connections.idleTimeout there',
      ],
    ]);
    const format = await world.folder.airgap(['mirror', '--idle-timeout', '5s']);
    expect(format.stderr).toMatch(/--format.*\n {2}asked by: airgap\.yaml:16\n.*--format is nodes\.formats there\n/);
    const typed = await world.folder.airgap(['mirror', '--idle-timeout', 'later']);
    expect(typed.stderr).toContain('"later": not a duration\n  hint: write it like 30s, 5m or 1h30m\n');
  });

  it('is not passed over where it is a link that leads nowhere', async () => {
    rmSync(world.folder.file('airgap.yaml'), { force: true });
    symlinkSync('gone.yaml', world.folder.file('airgap.yaml'));
    const ran = await world.folder.airgap(['plan', pause]);
    rmSync(world.folder.file('airgap.yaml'));
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('Cannot read "airgap.yaml": file not found')]);
  });

  it('takes both forms of an image cache as the directories they are', async () => {
    mkdirSync(world.folder.file('caches'), { recursive: true });
    declare(`version: 1\ntarget:\n  to: image-cache-oci:cache\n`, join('caches', 'mirror.yaml'));
    const file = ['--file', 'caches/mirror.yaml'];
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), ...file, '--lock', 'cache.lock']);
    expect([ran.status, existsSync(world.folder.file('caches/cache/index.json'))]).toEqual([0, true]);
    declare(whole());
    world.folder.write('images.txt', `${kubelet}\n`);
    const other = await world.folder.airgap(['mirror', '--to', 'image-cache-oci:other', '--lock', 'other.lock']);
    expect([other.status, lockOf('other.lock').rule.naming]).toEqual([0, 'keep']);
    const from = await world.folder.airgap([
      'mirror',
      '--from',
      'image-cache-oci:caches/cache',
      '--lock',
      'site2.lock',
    ]);
    expect([from.status, asked('site2.lock')]).toEqual([0, [pause]]);
  });

  it('lets a lock say where its images are, and does without one', async () => {
    const host = world.registry.url.replace('http://', '');
    declare(whole().replace(`${world.registry.url}/infra`, `${host}/infra`).replace('  lists: [images.txt]\n', ''));
    const early = await world.folder.airgap(['emit', '--talos', 'v1.14.4', '--endpoint', 'http://10.5.0.1:6000']);
    expect([early.status, early.stdout]).toEqual([0, expect.stringContaining('http://10.5.0.1:6000/v2/infra/ghcr.io')]);
    expect((await world.folder.airgap(['mirror'])).status).toBe(0);
    const emitted = await world.folder.airgap(['emit']);
    expect([emitted.status, emitted.stdout]).toEqual([
      0,
      expect.stringContaining(`${world.registry.url}/v2/infra/ghcr.io`),
    ]);
    await world.folder.airgap(['mirror', '--no-file', pause, ...world.from(), ...world.to(), '--lock', 'other.lock']);
    const verified = await world.folder.airgap(['verify', '--lock', 'other.lock']);
    expect([verified.status, verified.stdout]).toEqual([0, expect.stringContaining('1 image')]);
  });

  it('is no list of images', async () => {
    declare(whole());
    const ran = await world.folder.airgap(['mirror', '--no-file', 'airgap.yaml', ...world.to()]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringMatching(/it is an airgap\.yaml.*\n.*--file/s)]);
  });

  it('names a list that is not there, which is no reference either', async () => {
    declare('version: 1\nimages:\n  lists:\n    - nginx\n');
    const ran = await world.folder.airgap(['mirror', ...world.to()]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('Cannot read "nginx": file not found')]);
    expect(ran.stderr).toContain('airgap.yaml:4');
  });

  it('reads a switch that is on by default and off in the file', async () => {
    declare(
      `version: 1\nimages: {references: ['${kubelet}'], signatures: false}\nsource: {endpoints: {'*': '${world.upstream.url}'}}\ntarget: {to: '${world.registry.url}'}\n`,
    );
    await world.folder.airgap(['mirror']);
    expect(lockOf('airgap.lock').images[0]?.signatures).toBe('not-asked');
  });
});
