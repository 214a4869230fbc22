import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mirrorsAt, readNodeAddress } from '../../../src/cli/emitting/endpoints.ts';
import { parseLock } from '../../../src/lock/parse.ts';
import { printLock } from '../../../src/lock/print.ts';
import type { MirrorRule } from '../../../src/mirror/rule.ts';

const flat: MirrorRule = { naming: 'replace-host', registry: 'r', prefix: '' };
const apart: MirrorRule = { naming: 'by-registry', registry: 'r', prefix: '' };
const read = (text: string) => readNodeAddress('--endpoint', text);

describe('readNodeAddress()', () => {
  it.each([
    ['https://harbor.site', 'https://harbor.site', undefined],
    ['https://harbor.site/', 'https://harbor.site', undefined],
    ['https://harbor.site/v2/', 'https://harbor.site', undefined],
    ['https://harbor.site/project', 'https://harbor.site', 'project'],
    ['https://harbor.site/v2/project/', 'https://harbor.site', 'project'],
    ['https://harbor.site:8443/v2/a/b', 'https://harbor.site:8443', 'a/b'],
    ['http://[fd00::5]:5000/v2x', 'http://[fd00::5]:5000', 'v2x'],
    ['HTTPS://Harbor.Site:443//a//b/', 'https://harbor.site', 'a/b'],
    ['http://[FD00:0::5]', 'http://[fd00::5]', undefined],
    ['https://bücher.site', 'https://xn--bcher-kva.site', undefined],
  ])('reads %s', (text, endpoint, pathPrefix) => {
    expect(read(text)).toEqual({ endpoint, pathPrefix });
  });

  it.each([
    'harbor.site',
    'harbor.site:5000',
    'ftp://harbor.site',
    'https://u:p@harbor.site',
    'https://harbor.site?x',
    '',
    'https:///harbor.site',
    'http:harbor.site',
    'https://*',
    "https://h'x",
    'https://$(id)',
    'https://a,b',
    'https://under_score',
    'https://harbor.site.',
    'https://harbor.site:0',
    'https://harbor.site:65536',
    'https://[fe80::1%25eth0]',
    // The URL parser reads these as 10.0.0.5, 10.5.0.1 and 127.0.0.1.
    'http://10.5',
    'http://10.5.1:6000',
    'http://0x7f.1',
    'https://harbor.site/Project',
    'https://harbor.site/a b',
    'https://harbor.site/$(id)',
    "https://harbor.site/a'b",
  ])('refuses %j', (text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });

  it('gives nothing that a lock could not hold', () => {
    const text = fc.string({ unit: fc.constantFrom(...'aZ09.:-_/[]%$\'"* @?#é'), maxLength: 12 });
    const lockOf = ({ endpoint, pathPrefix = '' }: ReturnType<typeof read>): string =>
      printLock({
        version: 1,
        rule: flat,
        mirrors: [{ registry: '*', endpoint, pathPrefix }],
        images: [],
        contacts: [],
      });
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: false }), text, text, (url, host, path) => {
        for (const written of [url, `http://${host}`, `https://a.b/${path}`]) {
          let address: ReturnType<typeof read> | undefined;
          try {
            address = read(written);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_USAGE' });
          }
          if (address !== undefined) expect(() => parseLock(lockOf(address), 'lock')).not.toThrow();
        }
      }),
    );
  });
});

describe('mirrorsAt()', () => {
  const [a, b] = [read('https://a.site/one'), read('http://b.site')];

  it('writes any registry where none is named', () => {
    expect(mirrorsAt({ rule: flat, addresses: [a, b], registries: [], perRegistry: false })).toEqual([
      { registry: '*', endpoint: 'https://a.site', pathPrefix: 'one' },
      { registry: '*', endpoint: 'http://b.site', pathPrefix: '' },
    ]);
  });

  it('puts every address into every entry, in order', () => {
    const given = fc.record({
      rule: fc.constantFrom(flat, apart, { ...flat, prefix: 'p' }),
      addresses: fc.uniqueArray(fc.constantFrom(a, b, read('https://c.site/x/y')), { minLength: 1 }),
      registries: fc.uniqueArray(fc.constantFrom('ghcr.io', 'docker.io', 'localhost:5000'), { minLength: 1 }),
      perRegistry: fc.boolean(),
    });
    fc.assert(
      fc.property(given, (wanted) => {
        const mirrors = mirrorsAt(wanted);
        const names = [...new Set(mirrors.map(({ registry }) => registry))];
        for (const name of names) {
          const own = mirrors.filter(({ registry }) => registry === name);
          expect(own.map(({ endpoint }) => endpoint)).toEqual(wanted.addresses.map(({ endpoint }) => endpoint));
        }
        // An entry of its own hides `*`: never both.
        expect(names.includes('*') && names.length > 1).toBe(false);
      }),
    );
  });

  it('lets a path at the address stand for the one images were mirrored to', () => {
    const rule = { ...apart, prefix: 'old' };
    expect(mirrorsAt({ rule, addresses: [a, b], registries: ['ghcr.io'], perRegistry: false })).toEqual([
      { registry: 'ghcr.io', endpoint: 'https://a.site', pathPrefix: 'one/ghcr.io' },
      { registry: 'ghcr.io', endpoint: 'http://b.site', pathPrefix: 'old/ghcr.io' },
    ]);
  });
});
