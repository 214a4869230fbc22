/** What `--observed` tells of a lock, whoever wrote it, in every form. */
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firewallLanguages } from '../../../src/egress/firewall/languages.ts';
import { printers } from '../../../src/egress/print/printers.ts';
import type { Contact, Lock } from '../../../src/lock/lock.ts';
import { printLock } from '../../../src/lock/print.ts';
import { startNameServer, type TestNameServer } from '../../support/nameServer.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

const kubelet = 'ghcr.io/siderolabs/kubelet:v1.37.1';
const forms = [...printers, ...firewallLanguages].map(({ name }) => name);

let folder: WorkFolder;
beforeEach(() => {
  folder = workFolder();
});
afterEach(() => folder.remove());

function contact(host: string, purpose: Contact['purpose'], registry: string): Contact {
  const time = '2026-11-26T10:08:04Z';
  const counts = { requests: 3, receivedBytes: 10, sentBytes: 0, first: time, last: time };
  return { host, purpose, observed: { registries: [registry], through: [], ...counts } };
}

const usual = [
  contact('registry.site:443', 'registry', 'registry.site:443'),
  contact('ghcr.io:443', 'registry', 'ghcr.io:443'),
  contact('pkg-containers.githubusercontent.com:443', 'redirect', 'ghcr.io:443'),
];
const stranger = contact('cdn.test:443', 'redirect', 'ghcr.io:443');

function left(contacts: readonly Contact[]): void {
  const rule: Lock['rule'] = { naming: 'replace-host', registry: 'registry.site', prefix: '' };
  folder.write('airgap.lock.contacts.json', printLock({ version: 1, rule, mirrors: [], images: [], contacts }));
}

const egress = (more: readonly string[] = []) =>
  folder.airgap(['egress', kubelet, '--to', 'https://registry.site', '--resolver', '10.0.0.2', '--observed', ...more]);
const warnings = (stderr: string) => stderr.split('\n').filter((line) => line.includes('nothing declares it'));

describe('airgap egress --observed', () => {
  it('ends with 0 where everything that was contacted is declared', async () => {
    left(usual);
    const { status, stderr, stdout } = await egress(['--role', 'staging']);
    expect([status, warnings(stderr)]).toEqual([0, []]);
    expect(stdout).toMatch(/ghcr\.io +443\/tcp +registry ghcr\.io +required +seen/);
  });

  it.each(forms)('ends with 5 and says why in --format %s', async (format) => {
    left([...usual, stranger]);
    const { status, stderr } = await egress(['--format', format]);
    const opened = firewallLanguages.some(({ name }) => name === format) ? ', as these rules do' : '';
    expect([status, warnings(stderr)]).toEqual([
      5,
      [
        `warning: cdn.test:443 was contacted (redirect target of ghcr.io:443), and nothing declares it: find out why it was sent there before it is opened${opened}`,
      ],
    ]);
  });

  it('says that other inputs may be the reason, and writes addresses as they are read', async () => {
    left([
      ...usual,
      contact('quay.io:443', 'registry', 'quay.io:443'),
      contact('[fd00::1]:80', 'redirect', 'quay.io:443'),
    ]);
    const { status, stderr } = await egress();
    expect([status, warnings(stderr)]).toEqual([
      5,
      [
        expect.stringContaining('warning: [fd00::1]:80 was contacted (redirect target of quay.io:443), and nothing'),
        expect.stringContaining('declares it: if that was for other images, ask with all inputs of the lock; else'),
      ],
    ]);
  });

  it('names no other inputs where the lock does not say on whose behalf it was', async () => {
    left([...usual, { host: 'old.test:443', purpose: 'redirect' }]);
    const { status, stderr } = await egress();
    const line =
      'warning: old.test:443 was contacted (redirect target), and nothing declares it: find out why it was sent there before it is opened';
    expect([status, warnings(stderr)]).toEqual([5, [line]]);
  });

  it('says of a proxy that the environment of the run is missing', async () => {
    left([...usual, contact('proxy.site:3128', 'proxy', 'ghcr.io:443')]);
    const { status, stderr } = await egress();
    const line =
      'warning: proxy.site:3128 was contacted (proxy to ghcr.io:443), and nothing declares it: ask with the HTTP_PROXY, HTTPS_PROXY and NO_PROXY that the run had';
    expect([status, warnings(stderr)]).toEqual([5, [line]]);
  });

  it.each(['nodes', 'omni'])('tells nothing of the host that mirrors to who asks about %s alone', async (role) => {
    left([...usual, stranger]);
    const { status, stdout, stderr } = await egress(['--role', role]);
    expect([status, warnings(stderr), stdout.includes('cdn.test')]).toEqual([0, [], false]);
    expect(stdout + stderr).toContain('--observed tells of the host that mirrors, which --role leaves out');
  });

  it('ends with 5 also where names are looked up or tried', async () => {
    const names: TestNameServer = await startNameServer();
    for (const name of ['registry.site', 'ghcr.io', 'cdn.test', 'pkg-containers.githubusercontent.com'])
      names.set(name, { addresses: ['127.0.0.1'] });
    left([...usual, stranger]);
    const asking = ['--observed', '--resolver', `127.0.0.1:${names.server.port}`, '--role', 'staging'];
    const ran = await folder.airgap(['egress', 'resolve', kubelet, '--to', 'https://registry.site', ...asking]);
    expect([ran.status, warnings(ran.stderr).length, ran.stdout]).toEqual([5, 1, expect.stringContaining('127.0.0.1')]);
    const json = await folder.airgap([
      'egress',
      'resolve',
      kubelet,
      '--to',
      'https://registry.site',
      ...asking,
      '--json',
    ]);
    expect([json.status, JSON.parse(json.stdout).exitCode]).toEqual([5, 5]);
    await names.close();
    expect(existsSync(folder.file('airgap.lock'))).toBe(false);
  });
});
