/** The check where name servers are silent: from a namespace of its own, as programs of the system see it. */
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
