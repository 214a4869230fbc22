import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AirgapError } from '../../../src/errors.ts';
import {
  certified,
  freePort,
  otherAuthority,
  ownAuthority,
  registry,
  serveHttp,
  serveHttps,
  serveRaw,
} from '../../probe/world.ts';
import { startNameServer, type TestNameServer } from '../../support/nameServer.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

const image = 'registry.k8s.io/pause:3.10';
const certificate = certified(['source.test', 'target.test']);

let folder: WorkFolder;
let dns: TestNameServer;
let source: number;
let target: number;

beforeEach(async () => {
  folder = workFolder();
  folder.write('ca.pem', ownAuthority.certificate);
  dns = await startNameServer();
  for (const name of ['source.test', 'target.test']) dns.set(name, { addresses: ['127.0.0.1'] });
  const challenge = { 'www-authenticate': 'Bearer realm="https://tokens.test/token"' };
  source = await serveHttps(registry(401, challenge), certificate);
  target = await serveHttps(registry(200), certificate);
});

afterEach(async () => {
  await dns.close();
  folder.remove();
});

/** Checks a job whose names are known to the test's name server alone. */
function check(
  more: readonly string[] = [],
  { at = source, to = target, env = {}, signal = new AbortController().signal } = {},
) {
  const ends = ['--source-endpoint', `*=https://source.test:${at}`, '--to', `https://target.test:${to}`];
  const asking = ['--resolver', `127.0.0.1:${dns.server.port}`, '--connect-timeout', '1s', '--ca', 'ca.pem'];
  return folder.airgap(['egress', 'check', image, ...ends, ...asking, ...more], { env, signal });
}

describe('airgap egress check', () => {
  it('says for each destination that it is open, and ends with 0', async () => {
    const { status, stdout, stderr } = await check();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^VERDICT +DESTINATION +FOR +SEEN$/m);
    expect(stdout).toMatch(
      new RegExp(`^open +source\\.test:${source}/tcp +registry registry\\.k8s\\.io +answers 401`, 'm'),
    );
    expect(stdout).toMatch(new RegExp(`^open +target\\.test:${target}/tcp +target of the mirror +answers 200`, 'm'));
    expect(stdout).toMatch(
      /note: source\.test:\d+ sends clients to tokens\.test:443 for a token, and that is not in the list/,
    );
    expect(stdout).toMatch(/checked 2 destinations from here in .*: 2 open$/m);
  });

  it('names what is blocked, with the line for the firewall, and ends with 4', async () => {
    const closed = await freePort();
    const { status, stdout, stderr } = await check(['--address', 'staging=10.0.0.5'], { to: closed });
    expect(status).toBe(4);
    expect(stderr).toBe(
      [
        `blocked: target.test:${closed}/tcp (required: target of the mirror)`,
        '  connection refused',
        '  hint: a firewall that rejects looks like this, and so does a host on which nobody listens',
        `  firewall: allow the host that mirrors (10.0.0.5) to target.test, ${closed}/tcp`,
        '',
      ].join('\n'),
    );
    expect(stdout).toMatch(/1 open, 1 blocked; 1 required is not open$/m);
  });

  it('gives one document with --json whatever goes wrong', async () => {
    const wrong = await check(['--json', '--resolver', 'nonsense']);
    expect(wrong.status).toBe(2);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ exitCode: 2, error: { code: 'ERR_USAGE' } });
    const controller = new AbortController();
    const silent = await serveRaw(() =>
      controller.abort(new AirgapError('ERR_INTERRUPTED', 'Cannot go on: interrupted')),
    );
    const ended = await check(['--json'], { to: silent, signal: controller.signal });
    expect(ended.status).toBe(130);
    expect(JSON.parse(ended.stdout)).toMatchObject({ exitCode: 130, error: { code: 'ERR_INTERRUPTED' } });
  });

  it('gives one document with --json, every step in it', async () => {
    const silent = await serveRaw(() => {});
    const { status, stdout } = await check(['--json'], { to: silent });
    const document = JSON.parse(stdout);
    expect(status).toBe(4);
    expect(document).toMatchObject({
      exitCode: 4,
      destinations: [
        { host: 'source.test', port: source, verdict: 'open', tokenService: { host: 'tokens.test', port: 443 } },
        { host: 'target.test', verdict: 'blocked', step: 'tls', firewall: expect.stringMatching(/^allow/) },
      ],
    });
    expect(
      document.destinations[1].steps.map(({ name, isRight }: { name: string; isRight: boolean }) => [name, isRight]),
    ).toEqual([
      ['name', true],
      ['connection', true],
      ['tls', false],
    ]);
  });

  it('names who vouches for a certificate that nobody here knows', async () => {
    const intercepted = await serveHttps(registry(200), certified(['target.test'], otherAuthority));
    const { status, stderr } = await check([], { to: intercepted });
    expect(status).toBe(4);
    expect(stderr).toMatch(/wrong answer: target\.test:\d+\/tcp/);
    expect(stderr).toMatch(/comes from "airgap registry authority [0-9a-f]{8}"/);
  });

  it('lets no stranger write on the terminal', async () => {
    const location = 'https://block.test/\u001b[31m';
    const rude = await serveHttp((_, response) => {
      response.socket?.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nWWW-Authenticate: \u001b]0;x\r\n\r\n`);
    });
    const { stdout, stderr } = await check(['--to', `http://target.test:${rude}`]);
    expect(`${stdout}${stderr}`).not.toContain('\u001b');
    expect(stderr).toMatch(/wrong answer: target\.test/);
  });

  it('goes through the proxy of the environment, and says when that refuses', async () => {
    let asked = '';
    const proxy = await serveRaw((socket) => {
      socket.on('data', (bytes) => {
        asked += bytes.toString('latin1');
        socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      });
    });
    const env = { HTTPS_PROXY: `http://user:secret@proxy.test:${proxy}`, NO_PROXY: 'target.test' };
    dns.set('proxy.test', { addresses: ['127.0.0.1'] });
    const { status, stdout, stderr } = await check([], { env });
    expect(status).toBe(4);
    expect(stderr).toMatch(new RegExp(`blocked: source\\.test:${source}/tcp`));
    expect(asked).toContain(`proxy-authorization: Basic ${Buffer.from('user:secret').toString('base64')}\r\n`);
    expect(`${stdout}${stderr}`).not.toMatch(/secret/);
    expect(stdout).toMatch(new RegExp(`^open +proxy\\.test:${proxy}/tcp +proxy`, 'm'));
  });

  it('ends with 130 when it is interrupted', async () => {
    const { AirgapError } = await import('../../../src/errors.ts');
    const stop = new AbortController();
    setTimeout(() => stop.abort(new AirgapError('ERR_INTERRUPTED', 'Cannot go on: interrupted')), 300);
    const silent = await serveRaw(() => {});
    const started = performance.now();
    const { status } = await folder.airgap(
      [
        'egress',
        'check',
        image,
        '--source-endpoint',
        `*=https://source.test:${silent}`,
        '--to',
        `https://target.test:${silent}`,
        '--resolver',
        `127.0.0.1:${dns.server.port}`,
        '--connect-timeout',
        '30s',
      ],
      { signal: stop.signal },
    );
    expect(status).toBe(130);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
