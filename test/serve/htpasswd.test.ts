import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hashSync } from 'bcryptjs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAirgapError } from '../../src/errors.ts';
import { openHttpClient } from '../../src/http/open.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { openHtpasswd, parseHtpasswd } from '../../src/serve/htpasswd.ts';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { openRegistry } from '../../src/store/registry/open.ts';
import { seedImage } from '../support/seedImages.ts';

/** Cost 4, the least there is. */
const hashOf = (password: string, kind = '2y'): string => hashSync(password, 4).replace(/^\$2b/, `$${kind}`);
const { tag = never() } = parseReference('pause:3.10');
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

describe('parseHtpasswd()', () => {
  it('takes the three names of bcrypt, comments, blank lines and lines of other systems', () => {
    const [a, b, c] = [hashOf('a', '2a'), hashOf('b', '2b'), hashOf('c', '2y')];
    const users = parseHtpasswd(`# who\n\nada:${a}\r\n  bob:${b}\nüte@x:${c}`, 'users');
    expect([...users]).toEqual([
      ['ada', a],
      ['bob', b],
      ['üte@x', c],
    ]);
  });

  it.each([
    ['MD5', 'ada:$apr1$x$y', /line 2: .*"ada" is hashed with MD5.*bcrypt/, 'htpasswd -B users ada'],
    ['SHA-1', 'ada:{SHA}x', /line 2: .*SHA-1/, 'htpasswd -B users ada'],
    ['SHA-2', 'ada:$6$x$y', /line 2: .*SHA-2/, 'htpasswd -B users ada'],
    ['crypt', 'ada:rqXexS6ZhobKA', /line 2: .*crypt/, 'htpasswd -B users ada'],
    ['a plain password', 'ada:open sesame', /line 2: .*not hashed/, 'htpasswd -B users ada'],
    ['a hash cut short', 'ada:$2y$10$abc', /line 2: .*cut short/, 'htpasswd -B users ada'],
    ['a cost that takes a minute', `ada:$2y$20$${'a'.repeat(53)}`, /line 2: the cost of "ada" is 20/, '-C 10'],
    ['no user', ':x', /line 2: it is not NAME:HASH/, 'htpasswd -B'],
    ['no colon', 'ada', /line 2: it is not NAME:HASH/, 'htpasswd -B'],
    ['an escape in a name', 'a\u001b[2Jb:x', /line 2: .*"a\\u001b\[2Jb"/, 'htpasswd -B users NAME'],
  ])('refuses %s, naming line, user and what to type', (_, line, message, hint) => {
    const error = thrownBy(() => parseHtpasswd(`#\n${line}\n`, 'users'));
    expect(error).toMatchObject({ code: 'ERR_INPUT_INVALID', message: expect.stringMatching(message) });
    expect(isAirgapError(error) && error.hint).toContain(hint);
    expect(String(error)).not.toMatch(/sesame|rqXex|\n/);
  });

  it('refuses a user twice, and a file without one', () => {
    expect(() => parseHtpasswd(`a:${hashOf('x')}\na:${hashOf('y')}`, 'users')).toThrow(
      /line 2: "a" stands in the file twice/,
    );
    expect(() => parseHtpasswd('# nobody\n', 'users')).toThrow(/no user is in it/);
  });

  it('gives users or an error with a code, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const error = thrownBy(() => parseHtpasswd(text, 'users'));
        if (error !== undefined) expect(error).toMatchObject({ code: 'ERR_INPUT_INVALID' });
      }),
    );
  });

  const hasProgram = spawnSync('htpasswd', ['-h']).error === undefined;
  const why = hasProgram ? '' : ' (skipped because the Debian package apache2-utils is not installed)';
  it.skipIf(!hasProgram)(`reads what htpasswd -B writes${why}`, () => {
    const text = execFileSync('htpasswd', ['-nbB', 'ada', 'secret'], { encoding: 'utf8' });
    expect([...parseHtpasswd(text, 'users').keys()]).toEqual(['ada']);
  });
});

