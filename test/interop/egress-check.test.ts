/** The check where name servers are silent: from a namespace of its own, as programs of the system see it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { airgapCommand } from './support/airgap.ts';
import { Namespaces, namespacesMissing } from './support/namespaces.ts';
import { missing, output, run, titled } from './support/programs.ts';

const absent = namespacesMissing() ?? missing('nft');
const silent = ['10.9.9.53', '10.9.9.54'];

describe.skipIf(absent !== undefined)(titled('airgap egress check behind silent name servers', absent), () => {
  let spaces: Namespaces;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-silent-'));
    spaces = await Namespaces.make(['silent']);
    await spaces.configure('silent', ['route add local 10.9.9.0/24 dev lo']);
    spaces.askForNames('silent', silent);
    const rules = 'table inet silent { chain input { type filter hook input priority 0; policy drop; }; }\n';
    await output(spaces.command('silent', ['nft', '-f', '-']), { input: rules });
  });

  afterAll(async () => {
    spaces?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  it('blames their lines and no other, and ends in the time of its steps', async () => {
    const images = ['ghcr.io/a/b:1', 'quay.io/c/d:1', 'docker.io/library/e:1'];
    const { command, env } = airgapCommand(['egress', 'check', ...images, '--connect-timeout', '1s', '--json']);
    const started = performance.now();
    const { status, stdout, stderr } = await run(spaces.command('silent', command), { env, cwd: folder });
    const took = performance.now() - started;
    expect(status, stderr).toBe(4);
    const { destinations } = JSON.parse(stdout) as { destinations: readonly { host: string; verdict: string }[] };
    const blocked = destinations.filter(({ verdict }) => verdict !== 'unknown');
    expect([...new Set(blocked.map(({ host, verdict }) => `${verdict} ${host}`))].sort()).toEqual(
      silent.map((address) => `blocked ${address}`),
    );
    expect(destinations.some(({ host, verdict }) => host === 'ghcr.io' && verdict === 'unknown')).toBe(true);
    // getaddrinfo() would keep the process for 20 s.
    expect(took).toBeLessThan(8000);
  });
});

/** Opens every tunnel, to nowhere. */
const openProxy = `
const server = require('node:http').createServer();
server.on('connect', (request, socket) => socket.on('error', () => {}).write('HTTP/1.1 200 OK\\r\\n\\r\\n'));
server.listen(3128, '127.0.0.1', () => console.log('listening'));
`;

describe.skipIf(absent !== undefined)(titled('airgap egress check --assert-closed without a network', absent), () => {
  let spaces: Namespaces;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-sealed-'));
    spaces = await Namespaces.make(['sealed']);
  });

  afterAll(async () => {
    spaces?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function checked(more: readonly string[], proxy = '') {
    const args = ['egress', 'check', '--components', 'time', '--role', 'staging', '--assert-closed', '--no-optional'];
    const { command, env } = airgapCommand([...args, ...more]);
    return await run(spaces.command('sealed', command), { env: { ...env, HTTPS_PROXY: proxy }, cwd: folder });
  }

  it('claims nothing of places it could not try, and says that nothing answers at all', async () => {
    const { status, stdout } = await checked([]);
    expect(status).toBe(0);
    expect(stdout).toContain('warning: nothing that is allowed answers either: this host may have no network at all');
    expect(stdout).toMatch(
      /other places that could be tried none answers \(\d+ without a route, \d+ more not tried, as no name/,
    );
    expect(stdout).toMatch(/^tried from \S+ without an address, waiting 3\.0 s each;/m);
  });

  it('finds the way out through a proxy', async () => {
    const [program = '', ...args] = spaces.command('sealed', [process.execPath, '-e', openProxy]);
    const proxy = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(proxy.stdout, 'data');
      const { status, stdout } = await checked(['--json'], 'http://bob:secret@127.0.0.1:3128');
      expect(status).toBe(5);
      const { closed } = JSON.parse(stdout) as { closed: { open: readonly { host: string; state: string }[] } };
      expect(closed.open).toContainEqual(
        expect.objectContaining({ host: 'ghcr.io', state: 'the proxy 127.0.0.1:3128 connects' }),
      );
      expect(stdout).not.toMatch(/bob|secret/);
    } finally {
      proxy.kill('SIGKILL');
    }
  });
});
