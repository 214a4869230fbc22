import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contactsInStrace } from './strace-contacts.ts';
import { canStrace, type TraceOptions, tracedRun } from './trace-sockets.ts';

let server: Server;
let resolver: Socket;
let port: number;
let dnsPort: number;

beforeAll(async () => {
  server = createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  resolver = createSocket('udp4');
  await new Promise<void>((resolve) => resolver.bind(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  dnsPort = resolver.address().port;
});

afterAll(async () => {
  resolver.close();
  await new Promise((resolve) => server.close(resolve));
});

const strace = canStrace();
const ways: readonly (readonly [string, boolean, TraceOptions])[] = [
  [strace ? 'strace' : 'strace (skipped because it is not installed or may not trace here)', strace, { by: 'strace' }],
  ['the hook', true, { by: 'hook' }],
];

describe.each(ways)('tracedRun() by %s', (_, possible, by) => {
  const traced = (code: string, options: TraceOptions = {}) =>
    tracedRun(process.execPath, ['--input-type=module', '-e', code], { ...by, ...options });
  const connectsIn = async (code: string) => {
    const done = await traced(code);
    expect(done, done.stderr).toMatchObject({ status: 0 });
    return [...new Set(done.contacts.filter(({ kind }) => kind === 'connect').map(({ to }) => to))].sort();
  };

  it.skipIf(!possible)('sees a request, and gives status and output', async () => {
    const done = await traced(
      `console.log(await (await fetch('http://127.0.0.1:${port}')).text()); process.exitCode = 4;`,
    );
    expect(done).toMatchObject({ ...by, status: 4, stdout: 'hello\n' });
    expect(done.contacts).toEqual([{ kind: 'connect', to: `127.0.0.1:${port}` }]);
  });

  it.skipIf(!possible)('sees nothing where there is nothing', async () => {
    const done = await traced(`process.stdin.pipe(process.stdout)`, { input: 'piped' });
    expect(done).toMatchObject({ stdout: 'piped', contacts: [] });
  });

  it.skipIf(!possible)('sees attempts that fail, over IPv6 and to sockets in the file system', async () => {
    const code = `import net from 'node:net';
      const quiet = (socket) => socket.on('error', () => {});
      quiet(net.connect(1, '127.0.0.1')); quiet(net.connect({ port: 1, host: '::1' })); quiet(net.connect('/nonexistent/socket'));`;
    expect(await connectsIn(code)).toEqual(['127.0.0.1:1', '[::1]:1', 'unix:/nonexistent/socket']);
  });

  it.skipIf(!possible)('sees what a child of the program does', async () => {
    const child = `require('node:net').connect(${port}, '127.0.0.1', function () { this.destroy(); })`;
    const code = `import { spawnSync } from 'node:child_process'; spawnSync(process.execPath, ['-e', ${JSON.stringify(child)}]);`;
    expect(await connectsIn(code)).toEqual([`127.0.0.1:${port}`]);
  });

  it.skipIf(!possible)('sees datagrams', async () => {
    const code = `import { createSocket } from 'node:dgram';
      const socket = createSocket('udp4'); socket.send('x', ${dnsPort}, '127.0.0.1', () => socket.close());`;
    expect(await connectsIn(code)).toEqual([`127.0.0.1:${dnsPort}`]);
  });

  it.skipIf(!possible)('sees that a name was looked up', async () => {
    const { contacts } = await traced(`import { lookup } from 'node:dns'; lookup('localhost', () => {});`);
    expect(contacts.map(({ kind }) => kind)).toContain('lookup');
  });

  it.skipIf(!possible)('refuses to say anything about what it could not trace', async () => {
    const command = by.by === 'hook' ? tracedRun('true', [], by) : tracedRun('/nonexistent/program', [], by);
    await expect(command).rejects.toThrow('could not be traced');
  });
});

describe('contactsInStrace()', () => {
  const hex = (text: string) =>
    [...Buffer.from(text, 'latin1')].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const address = '{sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.2")}';
  const question = hex('\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x08registry\x03k8s\x02io\0\0\x01\0\x01');

  it('reads the names in DNS questions, sent with an address or on a connected socket, alone or several at once', () => {
    const asked = [
      { kind: 'connect', to: '10.0.0.2:53' },
      { kind: 'lookup', to: 'registry.k8s.io' },
    ];
    expect(contactsInStrace(`7 sendto(21, "${question}", 33, MSG_NOSIGNAL, ${address}, 16) = 33`)).toEqual(asked);
    const connected = `7 connect(21, ${address}, 16) = 0\n`;
    const message = `{msg_name=NULL, msg_iov=[{iov_base="${question}", iov_len=33}], msg_iovlen=1}`;
    expect(contactsInStrace(`${connected}7 sendmsg(21, ${message}, 0) = 33`)).toEqual(asked);
    expect(
      contactsInStrace(
        `${connected}7 sendmmsg(21, [{msg_hdr=${message}}, {msg_hdr=${message}}], 2, 0 <unfinished ...>`,
      ),
    ).toEqual([...asked, ...asked.slice(1)]);
  });

  it('takes no other traffic for questions', () => {
    const web = address.replace('53', '80');
    expect(contactsInStrace(`7 connect(21, ${web}, 16) = 0\n7 sendto(21, "${question}", 33, 0, NULL, 0) = 33`)).toEqual(
      [{ kind: 'connect', to: '10.0.0.2:80' }],
    );
    const reused = `7 connect(21, ${address}, 16) = 0\n7 connect(21, ${web}, 16) = 0\n7 sendto(21, "${question}", 33, 0, NULL, 0) = 33`;
    expect(contactsInStrace(reused).filter(({ kind }) => kind === 'lookup')).toEqual([]);
  });

  it('knows services that look names up', () => {
    const line = `7 connect(3, {sa_family=AF_UNIX, sun_path="${hex('/var/run/nscd/socket')}"}, 110) = -1 ENOENT`;
    expect(contactsInStrace(line)).toEqual([{ kind: 'lookup', to: 'a name, asked of /var/run/nscd/socket' }]);
    expect(contactsInStrace(`7 openat(AT_FDCWD, "${hex('/etc/hosts')}", O_RDONLY|O_CLOEXEC) = 5`)).toEqual([
      { kind: 'lookup', to: 'a name in /etc/hosts' },
    ]);
    expect(
      contactsInStrace('7 connect(3, {sa_family=AF_UNSPEC, sa_data="\\x00"}, 16) = 0\n7 +++ exited with 0 +++\n'),
    ).toEqual([]);
  });
});
