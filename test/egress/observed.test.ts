import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareDestinations,
  type Destination,
  destinationKey,
  type EgressList,
} from '../../src/egress/destination.ts';
import { mergeObserved } from '../../src/egress/observed.ts';
import type { Contact, Observed } from '../../src/lock/lock.ts';
import { contact as anyContact } from '../lock/arbitraries.ts';

function declared(host: string, more: Partial<Destination> = {}): Destination {
  return {
    role: 'staging',
    host,
    port: 443,
    protocol: 'tcp',
    speaks: 'https',
    isRegistry: false,
    required: true,
    purposes: ['blobs of ghcr.io'],
    component: 'ghcr',
    evidence: [{ kind: 'document', source: 'some-page' }],
    ...more,
  };
}

function contacted(host: string, purpose: Contact['purpose'] = 'redirect', more: Partial<Observed> = {}): Contact {
  const observed: Observed = {
    registries: ['ghcr.io:443'],
    through: [],
    requests: 1,
    receivedBytes: 1,
    sentBytes: 0,
    first: '2026-11-26T10:00:00Z',
    last: '2026-11-26T10:00:00Z',
    ...more,
  };
  return { host, purpose, observed };
}

const listOf = (...destinations: Destination[]): EgressList => ({
  destinations: destinations.sort(compareDestinations),
  notes: ['a note'],
});
const told = (list: EgressList, contacts: readonly Contact[]) =>
  mergeObserved(list, contacts).destinations.map(({ host, port, seen }) => `${host}:${port} ${seen ?? '-'}`);

