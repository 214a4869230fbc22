import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { csvColumns } from '../../../src/egress/print/csv.ts';
import { printJson } from '../../../src/egress/print/json.ts';
import { hostileList, hostileTexts, observedList, smallList, talosList, testSources } from '../lists.ts';

const options = { stateless: false, title: 'a job', sources: testSources };
const read = (text: string) => JSON.parse(text) as Record<string, unknown>;

describe('JSON', () => {
  it('is one document of version 1', () => {
    expect(read(printJson(smallList, { ...options, date: '2026-11-26' }))).toEqual({
      version: 1,
      title: 'a job',
      date: '2026-11-26',
      destinations: [
        {
          role: 'staging',
          direction: 'out',
          host: '10.5.0.1',
          port: 6000,
          protocol: 'tcp',
          speaks: 'http',
          isRegistry: true,
          required: true,
          purposes: ['internal registry'],
          component: 'site',
          evidence: [{ kind: 'configured', by: '--to' }],
        },
        {
          role: 'staging',
          direction: 'out',
          host: 'pkg-containers.githubusercontent.com',
          port: 443,
          protocol: 'tcp',
          speaks: 'https',
          isRegistry: false,
          required: true,
          purposes: ['blobs of ghcr.io'],
          component: 'ghcr',
          inPlaceOf: ['*.githubusercontent.com'],
          evidence: [{ kind: 'document', source: 'talos-egress-v1.14' }],
        },
        {
          role: 'staging',
          direction: 'out',
          host: 'ghcr.io',
          port: 443,
          protocol: 'tcp',
          speaks: 'https',
          isRegistry: true,
          required: true,
          purposes: ['registry ghcr.io'],
          component: 'ghcr',
          evidence: [{ kind: 'document', source: 'talos-egress-v1.14' }],
        },
      ],
      warnings: [],
      notes: [],
      sources: [testSources[0]],
    });
  });

  it('holds what runs saw', () => {
    const { destinations } = read(printJson(observedList, options));
    expect(destinations).toContainEqual(
      expect.objectContaining({
        host: 'ghcr.io',
        seen: 'seen',
        through: 'proxy.site.example:3128',
        evidence: [
          { kind: 'document', source: 'talos-egress-v1.14' },
          {
            kind: 'observed',
            purpose: 'registry',
            registries: ['ghcr.io:443'],
            through: [],
            requests: 12,
            receivedBytes: 345_600_000,
            sentBytes: 0,
            first: '2026-11-20T08:00:00Z',
            last: '2026-11-26T10:08:04Z',
          },
        ],
      }),
    );
  });

  it('has return rules apart, where they are asked for', () => {
    expect(read(printJson(smallList, options))).not.toHaveProperty('returns');
    const { returns } = read(printJson(smallList, { ...options, stateless: true }));
    expect(returns).toContainEqual({
      role: 'staging',
      direction: 'in',
      host: 'ghcr.io',
      sourcePort: 443,
      protocol: 'tcp',
      localPorts: '1024-65535',
    });
  });

  it('names the sources that the list rests on, and those that nobody knows by their id', () => {
    const ids = (sources: unknown) => (sources as { id: string }[]).map(({ id }) => id);
    expect(ids(read(printJson(talosList, options)).sources)).toEqual(['talos-egress-v1.14', 'k8s-registry-redirects']);
    expect(read(printJson(smallList, { ...options, sources: [] })).sources).toEqual([{ id: 'talos-egress-v1.14' }]);
  });

  it('gives every text back as it was', () => {
    const { destinations, notes } = read(printJson(hostileList, options));
    expect(notes).toEqual(hostileTexts);
    expect((destinations as { host: string }[]).map(({ host }) => host)).toEqual(
      hostileList.destinations.map(({ host }) => host),
    );
  });

  it('has the fields that docs/egress-list.md tells, and no other', () => {
    const page = readFileSync(new URL('../../../docs/egress-list.md', import.meta.url), 'utf8');
    const [, json = '', csv = ''] = page.split(/^## /m);
    const told = [...json.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) => cell.match(/(?<=`)\w+(?=`)/g) ?? []);
    const documents = [observedList, talosList, hostileList].map((list) =>
      read(printJson(list, { ...options, date: '2026-11-26', stateless: true })),
    );
    const destinations = documents.flatMap((document) => document.destinations as object[]);
    const printed = [...documents, ...destinations].flatMap((entry) => Object.keys(entry));
    expect(new Set(printed)).toEqual(new Set(told));
    expect(csv).toContain(`\n${csvColumns.join(',')}\n`);
  });
});
