/**
 * The rows of fixtures/egress/source-rows.json against the four documents they are from. The documents are not part of this
 * repository: AIRGAP_EGRESS_SOURCES names their folder. Where it is missing the suite is skipped, and says so.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sourceRows } from '../egress/knowledge/source-rows.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = process.env.AIRGAP_EGRESS_SOURCES ?? join(root, '../shared/sources');
const isThere = existsSync(folder);

const texts = (isThere ? readdirSync(folder) : []).map((name) => readFileSync(join(folder, name), 'utf8'));
const documents = sourceRows.documents.map(({ id, knownBy }) => {
  const [text = '', ...others] = texts.filter((one) => one.includes(knownBy));
  return { id, text, isOne: text !== '' && others.length === 0 };
});

/** Names whose last label is of letters, with what stands before a wildcard in Markdown; IPv4 addresses; both with a port. */
const hostLike =
  /(?:\\?\*\.)?(?:[a-z0-9_-]+\.)+[a-z]{2,}(?![\w-]|\.\w)(?::\d+)?|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/gi;

function hostsIn(text: string): string[] {
  return [...new Set([...text.matchAll(hostLike)].map(([token]) => token.replace(/^\\/, '')))];
}

interface PortRow {
  readonly host: string;
  readonly port: number;
  readonly protocol: string;
}

/** Rows of tables with a cell that is a port. A row without a host is about Omni itself. */
function portRowsIn(text: string): PortRow[] {
  return text.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const port = cells.find((cell) => /^\d{2,5}\*?$/.test(cell));
    if (port === undefined || cells.length < 3) return [];
    const host = hostsIn(cells.find((cell) => hostsIn(cell)[0] === cell.replace(/^\\/, '')) ?? '')[0] ?? '<omni>';
    return [{ host, port: Number.parseInt(port, 10), protocol: cells.includes('UDP') ? 'udp' : 'tcp' }];
  });
}

/** `port 443`, in prose. */
function portsIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\bport (\d{2,5})\b/gi)].map(([, port]) => `port ${port}`))];
}

function rowsOf(document: string) {
  return sourceRows.rows.filter((row) => row.document === document);
}

function noEgressOf(document: string): string[] {
  return sourceRows.noEgress.filter((one) => one.document === document).map(({ token }) => token);
}

if (!isThere)
  process.stderr.write(`The suite of source documents is skipped: there is no ${folder} (AIRGAP_EGRESS_SOURCES)\n`);

describe.skipIf(!isThere)('the source documents', () => {
  it('are there, each once, and nothing else', () => {
    expect(documents.filter(({ isOne }) => !isOne).map(({ id }) => id)).toEqual([]);
    expect(texts).toHaveLength(documents.length);
  });

  it.each(documents)('$id has no host that is neither a row nor known not to be opened', ({ id, text }) => {
    const known = new Set([...rowsOf(id).map(({ host }) => host), ...noEgressOf(id)]);
    const found = hostsIn(text);
    expect(found.length).toBeGreaterThan(4);
    expect(found.filter((host) => !known.has(host))).toEqual([]);
  });

  it.each(documents)('$id has no port that is not of a row', ({ id, text }) => {
    const key = ({ host, port, protocol }: PortRow) => `${host} ${port}/${protocol}`;
    const known = new Set(rowsOf(id).map(key));
    expect(
      portRowsIn(text)
        .map(key)
        .filter((row) => !known.has(row)),
    ).toEqual([]);
    const ports = new Set([...rowsOf(id).map(({ port }) => `port ${port}`), ...noEgressOf(id)]);
    expect(portsIn(text).filter((port) => !ports.has(port))).toEqual([]);
  });

  it('have as many rows of ports as are listed there', () => {
    const counts = documents.map(({ id, text }) => [id, portRowsIn(text).length]);
    expect(Object.fromEntries(counts)).toEqual({
      'talos-egress': 0,
      'omni-firewall': 9,
      'talos-airgapped': 0,
      'chainguard-network': 13,
    });
    const rows = rowsOf('omni-firewall').filter(({ host }) => !host.startsWith('('));
    expect(rows).toHaveLength(9);
  });

  it.each(documents)('$id says every row, and everything that is known not to be opened', ({ id, text }) => {
    const found = new Set([...hostsIn(text), ...portsIn(text)]);
    const hosts = rowsOf(id).flatMap(({ host }) => (/^[(<]/.test(host) ? [] : [host]));
    expect([...hosts, ...noEgressOf(id)].filter((token) => !found.has(token))).toEqual([]);
    const named = {
      '(name servers)': /\bDNS\b/,
      '(time servers)': /\bNTP\b/,
      '(identity provider)': /authentication service/,
    };
    const unnamed = rowsOf(id).filter(({ host }) => host.startsWith('('));
    const matches = Object.entries(named)
      .filter(([, pattern]) => pattern.test(text))
      .map(([host]) => host);
    expect(unnamed.filter(({ host }) => !matches.includes(host))).toEqual([]);
  });
});