describe('mergeObserved()', () => {
  it('marks exact hosts as seen, with the contact as evidence, or as declared only; port and host count', () => {
    const contacts = [
      contacted('a.test:443'),
      contacted('a.test:443', 'token'),
      contacted('[fd00::1]:5000', 'registry'),
    ];
    const list = listOf(
      declared('a.test'),
      declared('a.test', { port: 8443 }),
      declared('b.test'),
      declared('fd00::1', { port: 5000, speaks: 'tcp' }),
    );
    const merged = mergeObserved(list, contacts);
    expect(told(list, contacts).sort()).toEqual([
      'a.test:443 seen',
      'a.test:8443 declared-only',
      'b.test:443 declared-only',
      'fd00::1:5000 seen',
    ]);
    expect(merged.destinations.find(({ port, host }) => host === 'a.test' && port === 443)?.evidence).toEqual([
      { kind: 'document', source: 'some-page' },
      { kind: 'observed', contact: contacts[0] },
      { kind: 'observed', contact: contacts[1] },
    ]);
    expect([merged.findings, merged.notes]).toEqual([[], ['a note']]);
  });

  it('leaves other roles, names, times and places of the site alone', () => {
    const list = listOf(
      declared('a.test', { role: 'nodes' }),
      declared('a.test', { role: 'omni' }),
      declared('10.0.0.2', { port: 53, speaks: 'dns' }),
      declared('10.0.0.2', { port: 53, speaks: 'dns', protocol: 'udp' }),
      declared('time.test', { port: 123, speaks: 'ntp', protocol: 'udp' }),
      declared('<omni>'),
    );
    const { destinations } = mergeObserved(list, [contacted('b.test:443')]);
    expect(destinations.filter(({ seen }) => seen === undefined)).toEqual(list.destinations);
  });

  it('finds what nothing declares, and says on whose behalf it was contacted', () => {
    const { findings } = mergeObserved(listOf(declared('ghcr.io')), [
      contacted('cdn.test:443', 'redirect', {
        registries: ['b.test:443', 'a.test:5000'],
        through: ['proxy.site:3128'],
      }),
      contacted('cdn.test:443', 'token', { through: ['proxy.site:3128'] }),
      contacted('storage.googleapis.com:443'),
      contacted('cdn.test:80', 'registry'),
      contacted('proxy.site:3128', 'proxy', { registries: ['ghcr.io:443'] }),
      { host: 'old.test:443', purpose: 'redirect' },
    ]);
    expect(
      findings.map(({ host, port, speaks, purposes, through }) => [host, port, speaks, purposes, through]),
    ).toEqual(
      expect.arrayContaining([
        [
          'cdn.test',
          443,
          'https',
          ['redirect target of a.test:5000', 'redirect target of b.test:443', 'token service of ghcr.io:443'],
          'proxy.site:3128',
        ],
        ['cdn.test', 80, 'http', ['registry cdn.test:80'], undefined],
        ['proxy.site', 3128, 'tcp', ['proxy to ghcr.io:443'], undefined],
        ['old.test', 443, 'https', ['redirect target'], undefined],
      ]),
    );
    expect(findings).toHaveLength(5);
    const exfiltration = findings.filter((one) => one.exfiltration !== undefined).map(({ host }) => host);
    expect(exfiltration).toEqual(['storage.googleapis.com']);
    expect(findings.filter(({ isRegistry }) => isRegistry).map(({ port }) => port)).toEqual([80]);
    expect(findings.every(({ required, seen, role }) => required && seen === 'undeclared' && role === 'staging')).toBe(
      true,
    );
  });

  it('finds a registry that led to the port of a name server, too', () => {
    const server = declared('10.0.0.2', { port: 53, speaks: 'dns', purposes: ['names'] });
    const { findings } = mergeObserved(listOf(server), [contacted('10.0.0.2:53')]);
    expect(findings.map(({ host, purposes }) => [host, purposes])).toEqual([
      ['10.0.0.2', ['names', 'redirect target of ghcr.io:443']],
    ]);
  });

  it('says no text of a lock that is no host', () => {
    const { findings } = mergeObserved(listOf(), [
      contacted('cdn.test:443', 'redirect', { registries: ['$(reboot)'] }),
    ]);
    expect(findings.map(({ purposes }) => purposes)).toEqual([['redirect target']]);
  });

  it('knows a registry under a wildcard by how it was contacted', () => {
    const list = listOf(declared('*.pkg.test'));
    const contacts = [contacted('eu.pkg.test:443', 'registry'), contacted('us.pkg.test:443')];
    const { destinations } = mergeObserved(list, contacts);
    const found = destinations.filter(({ seen }) => seen === 'seen').map(({ host, isRegistry }) => [host, isRegistry]);
    expect(found).toEqual([
      ['eu.pkg.test', true],
      ['us.pkg.test', false],
    ]);
  });

  it('puts the exact host in the place of a wildcard whose duty was seen', () => {
    const wildcard = declared('*.cdn.test', { exfiltration: 'anybody' });
    const { destinations, findings } = mergeObserved(listOf(wildcard), [contacted('x.y.cdn.test:443')]);
    expect(findings).toEqual([]);
    expect(destinations).toMatchObject([
      {
        host: 'x.y.cdn.test',
        inPlaceOf: ['*.cdn.test'],
        seen: 'seen',
        purposes: ['blobs of ghcr.io'],
        exfiltration: undefined,
        evidence: [{ kind: 'document' }, { kind: 'observed' }],
      },
    ]);
  });

  it.each([
    ['another duty', contacted('x.cdn.test:443', 'token')],
    ['nobody knows whom', { host: 'x.cdn.test:443', purpose: 'redirect' } as const],
  ])('keeps the wildcard where it was contacted for %s', (_name, contact) => {
    expect(told(listOf(declared('*.cdn.test')), [contact]).sort()).toEqual([
      '*.cdn.test:443 declared-only',
      'x.cdn.test:443 seen',
    ]);
  });

  it('finds a host that another registry sent to, also where a wildcard or the host of another tenant is declared', () => {
    const contacts = [contacted('evil.cdn.test:443', 'redirect', { registries: ['quay.io:443'] })];
    const tenant = declared('account.cdn.test', { inPlaceOf: ['*.cdn.test'] });
    for (const list of [listOf(declared('*.cdn.test')), listOf(tenant)]) {
      expect(mergeObserved(list, contacts).findings).toMatchObject([
        { host: 'evil.cdn.test', seen: 'undeclared', purposes: ['redirect target of quay.io:443'] },
      ]);
    }
    const both = [contacted('evil.cdn.test:443', 'redirect', { registries: ['ghcr.io:443', 'quay.io:443'] })];
    expect(mergeObserved(listOf(tenant), both).findings).toEqual([]);
  });

  it('keeps of a wildcard what was not seen yet, and knows Docker Hub by both its names', () => {
    const purposes = ['blobs of docker.io', 'blobs of quay.io', 'downloads for anybody'];
    const contacts = [contacted('x.cdn.test:443', 'redirect', { registries: ['registry-1.docker.io:443'] })];
    const { destinations } = mergeObserved(listOf(declared('*.cdn.test', { purposes })), contacts);
    expect(destinations.find(({ host }) => host === '*.cdn.test')?.purposes).toEqual(['blobs of quay.io']);
  });

  it('counts a declared exact host for the wildcard that covers it, and no other port', () => {
    const list = listOf(declared('a.cdn.test'), declared('*.cdn.test'), declared('*.cdn.test', { port: 8443 }));
    expect(told(list, [contacted('a.cdn.test:443')]).sort()).toEqual([
      '*.cdn.test:8443 declared-only',
      'a.cdn.test:443 seen',
    ]);
  });

  it('takes the neighbours of hosts that stand in for a wildcard as declared by it', () => {
    const neighbour = declared('eu.pkg.test', { inPlaceOf: ['*.pkg.test'], condition: 'from Europe' });
    const { destinations, findings } = mergeObserved(listOf(neighbour), [contacted('us.pkg.test:443')]);
    expect(findings).toEqual([]);
    expect(destinations).toMatchObject([
      { host: 'eu.pkg.test', seen: 'declared-only', condition: 'from Europe' },
      { host: 'us.pkg.test', seen: 'seen', condition: undefined, inPlaceOf: ['*.pkg.test'] },
    ]);
  });

  it('knows that a registry without a scheme is asked over https first, and opens plain http where that was it', () => {
    const target = (more: Partial<Destination>) => declared('registry.site', { isRegistry: true, ...more });
    const both = ['registry.site:80', 'registry.site:443'].map((host) => contacted(host, 'registry'));
    const merged = (list: EgressList, contacts = both) =>
      mergeObserved(list, contacts).destinations.map(({ port, speaks, seen, required }) => [
        port,
        speaks,
        seen,
        required,
      ]);
    expect(merged(listOf(target({ port: 80, speaks: 'http' })))).toEqual([
      [80, 'http', 'seen', true],
      [443, 'https', 'seen', false],
    ]);
    expect(merged(listOf(target({})))).toEqual([
      [80, 'http', 'seen', true],
      [443, 'https', 'seen', true],
    ]);
    const sentThere = [contacted('registry.site:443'), contacted('registry.site:440', 'registry')];
    expect(merged(listOf(target({ port: 80, speaks: 'http' })), sentThere).map(([, , seen]) => seen)).toEqual([
      'declared-only',
      'undeclared',
      'undeclared',
    ]);
    expect(merged(listOf(target({ port: 83 })), [contacted('registry.site:440', 'registry')])[1]).toContain(
      'undeclared',
    );
    expect(mergeObserved(listOf(declared('registry.site', { port: 80 })), both).findings).toHaveLength(1);
  });

  it('makes the alternatives of a host that was seen optional, and no others', () => {
    const region = (host: string, alternatives: string) => declared(host, { alternatives, condition: 'by region' });
    const list = listOf(region('eu.test', 'a'), region('us.test', 'a'), region('other.test', 'b'));
    const { destinations } = mergeObserved(list, [contacted('eu.test:443')]);
    expect(destinations.map(({ host, required, condition }) => [host, required, condition])).toEqual([
      ['eu.test', true, 'by region'],
      ['other.test', true, 'by region'],
      ['us.test', false, 'another of these answered'],
    ]);
  });

  it('says which proxy was used where the list does not say it', () => {
    const contacts = ['a.test:443', 'b.test:443'].map((host) => contacted(host, 'registry', { through: ['p:1'] }));
    const { destinations } = mergeObserved(
      listOf(declared('a.test'), declared('b.test', { through: 'own:2' })),
      contacts,
    );
    expect(destinations.map(({ through }) => through)).toEqual(['p:1', 'own:2']);
  });

  it('opens a host itself that was reached without a proxy as well', () => {
    const contacts = [
      contacted('a.test:443', 'registry', { through: ['direct', 'p:1'] }),
      contacted('b.test:443', 'registry', { through: ['p:1'] }),
      contacted('b.test:443', 'redirect'),
    ];
    const { destinations } = mergeObserved(listOf(declared('a.test'), declared('b.test')), contacts);
    expect(destinations.map(({ through }) => through)).toEqual([undefined, undefined]);
  });

  it('says where there may have been more than were kept', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => contacted(`h${index}.site:443`));
    const note = 'of the hosts that were contacted no more than 10000 are kept: there may be others';
    expect(mergeObserved({ destinations: [], notes: [] }, many).notes).toContain(note);
    expect(mergeObserved({ destinations: [], notes: [] }, many.slice(1)).notes).not.toContain(note);
  });

  it('leaves this machine out, and what is no host', () => {
    const hosts = [
      '127.0.0.1:5000',
      'localhost:1',
      '[::1]:1',
      '$(reboot):443',
      'a.test',
      '*.test:443',
      "a'b:1",
      'a\n:1',
    ];
    const { destinations, notes } = mergeObserved(
      listOf(),
      hosts.map((host) => contacted(host, 'registry')),
    );
    expect([destinations, notes]).toEqual([
      [],
      [
        'a note',
        'contacts on this machine itself are left out: no firewall is on the way',
        'contacts that name no HOST:PORT are left out: 5',
      ],
    ]);
  });

  it('says nothing of what was seen where no run left anything', () => {
    const list = listOf(declared('a.test'));
    const merged = mergeObserved(list, []);
    expect([merged.destinations, merged.notes.length]).toEqual([list.destinations, 2]);
  });

  it('gives a sorted list without doubles for any contacts, in any order', () => {
    const list = listOf(declared('*.io'), declared('*.local'), declared('ghcr.io'), declared('registry.k8s.io'));
    fc.assert(
      fc.property(fc.array(anyContact, { maxLength: 6 }), (contacts) => {
        const { destinations } = mergeObserved(list, contacts);
        expect(new Set(destinations.map(destinationKey)).size).toBe(destinations.length);
        expect(destinations.toSorted(compareDestinations)).toEqual(destinations);
        expect(told(list, contacts.toReversed())).toEqual(told(list, contacts));
      }),
    );
  });
});
