import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AirgapEvent } from '../../../src/events.ts';
import { credentialLookup, credentialPaths } from '../../../src/store/registry/credentials.ts';

let folder: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-credentials-'));
  await helper(
    'good',
    `read host; [ "$host" = helper.example ] || { echo "credentials not found in native keychain"; exit 1; }
echo '{"ServerURL":"helper.example","Username":"keychain","Secret":"hidden"}'`,
  );
  await helper(
    'hub',
    `read host; [ "$host" = https://index.docker.io/v1/ ] || { echo "credentials not found in native keychain"; exit 1; }
echo '{"Username":"<token>","Secret":"hubtoken"}'`,
  );
  await helper('broken', 'echo top-secret; exit 3');
  await helper('talks', 'echo top-secret');
  await helper('sleeps', 'exec sleep 30');
  await helper('leaves', 'sleep 30; true');
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function helper(name: string, script: string): Promise<void> {
  const path = join(folder, `docker-credential-${name}`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function fileWith(content: unknown): Promise<Record<string, string>> {
  count += 1;
  const path = join(folder, `auth-${count}.json`);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return { REGISTRY_AUTH_FILE: path, PATH: `${folder}:${process.env.PATH}` };
}

async function lookup(content: unknown, host: string, extra: { events?: (event: AirgapEvent) => void } = {}) {
  return credentialLookup({ environment: await fileWith(content), helperTimeoutMs: 1000, ...extra })(host);
}

describe('credentialLookup()', () => {
  it('reads user and password from auth', async () => {
    const auths = { 'mirror.example:6000': { auth: base64('robot:a:b\0\0') } };
    expect(await lookup({ auths }, 'mirror.example:6000')).toEqual({ username: 'robot', password: 'a:b' });
  });

  it.each(['mirror.example', 'mirror.example:6001', 'example', 'sub.mirror.example:6000', 'xmirror.example:6000'])(
    'keeps what is for another host from %s',
    async (host) => {
      const auths = { 'mirror.example:6000': { auth: base64('robot:pw') } };
      expect(await lookup({ auths }, host)).toBeUndefined();
    },
  );

  it.each(['https://mirror.example', 'http://Mirror.example/v2/', 'mirror.example/', 'https://mirror.example/v1/'])(
    'takes key %s for its host',
    async (key) => {
      expect(await lookup({ auths: { [key]: { auth: base64('a:b') } } }, 'mirror.example')).toBeDefined();
    },
  );

  it('leaves a key for a path of a host alone', async () => {
    expect(
      await lookup({ auths: { 'mirror.example/team': { auth: base64('a:b') } } }, 'mirror.example'),
    ).toBeUndefined();
  });

  it.each(['docker.io', 'registry-1.docker.io', 'index.docker.io'])('finds Docker Hub as %s', async (host) => {
    const auths = { 'https://index.docker.io/v1/': { auth: base64('hub:pw') } };
    expect(await lookup({ auths }, host)).toEqual({ username: 'hub', password: 'pw' });
    const given = new Map([['docker.io', { username: 'given', password: 'x' }]]);
    expect(await credentialLookup({ environment: {}, given })(host)).toEqual({ username: 'given', password: 'x' });
  });

  it('prefers an identity token, and takes username and password written out', async () => {
    const auths = {
      'a.example': { auth: base64('x:'), identitytoken: 'tok' },
      'b.example': { username: 'u', password: 'p' },
    };
    expect(await lookup({ auths }, 'a.example')).toEqual({ identityToken: 'tok' });
    expect(await lookup({ auths }, 'b.example')).toEqual({ username: 'u', password: 'p' });
  });

  it('asks the helper of exactly this host', async () => {
    const content = { credHelpers: { 'helper.example': 'good' }, auths: { 'helper.example': { auth: base64('x:y') } } };
    expect(await lookup(content, 'helper.example')).toEqual({ username: 'keychain', password: 'hidden' });
    expect(await lookup(content, 'other.example')).toBeUndefined();
  });

  it('asks the store for every host, Docker Hub by its old key', async () => {
    expect(await lookup({ credsStore: 'good' }, 'helper.example')).toEqual({
      username: 'keychain',
      password: 'hidden',
    });
    expect(await lookup({ credsStore: 'good' }, 'unknown.example')).toBeUndefined();
    expect(await lookup({ credsStore: 'hub' }, 'registry-1.docker.io')).toEqual({ identityToken: 'hubtoken' });
  });

  it('goes on without a store that is not installed, and says so', async () => {
    const events: AirgapEvent[] = [];
    const found = await lookup({ credsStore: 'nowhere' }, 'a.example', { events: (event) => events.push(event) });
    expect(found).toBeUndefined();
    expect(events).toEqual([{ type: 'notice', message: expect.stringContaining('docker-credential-nowhere') }]);
  });

  it.each([
    ['broken', 'status 3'],
    ['talks', 'not JSON'],
    ['sleeps', 'too long'],
    ['leaves', 'too long'],
    ['nowhere', 'no program'],
    ['../good', 'name'],
  ])('reports helper %s without what it wrote', async (name, state) => {
    const failed = lookup({ credHelpers: { 'a.example': name } }, 'a.example');
    await expect(failed).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID', message: expect.stringContaining(state) });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('top-secret') });
  });

  it.each([
    ['{"auths": {"a.example": {"auth": "dG9wLXNlY3JldA=="', 'not JSON'],
    ['[]', 'not a JSON object'],
    [{ auths: { 'a.example': { auth: base64('top-secret') } } }, 'base64'],
    [{ auths: { 'a.example': 'top-secret' } }, 'not an object'],
    [{ auths: ['top-secret'] }, 'not an object'],
    [{ credHelpers: { a: 3 } }, 'not text'],
  ])('names a malformed file but not its content (%#)', async (content, state) => {
    const environment = await fileWith(content);
    const failed = credentialLookup({ environment })('a.example');
    await expect(failed).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID', message: expect.stringContaining(state) });
    await expect(failed).rejects.toMatchObject({
      message: expect.stringContaining(environment.REGISTRY_AUTH_FILE ?? ''),
    });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringMatching(/top-secret|dG9w/) });
  });

  it('refuses a REGISTRY_AUTH_FILE that is not there', async () => {
    const environment = { REGISTRY_AUTH_FILE: join(folder, 'absent.json') };
    await expect(credentialLookup({ environment })('a.example')).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
  });

  it('looks at the containers file, then at the docker file', async () => {
    const runtime = join(folder, 'run');
    const docker = join(folder, 'docker');
    await mkdir(join(runtime, 'containers'), { recursive: true });
    await mkdir(docker);
    await writeFile(
      join(runtime, 'containers', 'auth.json'),
      JSON.stringify({ auths: { 'a.example': { auth: base64('r:1') } } }),
    );
    const auths = { 'a.example': { auth: base64('d:2') }, 'b.example': { auth: base64('d:3') } };
    await writeFile(join(docker, 'config.json'), JSON.stringify({ auths }));
    const find = credentialLookup({ environment: { XDG_RUNTIME_DIR: runtime, DOCKER_CONFIG: docker } });
    expect(await find('a.example')).toEqual({ username: 'r', password: '1' });
    expect(await find('b.example')).toEqual({ username: 'd', password: '3' });
    expect(
      await credentialLookup({ environment: { DOCKER_CONFIG: docker }, files: false })('a.example'),
    ).toBeUndefined();
  });
});

describe('credentialPaths()', () => {
  it('takes REGISTRY_AUTH_FILE alone, and HOME where DOCKER_CONFIG is not set', () => {
    expect(credentialPaths({ REGISTRY_AUTH_FILE: '/x', HOME: '/h' })).toEqual(['/x']);
    expect(credentialPaths({ HOME: '/h', XDG_RUNTIME_DIR: '/r' })).toEqual([
      '/r/containers/auth.json',
      '/h/.docker/config.json',
    ]);
    expect(credentialPaths({ HOME: '/h', DOCKER_CONFIG: '/d' })).toEqual(['/d/config.json']);
  });
});
