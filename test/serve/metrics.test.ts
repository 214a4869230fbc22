import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { SeededImage } from '../support/pile.ts';
import { type Family, parseMetrics } from '../support/prometheus.ts';
import { seedImage } from '../support/seedImages.ts';

let server: RunningServer;
let image: SeededImage;

beforeAll(async () => {
  const store = openMemory();
  image = await seedImage(store, 'ghcr.io/app/one:1', { layerBytes: 5000, platforms: ['linux/amd64'] });
  server = await serveStore(store, { writable: true, graceMs: 50, version: 'v1.2"\\\n' });
});

afterAll(() => server.close());

async function metrics(): Promise<Map<string, Family>> {
  const answer = await fetch(`${server.url}/metrics`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  return parseMetrics(await answer.text());
}

function value(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  const family = families.get(name.replace(/_(bucket|sum|count)$/, '')) ?? families.get(name);
  const found = family?.samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
  );
  return (found ?? []).reduce((sum, sample) => sum + sample.value, 0);
}

describe('/metrics', () => {
  it('counts requests, bytes and durations by kind', async () => {
    const before = await metrics();
    const blob = image.blobs.reduce((one, other) => (one.size > other.size ? one : other));
    await (await fetch(`${server.url}/v2/app/one/blobs/${blob.digest}`)).arrayBuffer();
    await (await fetch(`${server.url}/v2/app/one/manifests/1`)).arrayBuffer();
    await fetch(`${server.url}/v2/app/one/manifests/1`, { method: 'HEAD' });
    await (await fetch(`${server.url}/v2/app/one/manifests/9`)).arrayBuffer();
    await fetch(`${server.url}/v2/app/one/blobs/uploads/`, { method: 'POST' });
    const refused = await fetch(`${server.url}/v2/app/one/manifests/2`, { method: 'PUT', body: 'x'.repeat(777) });
    expect(refused.status).toBe(400);
    await expect
      .poll(async () => value(await metrics(), 'airgap_http_request_bytes_total', { kind: 'manifest' }))
      .toBe(777);
    const after = await metrics();
    const grown = (name: string, labels: Record<string, string>) =>
      value(after, name, labels) - value(before, name, labels);
    const requests = 'airgap_http_requests_total';
    expect(grown(requests, { method: 'GET', kind: 'blob', status: '2xx' })).toBe(1);
    expect(grown(requests, { method: 'GET', kind: 'manifest', status: '2xx' })).toBe(1);
    expect(grown(requests, { method: 'HEAD', kind: 'manifest', status: '2xx' })).toBe(1);
    expect(grown(requests, { method: 'GET', kind: 'manifest', status: '4xx' })).toBe(1);
    expect(grown(requests, { method: 'POST', kind: 'upload', status: '2xx' })).toBe(1);
    expect(grown('airgap_http_response_bytes_total', { kind: 'blob' })).toBe(blob.size);
    expect(grown('airgap_http_request_duration_seconds_count', { kind: 'manifest' })).toBe(4);
    expect(grown('airgap_uploads_open', {})).toBe(1);
    expect(value(after, 'airgap_http_requests_in_flight')).toBe(1);
    expect(value(after, 'airgap_connections')).toBeGreaterThan(0);
    expect(value(after, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(value(after, 'process_cpu_seconds_total')).toBeGreaterThan(0);
    const age = Date.now() / 1000 - value(after, 'process_start_time_seconds');
    expect(Math.abs(age - process.uptime())).toBeLessThan(1);
    expect(after.get('airgap_build_info')?.samples[0]?.labels.version).toBe('v1.2\\"\\\\\\n');
  });

  it('has no label that a client could fill', async () => {
    const said = (families: Map<string, Family>) => [...families.values()].flatMap(({ samples }) => samples).length;
    await metrics();
    const before = said(await metrics());
    for (let round = 0; round < 30; round += 1) {
      await (await fetch(`${server.url}/v2/x${round}/manifests/t${round}?ns=h${round}.example`)).arrayBuffer();
      await (await fetch(`${server.url}/nowhere/${round}`)).arrayBuffer();
      await new Promise((resolve, reject) => {
        const method = ['PURGE', 'MKCOL', 'LOCK'][round % 3] ?? 'LOCK';
        httpRequest(`${server.url}/v2/`, { method }, (answer) => answer.resume().once('end', resolve))
          .once('error', reject)
          .end();
      });
    }
    // Three new combinations: a manifest that is not there, what no endpoint is, and other methods, each with a first histogram.
    expect(said(await metrics()) - before).toBeLessThan(50);
    expect(value(await metrics(), 'airgap_http_requests_total', { method: 'other' })).toBe(30);
  });

  it('agrees with statistics()', async () => {
    const { requests, bytesSent, bytesReceived, refusals } = server.statistics();
    const families = await metrics();
    expect(value(families, 'airgap_http_requests_total')).toBe(requests);
    expect(value(families, 'airgap_http_response_bytes_total')).toBe(bytesSent);
    expect(value(families, 'airgap_http_request_bytes_total')).toBe(bytesReceived);
    expect(value(families, 'airgap_http_requests_total', { status: '4xx' })).toBe(refusals);
  });

  it('is for reading, for who may read, and can be left out', async () => {
    expect((await fetch(`${server.url}/metrics`, { method: 'POST' })).status).toBe(405);
    const closed = await serveStore(openMemory(), {
      graceMs: 50,
      access: { allows: async ({ authorization }) => authorization === `Basic ${btoa('a:b')}` },
    });
    expect((await fetch(`${closed.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${closed.url}/healthz`)).status).toBe(200);
    const allowed = await fetch(`${closed.url}/metrics`, { headers: { authorization: `Basic ${btoa('a:b')}` } });
    expect(allowed.status).toBe(200);
    const without = await serveStore(openMemory(), { graceMs: 50, metrics: false });
    expect((await fetch(`${without.url}/metrics`)).status).toBe(404);
    await Promise.all([closed.close(), without.close()]);
  });
});

describe('the parser of this test', () => {
  it.each([
    ['no line end', '# HELP a b\n# TYPE a counter\na 1'],
    ['no type', 'a 1\n'],
    ['help of another', '# HELP b b\n# TYPE a counter\na 1\n'],
    ['a sample of another', '# HELP a b\n# TYPE a counter\nb 1\n'],
    ['a sample twice', '# HELP a b\n# TYPE a counter\na{x="1",y="2"} 1\na{y="2",x="1"} 1\n'],
    ['a quote in a label', '# HELP a b\n# TYPE a counter\na{x="a"b"} 1\n'],
    ['no value', '# HELP a b\n# TYPE a counter\na undefined\n'],
  ])('refuses %s', (_, text) => {
    expect(() => parseMetrics(text)).toThrow();
  });
});
