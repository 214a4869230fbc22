/** The official conformance suite of the OCI distribution-spec, built from the Go module proxy and run against a writable server. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output, titled } from './support/programs.ts';

const script = fileURLToPath(new URL('../../scripts/conformance.mjs', import.meta.url));

/** Fetched and built here, so that the title can say why not. */
const built = spawnSync(process.execPath, [script, '--build-only'], { encoding: 'utf8', timeout: 320_000 });
const reason = built.status === 0 ? undefined : `skipped because ${built.stderr.trim().split('\n').at(-1)}`;

interface Result {
  readonly fullName: string;
  readonly status: 'passed' | 'failed' | 'pending';
  readonly failureMessages: readonly string[];
}

describe.skipIf(reason !== undefined)(titled('the distribution-spec conformance suite', reason), () => {
  let folder: string;
  let results: readonly Result[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-conformance-report-'));
    const report = join(folder, 'report.json');
    await output([process.execPath, script, '--report', report]);
    results = JSON.parse(readFileSync(report, 'utf8')).testResults[0].assertionResults;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('passes in every part', () => {
    expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
    const parts = new Set(results.map(({ fullName }) => fullName.split('/')[0]));
    for (const part of [
      'ping',
      'image',
      'index',
      'nested-index',
      'sha256 blobs',
      'sha512 blobs',
      'artifacts-with-subject',
    ]) {
      expect([...parts]).toContain(part);
    }
    expect(results.length).toBeGreaterThan(700);
  });

  it('skips nothing but a range that ends before it begins, which RFC 9110 has us ignore', () => {
    const skipped = results.filter(({ status }) => status === 'pending').map(({ fullName }) => fullName);
    expect(skipped.filter((name) => !name.endsWith('/range requests/range 500-0'))).toEqual([]);
  });
});
