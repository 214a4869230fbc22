import { describe, expect, it } from 'vitest';
import { type CheckReport, checkDocument, checkLines, problemLines } from '../../../src/cli/egress/check-text.ts';
import type { Destination } from '../../../src/egress/destination.ts';
import type { Probed } from '../../../src/egress/verdict.ts';

function probed(more: Partial<Probed> = {}, about: Partial<Destination> = {}): Probed {
  const destination: Destination = {
    role: 'staging',
    host: 'ghcr.io',
    port: 443,
    protocol: 'tcp',
    speaks: 'https',
    isRegistry: true,
    required: true,
    purposes: ['registry ghcr.io'],
    component: 'ghcr',
    evidence: [{ kind: 'document', source: 'x' }],
    ...about,
  };
  return { destination, verdict: 'open', state: 'answers 401', notes: [], steps: [], addresses: [], ...more };
}

function report(destinations: readonly Probed[], more: Partial<CheckReport> = {}): CheckReport {
  const checked = { destinations, notes: [] };
  const here = { host: 'node-1', addresses: ['10.5.0.9', 'fd00::9'] };
  const known = { openings: undefined, listNotes: [], from: new Map(), here, timeoutMs: 3000 };
  return { checked, ...known, milliseconds: 400, exitCode: 0, ...more };
}

const lines = (one: CheckReport) => checkLines(one, { columns: undefined });
const certificate = { subject: 'ghcr.io', issuer: 'Sectigo', names: ['ghcr.io'], validTo: '2027-01-01' };

