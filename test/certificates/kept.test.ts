import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../src/certificates/certificate.ts';
import { keepCertificates } from '../../src/certificates/kept.ts';

const day = 86_400_000;
const names = ['10.5.0.1', 'registry.internal'];
let folder: string;
let directory: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-kept-'));
  directory = join(folder, 'deep', 'tls');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const keep = (more: { names?: readonly string[]; now?: Date } = {}) => keepCertificates(directory, { names, ...more });
const modeOf = async (name: string) => ((await stat(join(directory, name))).mode & 0o777).toString(8);

describe('keepCertificates()', () => {
  it('makes an authority and a certificate once, for one user alone, and keeps both', async () => {
    const first = await keep();
    expect(first.made).toEqual({ authority: true, server: true });
    expect(first.warnings).toEqual([]);
    expect(await readdir(directory)).toEqual(['authority.pem', 'ca.crt', 'server.pem']);
    expect([await modeOf('.'), await modeOf('authority.pem'), await modeOf('server.pem')]).toEqual([
      '700',
      '600',
      '600',
    ]);
    expect(await readFile(first.authorityFile, 'utf8')).toBe(first.authority);
    expect(first.authority).not.toContain('PRIVATE');
    const second = await keep({ names: [...names].reverse() });
    expect(second).toEqual({ ...first, made: { authority: false, server: false } });
  });

  it('makes the certificate anew when names changed or it runs out, under the same authority', async () => {
    const first = await keep();
    const renamed = await keep({ names: ['10.5.0.2'] });
    const later = await keep({ names: ['10.5.0.2'], now: new Date(Date.now() + 796 * day) });
    expect([renamed.made, later.made]).toEqual([
      { authority: false, server: true },
      { authority: false, server: true },
    ]);
    expect([renamed.authority, later.authority]).toEqual([first.authority, first.authority]);
    expect(new X509Certificate(renamed.server.certificate).subjectAltName).toBe('IP Address:10.5.0.2');
    expect((await keep({ names: ['10.5.0.2'], now: new Date(Date.now() + 800 * day) })).made.server).toBe(false);
  });

  it('makes the certificate anew that was made while the clock was ahead, and none while it is behind', async () => {
    const first = await keep();
    const ahead = await keep({ now: new Date(Date.now() + 900 * day) });
    const healed = await keep();
    expect([ahead.made, healed.made, ahead.authority, healed.authority]).toEqual([
      { authority: false, server: true },
      { authority: false, server: true },
      first.authority,
      first.authority,
    ]);
    expect(Date.parse(new X509Certificate(healed.server.certificate).validFrom)).toBeLessThan(Date.now());
    expect(healed.warnings).toEqual([]);
    const behind = await keep({ now: new Date(Date.now() - 1000 * day) });
    expect(behind).toMatchObject({ made: { authority: false, server: false }, server: healed.server });
    expect(behind.warnings).toEqual([expect.stringContaining('check the clock of this machine')]);
  });

  it('makes the certificate anew when the file is damaged or another authority signed it', async () => {
    await keep();
    await writeFile(join(directory, 'server.pem'), 'x');
    expect((await keep()).made).toEqual({ authority: false, server: true });
    const stranger = makeServerCertificate(makeAuthority(), { names });
    await writeFile(join(directory, 'server.pem'), stranger.certificate + stranger.key);
    expect((await keep()).made).toEqual({ authority: false, server: true });
  });

  it('never replaces an authority: one that runs out or is damaged is named', async () => {
    await keep();
    await expect(keep({ now: new Date(Date.now() + 3630 * day) })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: expect.stringMatching(/authority\.pem": the authority runs out on/),
    });
    const path = join(directory, 'authority.pem');
    for (const text of ['', 'x', (await readFile(path, 'utf8')).replace(/-----BEGIN PRIVATE[\s\S]*$/, '')]) {
      await writeFile(path, text);
      await expect(keep()).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID', message: expect.stringContaining(path) });
    }
    const leaf = makeServerCertificate(makeAuthority(), { names });
    await writeFile(path, leaf.certificate + leaf.key);
    await expect(keep()).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
  });

  it('warns when others may read the key', async () => {
    await keep();
    await chmod(join(directory, 'authority.pem'), 0o644);
    expect((await keep()).warnings).toEqual([expect.stringMatching(/others may read .*authority\.pem.*chmod 600/)]);
  });

  it('gives servers that start at once one authority', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => keep()));
    expect(new Set(all.map(({ authority }) => authority)).size).toBe(1);
    expect(all.filter(({ made }) => made.authority)).toHaveLength(1);
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('names a directory that cannot be one', async () => {
    directory = join(folder, 'file');
    await writeFile(directory, '');
    await expect(keep()).rejects.toMatchObject({ code: 'ERR_USAGE', message: expect.stringContaining(directory) });
  });
});
