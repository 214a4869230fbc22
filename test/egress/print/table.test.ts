import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printTable } from '../../../src/egress/print/table.ts';
import {
  componentList,
  destination,
  largeList,
  listOf,
  observedList,
  smallList,
  talosList,
  testSources,
} from '../lists.ts';

const options = { stateless: false, title: 'a job', sources: testSources };

describe('the table', () => {
  it('has a heading for each role that connects to anything, and no other', () => {
    const headings = printTable(talosList, options)
      .split('\n')
      .filter((line) => /^\S/.test(line));
    expect(headings).toEqual([
      'The host that mirrors',
      'Nodes, once mirrored',
      'Warnings:',
      'Notes:',
      'Documents that KNOWN FROM names are listed by --format markdown.',
    ]);
  });

  it('says for each destination port, reason, need, and where that is known from', () => {
    expect(printTable(smallList, options)).toBe(`The host that mirrors
  HOST                                  PORT      WHY                                                    NEEDED    KNOWN FROM
  10.5.0.1                              6000/tcp  internal registry                                      required  --to
  pkg-containers.githubusercontent.com  443/tcp   blobs of ghcr.io; in place of *.githubusercontent.com  required  talos-egress-v1.14 2026-05-04
  ghcr.io                               443/tcp   registry ghcr.io                                       required  talos-egress-v1.14 2026-05-04

Documents that KNOWN FROM names are listed by --format markdown.
`);
  });

  it('shows what was seen, through which proxy, and what nothing declares', () => {
    const lines = printTable(observedList, options).split('\n');
    const lineOf = (host: string) => lines.find((line) => line.startsWith(`  ${host} `)) ?? '';
    expect(lines[1]).toMatch(/HOST +PORT +WHY +NEEDED +SEEN +KNOWN FROM$/);
    expect(lineOf('ghcr.io')).toMatch(/through the proxy proxy\.site\.example:3128 +required +seen +talos-egress/);
    expect(lineOf('ghcr.io')).toContain('seen 2026-11-20 to 2026-11-26 (12 requests, 345.6 MB)');
    expect(lineOf('quay.io')).toContain('not yet');
    expect(lineOf('objects-origin.githubusercontent.com')).toMatch(/unknown +NOT DECLARED/);
    expect(lines.join('\n')).toMatch(
      /Warnings:\n {2}- objects-origin\S+: contacted on 443\/tcp by the host that mirrors, and nothing declares it/,
    );
  });

  it('warns of names that many tenants share, and says what to allow instead', () => {
    const list = listOf([
      destination('*.pkg.dev', { purposes: ['blobs of a.test'], exfiltration: 'anybody may have a name under it' }),
      destination('europe-west1-docker.pkg.dev', { purposes: ['blobs of a.test'], inPlaceOf: ['*.pkg.dev'] }),
      destination('another-tenant.pkg.dev', { purposes: ['blobs of b.test'], inPlaceOf: ['*.pkg.dev'] }),
      destination('storage.googleapis.com', { exfiltration: 'anybody may have a bucket' }),
    ]);
    const text = printTable(list, options);
    expect(text).toContain('- *.pkg.dev: anybody may have a name under it; allow europe-west1-docker.pkg.dev instead');
    expect(text).toContain(
      '- storage.googleapis.com: anybody may have a bucket; no narrower name is known: allow it for',
    );
  });

  it('names three of many hosts to allow instead, and how many more', () => {
    const purposes = ['blobs of a.test'];
    const exact = (count: number) =>
      printTable(
        listOf([
          destination('*.pkg.dev', { exfiltration: 'shared', purposes }),
          ...[...Array(count).keys()].map((index) =>
            destination(`r${index}.pkg.dev`, { inPlaceOf: ['*.pkg.dev'], purposes }),
          ),
        ]),
        options,
      );
    expect(exact(4)).toContain('; allow r0.pkg.dev, r1.pkg.dev, r2.pkg.dev, r3.pkg.dev instead\n');
    expect(exact(5)).toContain('; allow r0.pkg.dev, r1.pkg.dev, r2.pkg.dev and 2 more that are listed here instead\n');
  });

  it('adds what comes back where the firewall does not follow connections, but for what a proxy reaches', () => {
    const lines = printTable(observedList, { ...options, stateless: true }).split('\n');
    const answers = lines.filter((line) => / from \d+\/tcp /.test(line)).map((line) => line.trim().split(/\s+/)[0]);
    expect(answers).toEqual(['10.5.0.1', 'proxy.site.example', 'objects-origin.githubusercontent.com']);
    expect(printTable(observedList, options)).not.toContain('from 6000');
  });

  it('fits its columns, and cuts no name', () => {
    for (const list of [smallList, talosList, componentList, observedList, largeList]) {
      for (const columns of [80, 100, 132]) {
        const lines = printTable(list, { ...options, columns, stateless: true }).split('\n');
        expect(lines.filter((line) => line.length > columns)).toEqual([]);
        const words = new Set(lines.flatMap((line) => line.trim().split(/\s+/)));
        expect(list.destinations.filter(({ host }) => !words.has(host))).toEqual([]);
      }
    }
  });

  it('says once what hosts and ports have in common, above it the names that are too long to stand beside it', () => {
    const long = 'a-name-that-is-far-too-long-to-stand-in-a-column.example.com';
    const site = { component: 'site', evidence: [{ kind: 'configured', by: '--resolver' }] } as const;
    const list = listOf([
      destination('10.0.0.2', { ...site, port: 53, purposes: ['names'] }),
      destination('10.0.0.2', { ...site, port: 53, protocol: 'udp', purposes: ['names'] }),
      destination('10.0.0.1', { ...site, port: 53, purposes: ['names'] }),
      destination('one.example', { ...site, purposes: ['blobs'] }),
      destination('other.example', { ...site, purposes: ['something else'] }),
      destination(long, { ...site, purposes: ['blobs'] }),
    ]);
    expect(printTable(list, { ...options, columns: 80 })).toBe(`The host that mirrors
  HOST           PORT            WHY             NEEDED    KNOWN FROM
  10.0.0.1       53/tcp          names           required  --resolver
  10.0.0.2       53/tcp, 53/udp  names           required  --resolver

  ${long}
  one.example
                 443/tcp         blobs           required  --resolver

  other.example  443/tcp         something else  required  --resolver
`);
  });

  it('tells many optional hosts by their number where it shall be brief, and hides nothing that is needed or was contacted', () => {
    const spare = { required: false, purposes: ['blobs'] };
    const hosts = (name: string) => [...Array(12).keys()].map((index) => `${name}-${index}.example`);
    const list = listOf([
      ...hosts('needed').map((host) => destination(host, { purposes: spare.purposes })),
      ...hosts('spare').map((host) => destination(host, { ...spare, seen: 'declared-only' })),
      ...hosts('contacted').map((host) => destination(host, { ...spare, seen: 'seen' })),
      ...hosts('odd').map((host) => destination(host, { ...spare, seen: 'undeclared' })),
    ]);
    const shown = (brief: boolean) => printTable(list, { ...options, columns: 132, brief });
    const names = (text: string) =>
      ['needed', 'spare', 'contacted', 'odd'].map((name) => text.split(`  ${name}-`).length);
    expect(names(shown(true)).map((count) => count - 1)).toEqual([12, 3, 12, 12]);
    expect(shown(true).split('\n')[2]).toMatch(/^ {2}\w/);
    expect(shown(true)).toContain('  and 9 more: see --format csv\n');
    expect(names(shown(false)).map((count) => count - 1)).toEqual([12, 12, 12, 12]);
    const few = listOf(
      hosts('spare')
        .map((host) => destination(host, spare))
        .slice(0, 8),
    );
    expect(printTable(few, { ...options, columns: 132, brief: true })).not.toContain('more');
  });

  it('has a line for each destination where any width will do', () => {
    const lines = printTable(largeList, options)
      .split('\n')
      .filter((line) => / \d+\/(?:tcp|udp) /.test(line));
    expect(lines).toHaveLength(largeList.destinations.length);
  });

  it('stays in its lines whatever a text holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const list = listOf([destination('ghcr.io', { purposes: [text], condition: text })]);
        const lines = printTable(list, options).split('\n');
        expect(lines).toHaveLength(6);
      }),
    );
  });

  it('says so when there is nothing', () => {
    expect(printTable(listOf([]), options)).toBe('Nothing has to be opened.\n');
  });
});
