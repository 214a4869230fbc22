/** What `airgap mirror` does and says when something fails, and how programs read it. */
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../../src/errors.ts';
import { parseLock } from '../../../src/lock/parse.ts';
import { seedImage } from '../../support/seedImages.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();

describe('airgap mirror when something fails', () => {
  it('goes on with the others, lists what failed, and ends with 6', async () => {
    world.folder.write('images.txt', `${pause}\nghcr.io/siderolabs/missing:1\n`);
    const ran = await world.folder.airgap([
      'mirror',
      'images.txt',
      ...world.from(),
      ...world.to(),
      '--failed-list',
      'failed.txt',
    ]);
    expect(ran.status).toBe(6);
    expect(ran.stderr).toMatch(/^error: Cannot .*missing/m);
    expect(ran.stderr).toContain('asked by: images.txt:2');
    expect(world.folder.read('failed.txt')).toMatch(/^# Cannot .*\nghcr\.io\/siderolabs\/missing:1\n$/);
    expect(parseLock(world.folder.read('airgap.lock'), 'l').images).toHaveLength(1);
    expect(
      (await world.folder.airgap(['mirror', 'failed.txt', ...world.from(), ...world.to(), '--lock', 'other.lock']))
        .status,
    ).toBe(3);
  });

  it('tells of an image that cannot be resolved twice: its state in the plan, and why at the end', async () => {
    const missing = 'ghcr.io/siderolabs/missing:1';
    for (const argv of [['mirror'], ['mirror', '--dry-run'], ['plan']]) {
      const ran = await world.folder.airgap([...argv, missing, ...world.from(), ...world.to()]);
      expect(ran.stdout).toMatch(/^ghcr\.io\/siderolabs\/missing:1 .* not found$/m);
      expect(ran.stdout).toMatch(/^images +1, 1 cannot be resolved\nto move +nothing$/m);
      expect(ran.stderr.match(/^.*missing:1/gm)).toEqual([expect.stringMatching(/^error: Cannot fetch manifest /)]);
      expect(ran.stderr).toContain('  asked by: the command line\n');
      expect([ran.status, ran.stdout.match(/missing:1/g)?.length]).toEqual([3, 2]);
    }
  });

  it('writes no lock and no patch when nothing stands, and ends with 3 when all failed at the source', async () => {
    const ran = await world.folder.airgap([
      'mirror',
      'ghcr.io/a/missing:1',
      'ghcr.io/b/missing:2',
      ...world.from(),
      ...world.to(),
    ]);
    expect([ran.status, readdirSync(world.folder.path)]).toEqual([3, ['airgap.lock.contacts.json']]);
    expect(ran.stdout).toContain('No image stands');
  });

  it('ends with 3 when the source cannot be reached', async () => {
    const ran = await world.folder.airgap([
      'mirror',
      pause,
      '--source-endpoint',
      `*=http://127.0.0.1:${await closedPort()}`,
      ...world.to(),
      '--retries',
      '0',
    ]);
    expect([ran.status, ran.stderr]).toEqual([3, expect.stringMatching(/^error: /m)]);
  });

  it('tells of a target that is gone once per image when verifying, and not of its catalog', async () => {
    await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to()]);
    await world.registry.close();
    const ran = await world.folder.airgap(['verify', '--retries', '0']);
    expect([ran.status, ran.stdout]).toEqual([5, expect.not.stringContaining('catalog')]);
    expect(ran.stderr.match(/unreachable/g)).toHaveLength(1);
  });

  it('ends with 4 when the target cannot be reached', async () => {
    const ran = await world.folder.airgap([
      'mirror',
      pause,
      ...world.from(),
      '--to',
      `127.0.0.1:${await closedPort()}`,
      '--retries',
      '0',
    ]);
    expect([ran.status, ran.stderr]).toEqual([4, expect.stringContaining('over HTTPS or HTTP')]);
  });

  it('refuses two references that would meet in one place, before anything is written', async () => {
    await seedImage(world.upstreamStore, 'quay.io/siderolabs/kubelet:v1.37.1', { layers: ['another'] });
    const apart = ['ghcr.io', 'quay.io'].flatMap((name) => [
      '--source-endpoint',
      `${name}=${world.upstream.url}/${name}`,
    ]);
    const ran = await world.folder.airgap([
      'mirror',
      kubelet,
      'quay.io/siderolabs/kubelet:v1.37.1',
      ...apart,
      ...world.to(),
    ]);
    expect([ran.status, world.writes()]).toEqual([2, []]);
    expect(ran.stderr).toContain('hint:');
  });

  it('ends with 130 when it is interrupted, and leaves the earlier lock alone', async () => {
    world.folder.write('images.txt', `${pause}\n`);
    const controller = new AbortController();
    controller.abort(new AirgapError('ERR_INTERRUPTED', 'Cannot go on: interrupted by SIGINT'));
    const ran = await world.folder.airgap(['mirror', 'images.txt', ...world.from(), ...world.to()], {
      signal: controller.signal,
    });
    expect([ran.status, ran.stderr]).toEqual([130, 'error: Cannot go on: interrupted by SIGINT\n']);
    expect(existsSync(world.folder.file('airgap.lock'))).toBe(false);
  });

  it('ends when --timeout is over', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const ran = await world.folder.airgap([
      'mirror',
      pause,
      '--source-endpoint',
      `*=http://127.0.0.1:${port}`,
      ...world.to(),
      '--timeout',
      '200ms',
    ]);
    silent.close();
    expect([ran.status, ran.stderr]).toEqual([3, expect.stringContaining('took longer than 0.2 s')]);
  });
});

describe('airgap mirror --json', () => {
  it('prints JSON lines and nothing else, the result last', async () => {
    const ran = await world.folder.airgap([
      'mirror',
      pause,
      'ghcr.io/a/missing:1',
      ...world.from(),
      ...world.to(),
      '--json',
    ]);
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
    const ran = await world.folder.airgap(['mirror', 'missing.txt', ...world.to(), '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ type: 'result', exitCode: 2, error: { code: 'ERR_INPUT_INVALID' } });
    expect(ran.stderr).toContain('file not found');
  });
});

describe('airgap mirror --quiet', () => {
  it('prints errors and nothing else', async () => {
    const good = await world.folder.airgap(['mirror', pause, ...world.from(), ...world.to(), '--quiet']);
    expect([good.status, good.stdout, good.stderr]).toEqual([0, '', '']);
    const bad = await world.folder.airgap(['mirror', 'ghcr.io/a/missing:1', ...world.from(), ...world.to(), '--quiet']);
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
