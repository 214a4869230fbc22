/** Where the forms of `airgap egress` go, and how they are put to use there. */
import { existsSync, mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firewallLanguages } from '../../../src/egress/firewall/languages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

let folder: WorkFolder;
beforeEach(() => {
  folder = workFolder();
});
afterEach(() => folder.remove());

const egress = (more: readonly string[]) =>
  folder.airgap([
    'egress',
    'ghcr.io/siderolabs/kubelet:v1.37.1',
    ...['--to', 'https://registry.site', '--resolver', '10.0.0.2'],
    ...more,
  ]);

function stepsIn(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('  '));
}

describe('the list of egress', () => {
  it('tells to use the files that were written', async () => {
    const { stderr } = await egress(['--format', 'nftables', '--output', 'rules for me.nft']);
    expect(stderr).toContain('wrote rules for me.nft\n\nTo use it:\n');
    expect(stepsIn(stderr)).toEqual(["  nft -c -f 'rules for me.nft'", "  nft -f 'rules for me.nft'"]);
    const env = await egress(['--format', 'no-proxy', '--role', 'staging', '--output', 'my.env']);
    expect(stepsIn(env.stderr)).toEqual([
      '  EnvironmentFile=/etc/airgap/egress-proxy-staging.env in a systemd unit, or: set -a; . ./my.env; set +a',
    ]);
  });

  it('writes none where one of several cannot be written', async () => {
    mkdirSync(folder.file('out/egress.json'), { recursive: true });
    const { status, stderr } = await egress(['--format', 'csv', '--format', 'json', '--output-dir', 'out']);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('egress.json') });
    expect(existsSync(folder.file('out/egress.csv'))).toBe(false);
  });

  it('names files in the folder they were written to, of every form', async () => {
    const formats = firewallLanguages.flatMap(({ name }) => (name === 'network-policy' ? [] : ['--format', name]));
    const { stderr } = await egress([...formats, '--output-dir', 'out']);
    expect(stepsIn(stderr)).toEqual(
      expect.arrayContaining([
        '  nft -f out/egress.nft',
        '  dnsmasq --test --conf-file=out/egress-dnsmasq.conf',
        '  cp out/egress-squid.conf /etc/squid/conf.d/',
        '  ipset restore -file out/egress.ipset',
        expect.stringMatching(/^ {2}aws .* --rule-group file:\/\/out\/egress-aws\.json$/),
        expect.stringContaining('--patch @out/egress-proxy-nodes.yaml '),
        expect.stringContaining('set -a; . out/egress-proxy-staging.env; set +a'),
        '  sh out/egress-gcp.sh',
      ]),
    );
    const written = [...stderr.matchAll(/^wrote out\/(.*)$/gm)].map(([, name = '']) => name);
    expect(written.length).toBeGreaterThan(firewallLanguages.length);
    for (const step of stepsIn(stderr)) {
      for (const name of written)
        expect(step.replaceAll(`out/${name}`, '')).not.toMatch(new RegExp(`[ =@/]${name}\\b(?! in a)`));
    }
  });

  it('says under which name what it prints is meant to be saved', async () => {
    const { stdout, stderr } = await egress(['--format', 'nftables']);
    expect(stdout).toContain('table inet airgap_egress {\n');
    expect(stderr).toContain('To use it, saved as egress.nft:\n  nft -c -f egress.nft\n');
  });

  it('writes return rules or says that there are none', async () => {
    const picture = await egress(['--diagram', '--stateless']);
    expect(picture).toMatchObject({ status: 2, stdout: '' });
    expect(picture.stderr).toContain('Cannot write --format svg with --stateless: a picture has no return rules');
    const able = 'with return rules: table, markdown, csv, json, html, nftables, dnsmasq, dnsmasq-ipset\n';
    expect(picture.stderr).toContain(able);
    expect((await egress(['--format', 'squid', '--stateless'])).stderr).toContain(able);
    expect((await egress(['--format', 'html', '--stateless'])).stdout).toMatch(/answer/i);
  });

  it('says when two roles have addresses in common', async () => {
    const shared = [
      '--address',
      'staging=10.0.0.0/24',
      '--address',
      'nodes=10.0.0.5,fd00::/64',
      '--format',
      'nftables',
    ];
    const message = '--address gives staging and nodes addresses in common: they may open what either may';
    expect((await egress(shared)).stderr).toContain(`warning: ${message}\n`);
    const apart = ['--address', 'staging=10.0.0.4,fd01::1', ...shared.slice(2)];
    expect((await egress(apart)).stderr).not.toContain('in common');
  });

  it('refuses addresses no rule can hold, whatever the form', async () => {
    for (const text of ['fe80::1%eth0', '10.0.0.0/33', '10.0.0.05', 'ghcr.io', '10.0.0.1/8/8']) {
      const { status, stderr } = await egress(['--address', `staging=${text}`]);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringContaining('no address and no CIDR block'),
      });
    }
  });

  it('writes none of its files where one cannot be written', async () => {
    folder.write('out', '');
    const { status, stdout, stderr } = await egress(['--format', 'squid', '--output-dir', 'out']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).not.toContain('wrote');
    const one = await egress(['--format', 'squid', '--output', 'one.conf']);
    expect(one.stderr).toContain(
      'Cannot write it to one --output: it is 2 files, egress-squid.conf, egress-squid-peek.conf',
    );
  });
});