describe('checkLines()', () => {
  it('has a row for each destination and counts what cannot be told', () => {
    const tunnel = { host: '<omni>', port: 50_180, protocol: 'udp', required: true, purposes: ['SideroLink'] } as const;
    const all = [
      probed({ milliseconds: 12.3, certificate }),
      probed({ verdict: 'unknown', state: 'not tried' }, tunnel),
      probed({ notes: ['a note'] }, { host: 'fd00::5', required: false }),
    ];
    expect(lines(report(all))).toEqual([
      'VERDICT  DESTINATION        FOR                          SEEN',
      'open     ghcr.io:443/tcp    registry ghcr.io             answers 401, 12 ms, certificate of "Sectigo"',
      'unknown  <omni>:50180/udp   SideroLink                   not tried',
      'open     [fd00::5]:443/tcp  registry ghcr.io (optional)  answers 401',
      'note: [fd00::5]:443/tcp: a note',
      'checked 3 destinations from here in 0.4 s: 2 open, 1 unknown; of 1 required it cannot be told',
    ]);
  });

  it('cuts nothing on a terminal: a long name has its line alone, and reasons go on below', () => {
    const host = 'prod-registry-k8s-io-ap-southeast-1.s3.dualstack.ap-southeast-1.amazonaws.com';
    const purposes = ['blobs of registry.k8s.io', 'mirror of docker.io', 'mirror of ghcr.io'];
    const all = [probed({ milliseconds: 12.3, certificate }), probed({ verdict: 'wrong answer' }, { host, purposes })];
    expect(checkLines(report(all), { columns: 80 }).slice(0, -1)).toEqual([
      'VERDICT       DESTINATION      FOR                      SEEN',
      'open          ghcr.io:443/tcp  registry ghcr.io         answers 401, 12 ms,',
      '                                                        certificate of "Sectigo"',
      `wrong answer  ${host}:443/tcp`,
      '                               blobs of                 answers 401',
      '                               registry.k8s.io, mirror',
      '                               of docker.io, mirror of',
      '                               ghcr.io',
    ]);
  });

  it('says so where there is nothing to check', () => {
    expect(lines(report([]))).toEqual(['checked 0 destinations from here in 0.4 s: nothing to check']);
  });

  const shut = { silent: 6, refused: 4, 'without-route': 0, 'without-name': 100, 'led-elsewhere': 15 };
  const place =
    'tried from node-1 (10.5.0.9, fd00::9), waiting 3.0 s each; other addresses and ports, ICMP and QUIC were not tried';

  it('tells what --assert-closed found', () => {
    const direct = probed({ state: 'connection accepted (to 1.2.3.4)' });
    const openings = {
      tried: 126,
      open: [direct, { ...direct, state: 'the proxy p.site:3128 connects' }],
      shut,
      resolved: ['a.io', 'b.io'],
    };
    const found = report([], { openings });
    expect(lines(found).slice(1)).toEqual([
      'warning: the name servers here tell addresses of the internet (a.io and 1 more): names leave the site, and data can be carried in them',
      'must be closed: of 11 other places that could be tried 1 answers (6 silent, 4 refused, 15 more not tried, as their names lead to what is allowed or to this host, 100 more not tried, as no name server here has an address for them)',
      place,
    ]);
    expect(problemLines(found)).toEqual([
      'must be closed: ghcr.io:443/tcp (registry ghcr.io): connection accepted (to 1.2.3.4)',
      'must be closed: ghcr.io:443/tcp (registry ghcr.io): the proxy p.site:3128 connects',
    ]);
  });

  it('claims no more than was tried', () => {
    const openings = { tried: 125, open: [], shut, resolved: [] };
    const none = report([probed()], { openings });
    expect(lines(none).slice(-2)).toEqual([
      expect.stringMatching(/^must be closed: of 10 other places that could be tried none answers \(6 silent, /),
      place,
    ]);
    expect(problemLines(none)).toEqual([]);
    expect(checkDocument(none)).toMatchObject({
      closed: { tried: 10, shut, timeoutSeconds: 3, here: { host: 'node-1', addresses: ['10.5.0.9', 'fd00::9'] } },
    });
    expect(lines(none).filter((line) => line.startsWith('warning: '))).toEqual([]);
    const alone = report([probed({ verdict: 'unknown', state: 'a wildcard' })], { openings });
    expect(lines(alone)).toContain(
      'warning: nothing that is allowed answers either: this host may have no network at all',
    );
    expect(lines(report([probed()], { openings, timeoutMs: 200 }))).toContain(
      'warning: within 0.2 s one lost packet looks like a firewall: use a longer --connect-timeout',
    );
  });
});

describe('problemLines()', () => {
  it('says whom the firewall has to let where, of what is blocked alone', () => {
    const all = [
      probed({ verdict: 'blocked', step: 'connection', state: 'connection refused' }, { role: 'nodes' }),
      probed({ verdict: 'intercepted', step: 'tls', state: 'by "X"', hint: 'do this' }, { required: false }),
      probed({ verdict: 'blocked', step: 'name', state: 'no such name: "ghcr.io"' }),
      probed({ verdict: 'blocked', step: 'proxy', state: 'it refuses' }, { through: 'proxy.site:3128' }),
      probed(
        {
          verdict: 'blocked',
          step: 'proxy',
          state: 'it is not there',
          missing: { kind: 'proxy', place: 'proxy.site:3128' },
        },
        { through: 'proxy.site:3128' },
      ),
      probed({ verdict: 'unknown', state: 'not tried' }),
    ];
    expect(problemLines(report(all, { from: new Map([['nodes', ['10.5.0.0/24', 'fd00::/64']]]) }))).toEqual([
      'blocked: ghcr.io:443/tcp (required: registry ghcr.io)',
      '  connection refused',
      '  firewall: allow the nodes (10.5.0.0/24, fd00::/64) to ghcr.io, 443/tcp',
      'intercepted: ghcr.io:443/tcp (optional: registry ghcr.io)',
      '  by "X"',
      '  hint: do this',
      'blocked: ghcr.io:443/tcp (required: registry ghcr.io)',
      '  no such name: "ghcr.io"',
      'blocked: ghcr.io:443/tcp (required: registry ghcr.io)',
      '  it refuses',
      '  firewall: let the proxy proxy.site:3128 connect to ghcr.io, 443/tcp',
      'blocked: ghcr.io:443/tcp (required: registry ghcr.io)',
      '  it is not there',
      '  firewall: allow the host that mirrors to the proxy proxy.site:3128',
    ]);
  });

  it('lets no stranger forge a line', () => {
    const rude = 'a\nblocked: b \u001b[2J\u202e';
    const all = [
      probed({ verdict: 'wrong answer', state: rude, hint: rude, notes: [rude] }, { host: rude, purposes: [rude] }),
    ];
    const one = report(all, { listNotes: [rude], checked: { destinations: all, notes: [rude] } });
    for (const line of [...lines(one), ...problemLines(one)]) expect(line).not.toMatch(/[\n\p{Cc}\u202e]/u);
  });
});

it('checkDocument() has every step, and what is missing', () => {
  const steps = [{ name: 'name', isRight: false, milliseconds: 5, detail: 'x' }] as const;
  const one = probed({ verdict: 'blocked', step: 'name', state: 'x', steps, missing: { kind: 'names' } });
  expect(checkDocument(report([one], { exitCode: 4 }))).toMatchObject({
    exitCode: 4,
    destinations: [{ host: 'ghcr.io', verdict: 'blocked', steps, missing: { kind: 'names' } }],
    seconds: 0.4,
  });
});
