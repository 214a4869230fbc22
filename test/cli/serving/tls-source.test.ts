import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../../src/certificates/certificate.ts';
import { openTls, type TlsSource } from '../../../src/cli/serving/tls-source.ts';
import { serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';

let folder: string;
const authority = makeAuthority();
const names = ['127.0.0.1'];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-renew-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Replaces both files, as tools that renew certificates do. */
async function replace({ certificate, key }: { certificate: string; key: string }): Promise<void> {
  for (const [name, text] of [
    ['tls.crt', certificate],
    ['tls.key', key],
  ] as const) {
    await writeFile(join(folder, `${name}.new`), text);
    await rename(join(folder, `${name}.new`), join(folder, name));
  }
}

async function opened(settings: Parameters<typeof openTls>[0]): Promise<TlsSource> {
  const source = await openTls(settings, { names, cwd: folder });
  if (source === undefined) throw new Error('no TLS');
  return source;
}

async function serialShownBy(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.certificate });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

describe('certificates from files', () => {
  const files = () => ({ kind: 'files', certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }) as const;

  it('are shown anew when the files are replaced, without a restart', async () => {
    await replace(makeServerCertificate(authority, { names }));
    const source = await opened(files());
    const server = await serveStore(openMemory(), { tls: source.first });
    const before = await serialShownBy(server.port);
    expect(await source.renewed()).toBeUndefined();
    await replace(makeServerCertificate(authority, { names }));
    const fresh = await source.renewed();
    if (fresh === undefined) throw new Error('nothing new');
    server.renewCertificate(fresh);
    const after = await serialShownBy(server.port);
    expect(after).not.toBe(before);
    expect(await source.renewed()).toBeUndefined();
    await server.close();
  });

  it('are refused when what replaced them does not fit, and taken when it does', async () => {
    await replace(makeServerCertificate(authority, { names }));
    const source = await opened(files());
    await writeFile(join(folder, 'tls.crt'), makeServerCertificate(authority, { names }).certificate);
    await expect(source.renewed()).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    await rm(join(folder, 'tls.key'));
    await expect(source.renewed()).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    const last = makeServerCertificate(authority, { names });
    await replace(last);
    expect(await source.renewed()).toEqual({ cert: last.certificate, key: last.key });
  });

  it('that run out soon are a warning', async () => {
    const old = new Date(Date.now() - 815 * 86_400_000);
    await replace(makeServerCertificate(makeAuthority({ now: old }), { names, now: old }));
    expect((await opened(files())).warnings).toEqual([
      expect.stringMatching(/"tls\.crt" runs out on 20\d\d-\d\d-\d\d$/),
    ]);
  });
});

it('our own certificate is not made again while it holds', async () => {
  const source = await opened({ kind: 'self-signed', directory: join(folder, 'tls'), names });
  expect(source.authority).toMatchObject({ isNew: true, file: join(folder, 'tls', 'ca.crt') });
  expect(await source.renewed()).toBeUndefined();
});
