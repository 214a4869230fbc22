import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { covers, isAddress, isPlaceholder, isWildcard } from '../../../src/egress/destination.ts';
import { knownDestinations } from '../../../src/egress/knowledge/all.ts';
import { componentNames, type KnownDestination } from '../../../src/egress/knowledge/known.ts';
import { knownSources } from '../../../src/egress/knowledge/sources.ts';
import { fixtures } from './source-rows.ts';

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const exactName = new RegExp(`^(?:${label}\\.)+[a-z]{2,}$`);

function isWellFormed(host: string): boolean {
  if (isPlaceholder(host)) return /^<[a-z][a-z ]*>$/.test(host);
  if (isAddress(host)) return true;
  return exactName.test(isWildcard(host) ? host.replace(/^\*\./, '') : host) && host.length <= 253;
}

const minor = /^1\.\d{1,2}$/;
const date = /^20\d\d(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?$/;

function name({ component, host, port, protocol }: KnownDestination): string {
  return `${component} ${host} ${port}/${protocol}`;
}

describe('every entry', () => {
  it('has at least one source, and every source is known', () => {
    const wrong = knownDestinations.filter(({ sources, exact = [] }) =>
      [sources, ...exact.map((one) => one.sources)].some(
        (ids) => ids.length === 0 || ids.some((id) => !knownSources.some((source) => source.id === id)),
      ),
    );
    expect(wrong.map(name)).toEqual([]);
  });

  it('has a well-formed host in lower case', () => {
    const hosts = knownDestinations.flatMap(({ host, exact = [], superseded }) => [
      host,
      ...exact.map((one) => one.host),
      ...(superseded?.by ?? []),
    ]);
    expect(hosts.filter((host) => !isWellFormed(host))).toEqual([]);
  });

  it('stands there once', () => {
    const names = knownDestinations.map(name);
    expect(names.filter((one, index) => names.indexOf(one) !== index)).toEqual([]);
  });

  it('covers the exact hosts it knows, each once', () => {
    const wrong = knownDestinations.flatMap(({ host, exact = [] }) =>
      exact.filter(
        (one, index) =>
          !isWildcard(host) || !covers(host, one.host) || exact.findIndex((other) => other.host === one.host) !== index,
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('is of a port and of what is spoken there', () => {
    const speaks = { dns: 53, ntp: 123, https: 443, http: 80 } as const;
    const wrong = knownDestinations.filter(
      (entry) => (entry.speaks === 'wireguard') !== (entry.protocol === 'udp' && ![53, 123].includes(entry.port)),
    );
    const ports = knownDestinations.filter(
      ({ speaks: spoken, port, host }) =>
        spoken !== 'wireguard' && spoken !== 'tcp' && !isPlaceholder(host) && speaks[spoken] !== port,
    );
    expect([...wrong, ...ports].map(name)).toEqual([]);
  });

  it('names releases as minors, in order', () => {
    const named = knownDestinations.flatMap(({ since, until }) => [since, until]).filter((text) => text !== undefined);
    expect(named.filter((text) => !minor.test(text))).toEqual([]);
    expect(named.length).toBeGreaterThan(2);
  });

  it('says in one line without a full stop what it is for, when it counts and why it is superseded', () => {
    const texts = knownDestinations.flatMap(({ purpose, condition, superseded, exact = [] }) => [
      purpose,
      condition,
      superseded?.reason,
      ...exact.map((one) => one.condition),
    ]);
    const wrong = texts.filter((text) => text !== undefined && (text === '' || /[\n\r]|\.$|^\s|\s$/.test(text)));
    expect(wrong).toEqual([]);
  });

  it('that is superseded names hosts that are known, and when', () => {
    const hosts = new Set(
      knownDestinations
        .filter(({ superseded }) => superseded === undefined)
        .flatMap(({ host, exact = [] }) => [host, ...exact.map((one) => one.host)]),
    );
    const old = knownDestinations.flatMap(({ superseded }) => superseded ?? []);
    expect(old.flatMap(({ by }) => by).filter((host) => !hosts.has(host))).toEqual([]);
    expect(old.filter(({ since }) => !date.test(since))).toEqual([]);
    expect(old.length).toBeGreaterThan(5);
  });

  it('is in the list that is kept of them', async () => {
    const lines = knownDestinations.map((entry) => {
      const { since = '', until = '', required, superseded, who, exact = [] } = entry;
      const releases = since === '' && until === '' ? '' : ` Talos ${since}–${until}`;
      const state = superseded === undefined ? (required ? '' : ' optional') : ' superseded';
      return [`${name(entry)}${state}${releases} (${who.join(', ')})`, ...exact.map(({ host }) => `  ${host}`)].join(
        '\n',
      );
    });
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(join(fixtures, 'known.txt'));
  });
});

describe('every component', () => {
  it('has something that is required', () => {
    const empty = componentNames.filter(
      (component) => !knownDestinations.some((entry) => entry.component === component && entry.required),
    );
    expect(empty).toEqual([]);
  });
});

describe('every source', () => {
  it('has an id of its own, a title, an address and a date', () => {
    const ids = knownSources.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const wrong = knownSources.filter(
      ({ id, title, address }) =>
        !/^[a-z0-9][a-z0-9.-]*$/.test(id) || title === '' || !/^https:\/\/\S+|^[\w.-]+\/[\w.-]+ \S/.test(address),
    );
    expect(wrong).toEqual([]);
    expect(knownSources.filter((source) => !date.test(source.date) || Number.isNaN(Date.parse(source.date)))).toEqual(
      [],
    );
  });

  it('is one that something is known from', () => {
    const used = new Set(
      knownDestinations.flatMap(({ sources, exact = [] }) => [...sources, ...exact.flatMap((one) => one.sources)]),
    );
    expect(knownSources.filter(({ id }) => !used.has(id)).map(({ id }) => id)).toEqual([]);
  });
});
