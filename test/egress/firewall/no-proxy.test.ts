import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { noProxy } from '../../../src/egress/firewall/no-proxy.ts';
import { chooseProxy } from '../../../src/http/proxy.ts';
import { expectGolden } from './golden.ts';
import { destination, destinations, from, input } from './input.ts';

describe('no-proxy', () => {
  it('writes its golden files', async () => {
    await expectGolden(noProxy.print(input()), 'no-proxy');
    await expectGolden(noProxy.print(input({ from })), 'no-proxy-gateway');
  });

  it('sends through the proxy what is said to go there, and nothing else', () => {
    const own = destinations.filter(({ role }) => role === 'staging');
    const variables = environment(fileOf('egress-proxy-staging.env'));
    const choose = chooseProxy({ httpsProxy: variables.get('HTTPS_PROXY'), noProxy: variables.get('NO_PROXY') });
    const asked = own.filter(({ host, speaks, port }) => !/[*<]/.test(host) && speaks === 'https' && port === 443);
    expect(asked.length).toBeGreaterThan(3);
    for (const { host, through } of asked) {
      const url = choose(new URL(`https://${host}/v2/`))?.url.host;
      expect(url, host).toBe(through);
    }
    expect(choose(new URL('https://europe-west1-docker.pkg.dev/'))).toBeUndefined();
    expect(choose(new URL('https://example.com/'))?.url.host).toBe('proxy.site:3128');
  });

  it('does not send what goes to a proxy past it, whatever the proxy is called', () => {
    for (const proxy of ['proxy.site', '10.0.0.9', 'fd00::9']) {
      const through = `${proxy.includes(':') ? `[${proxy}]` : proxy}:3128`;
      const list = [
        destination(`staging ${proxy}:3128`, { purposes: [], component: 'site', speaks: 'http' }),
        destination('staging ghcr.io:443', { purposes: [], through }),
      ];
      const variables = environment(noProxy.print(input({ destinations: list })).files[0]?.text ?? '');
      expect(variables.get('HTTPS_PROXY')).toBe(`http://${through}`);
      expect(variables.get('NO_PROXY')).toBe('localhost,127.0.0.0/8,::1');
    }
  });

  it('gives nodes a document that Talos reads', () => {
    const document: unknown = parse(fileOf('egress-proxy-nodes.yaml'));
    expect(document).toEqual({
      apiVersion: 'v1alpha1',
      kind: 'EnvironmentConfig',
      variables: {
        no_proxy:
          'localhost,127.0.0.0/8,::1,.svc,.cluster.local,10.244.0.0/16,10.96.0.0/12,fdae:41e4:649b:9303::/64,0.0.0.0,10.5.0.1,registry.site',
      },
    });
  });

  it('says which proxy it left out, and what NO_PROXY cannot say', () => {
    const site = { purposes: [], component: 'site' } as const;
    const list = [
      destination('staging a.io:443', { ...site, through: 'p1:1' }),
      destination('staging b.io:443', { ...site, through: 'p2:2' }),
      destination('staging *.a-*.site:443', site),
      destination('staging <registry>:443', site),
    ];
    expect(noProxy.print(input({ destinations: list })).warnings).toEqual([
      'staging uses several proxies: p1:1 is written, and not p2:2',
      '*.a-*.site cannot be said in NO_PROXY: name its hosts there, as far as they are known',
      '<registry> is not known here: add its name or address to NO_PROXY of staging',
    ]);
  });
});

function fileOf(path: string): string {
  return noProxy.print(input()).files.find((file) => file.path === path)?.text ?? '';
}

function environment(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
}