describe('a registry with users', () => {
  let folder: string;
  let file: string;
  let server: RunningServer;
  const warnings: string[] = [];
  const pause = '/v2/pause/manifests/3.10?ns=registry.k8s.io';

  const start = async (text: string, options: { anonymousRead?: boolean; writable?: boolean } = {}) => {
    await writeFile(file, text);
    const access = await openHtpasswd(file, { ...options, onWarning: (message) => void warnings.push(message) });
    const store = openMemory();
    await seedImage(store, 'registry.k8s.io/pause:3.10');
    server = await serveStore(store, { access, graceMs: 100, ...options });
  };
  const ask = async (path: string, text?: string, init: RequestInit = {}) => {
    const answer = await fetch(`${server.url}${path}`, { ...init, headers: text === undefined ? {} : basic(text) });
    await answer.arrayBuffer();
    return answer;
  };
  const status = async (path: string, text?: string, init?: RequestInit) => (await ask(path, text, init)).status;

  beforeEach(async () => {
    warnings.length = 0;
    folder = await mkdtemp(join(tmpdir(), 'airgap-users-'));
    file = join(folder, 'users');
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('asks for a user and takes the right password alone', async () => {
    await start(`ada:${hashOf('open:sesame')}\n`);
    const refused = await ask('/v2/');
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="airgap", charset="UTF-8"',
    ]);
    for (const path of ['/v2/', pause]) {
      expect(await status(path, 'ada:open:sesame')).toBe(200);
      for (const wrong of ['ada:open', 'ada:', 'bob:open:sesame', ':', 'ada', ':open:sesame'])
        expect(await status(path, wrong)).toBe(401);
    }
    expect(await status('/healthz')).toBe(200);
    for (const authorization of ['Bearer abc', 'Basic', 'Basic !', 'basic'])
      expect((await fetch(`${server.url}/v2/`, { headers: { authorization } })).status).toBe(401);
  });

  it('lets our own client log in, and not with a wrong password', async () => {
    await start(`ada:${hashOf('sesame')}\n`);
    const read = async (password: string) => {
      const host = new URL(server.url).host;
      const client = openHttpClient({
        end: 'source',
        concurrency: 2,
        credentials: async () => ({ username: 'ada', password }),
      });
      const store = openRegistry({ client, end: 'source', baseUrlFor: () => new URL(`http://${host}`) });
      try {
        return await store.repository({ registry: host, repository: 'registry.k8s.io/pause' }).resolve(tag);
      } finally {
        await store.close();
      }
    };
    expect(await read('sesame')).toMatchObject({ digest: expect.stringMatching(/^sha256:/) });
    await expect(read('wrong')).rejects.toMatchObject({ code: 'ERR_UNAUTHORIZED' });
  });

  it('leaves reading open where that was asked for, and still tells clients at /v2/ to log in', async () => {
    await start(`ada:${hashOf('sesame')}\n`, { anonymousRead: true, writable: true });
    const upload = { method: 'POST' };
    expect([await status(pause), await status(pause, ':'), await status(pause, 'ada:wrong')]).toEqual([200, 200, 401]);
    expect([await status('/v2/'), await status('/v2/', 'ada:sesame')]).toEqual([401, 200]);
    expect(await status('/v2/new/blobs/uploads/', undefined, upload)).toBe(401);
    expect(await status('/v2/new/blobs/uploads/', ':', upload)).toBe(401);
    expect(await status('/v2/new/blobs/uploads/', 'ada:sesame', upload)).toBe(202);
  });

  it('shows uploads to users alone, also where reading is open', async () => {
    await start(`ada:${hashOf('sesame')}\n`, { anonymousRead: true, writable: true });
    const headers = basic('ada:sesame');
    const begun = await fetch(`${server.url}/v2/a/b/blobs/uploads/`, { method: 'POST', headers });
    const location = new URL(begun.headers.get('location') ?? '', server.url);
    for (const method of ['GET', 'HEAD', 'PATCH', 'PUT', 'DELETE'])
      expect((await fetch(location, { method })).status, method).toBe(401);
    expect((await fetch(location, { headers })).status).toBe(204);
  });

  it('sees a file that changed, and keeps the users it knows when the new one cannot be used', async () => {
    await start(`ada:${hashOf('old')}\n`);
    expect(await status('/v2/', 'ada:old')).toBe(200);
    const change = async (text: string) => {
      await writeFile(file, text);
      await utimes(file, new Date(), new Date(Date.now() + 5000));
      await wait(1050);
    };
    await change(`ada:${hashOf('new')}\nbob:${hashOf('b')}\n`);
    expect([await status('/v2/', 'ada:old'), await status('/v2/', 'ada:new'), await status('/v2/', 'bob:b')]).toEqual([
      401, 200, 200,
    ]);
    await change('ada:{SHA}x\n');
    expect([await status('/v2/', 'ada:new'), await status('/v2/', 'ada:x')]).toEqual([200, 401]);
    expect(warnings).toEqual([expect.stringMatching(/line 1: .*SHA-1.*known before stay/)]);
    await rm(file);
    await wait(1050);
    expect(await status('/v2/', 'bob:b')).toBe(200);
    expect(warnings).toEqual([expect.anything(), expect.stringMatching(/Cannot read .*known before stay/)]);
  });

  it('checks a password once, however many ask, and a wrong one too', async () => {
    await start(`ada:${hashSync('sesame', 10)}\n`);
    const all = await Promise.all(Array.from({ length: 60 }, () => status('/v2/', 'ada:sesame')));
    expect(new Set(all)).toEqual(new Set([200]));
    const startedAt = performance.now();
    for (let count = 0; count < 50; count += 1) await status('/v2/', 'ada:sesame');
    // 50 checks of cost 10 take some 3 s.
    expect(performance.now() - startedAt).toBeLessThan(1000);
    await status('/v2/', 'ada:wrong');
    const wrongAt = performance.now();
    for (let count = 0; count < 50; count += 1) expect(await status('/v2/', 'ada:wrong')).toBe(401);
    expect(performance.now() - wrongAt).toBeLessThan(1000);
  });

  it('takes the same time for users it does not know', { retry: 2 }, async () => {
    await start(`ada:${hashSync('sesame', 10)}\n`);
    const timeOf = async (name: string): Promise<number> => {
      const times: number[] = [];
      for (let count = 0; count < 5; count += 1) {
        const startedAt = performance.now();
        await status('/v2/', `${name}:guess ${count}`);
        times.push(performance.now() - startedAt);
        // The pause after a check is not part of what a patient client sees.
        await wait(150);
      }
      return times.sort((a, b) => a - b)[2] ?? 0;
    };
    const [known, unknown] = [await timeOf('ada'), await timeOf('eve')];
    expect(Math.abs(known - unknown) / known).toBeLessThan(0.5);
  });

  it('tells guessers to come again when too many passwords wait, and serves who is known meanwhile', async () => {
    await start(`ada:${hashSync('sesame', 10)}\n`);
    expect(await status('/v2/', 'ada:sesame')).toBe(200);
    const guesses = Array.from({ length: 100 }, (_, count) => ask('/v2/', `ada:${count}`).catch(() => undefined));
    const first = await Promise.race(guesses.slice(70));
    expect([first?.status, first?.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await status('/v2/', 'ada:sesame')).toBe(200);
    await server.close();
  });
});

function never(): never {
  throw new Error('a reference without its tag');
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
