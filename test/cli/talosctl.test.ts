import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { listWith, listWithTalosctl } from '../../src/cli/talosctl.ts';

const { signal } = new AbortController();

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'airgap-test-'));
  return () => rmSync(folder, { recursive: true });
});

function program(lines: string): string {
  const path = join(folder, 'talosctl');
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('listWith()', () => {
  it('ends a program that does not heed a polite signal', async () => {
    const path = program("trap '' TERM\nwhile :; do :; done");
    const started = performance.now();
    await expect(listWith({ path, env: {}, timeoutMs: 300, signal })).rejects.toThrow('no answer in 0.3 s');
    expect(performance.now() - started).toBeLessThan(4000);
  });
});

describe('listWithTalosctl()', () => {
  it('keeps passwords that are meant for this program', async () => {
    program('echo "$KUBECONFIG $AIRGAP_TO_PASSWORD $AIRGAP_ENDPOINT_TOKEN" >&2\nexit 1');
    const env = { PATH: folder, KUBECONFIG: 'seen', AIRGAP_TO_PASSWORD: 'geheim', AIRGAP_ENDPOINT_TOKEN: 'geheim' };
    const failure = listWithTalosctl({ env, signal });
    await expect(failure).rejects.toThrow('": seen');
    await expect(failure).rejects.not.toThrow('geheim');
  });
});
