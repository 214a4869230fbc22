/** The program that changes a kernel's rules is run as root: what it is, and what it is told. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadedSets, runTransaction } from '../../../src/cli/egress/nft.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

let folder: WorkFolder;
beforeEach(() => {
  folder = workFolder();
});
afterEach(() => folder.remove());

/** Says what it got, and prints a table with one set. */
function fakeNft(place: string): string {
  const at = join(folder.path, place);
  mkdirSync(at, { recursive: true });
  const script = `#!/bin/sh\n{ /usr/bin/env; echo "args $*"; /bin/cat; } >'${join(folder.path, 'said')}'\nprintf '\\tset v4_ghcr.io {\\n'\n`;
  writeFileSync(join(at, 'nft'), script);
  chmodSync(join(at, 'nft'), 0o755);
  return at;
}

describe('nft', () => {
  it('gets neither passwords nor anything else of the environment', async () => {
    const PATH = `${fakeNft('bin')}:/usr/bin:/bin`;
    const env = {
      PATH,
      AIRGAP_TO_PASSWORD: 'secret',
      HTTPS_PROXY: 'http://u:secret@proxy.site',
      LD_PRELOAD: 'evil.so',
    };
    expect(await loadedSets({ env })).toEqual(new Set(['v4_ghcr.io']));
    await runTransaction('add element inet airgap_egress v4_ghcr.io { 192.0.2.1 }\n', { env });
    const said = readFileSync(join(folder.path, 'said'), 'utf8');
    expect(said).toContain('args -f -\nadd element inet airgap_egress v4_ghcr.io { 192.0.2.1 }\n');
    expect(said).not.toMatch(/secret|evil|AIRGAP|PROXY/);
  });

  it('is none that is found from the folder that this is called in', async () => {
    const at = fakeNft('bin');
    const PATH = `${relative(process.cwd(), at)}:${folder.path}`;
    const missing = { message: 'Cannot run "nft": it is not on PATH' };
    await expect(loadedSets({ env: { PATH } })).rejects.toMatchObject(missing);
    expect(await loadedSets({ env: { PATH: at } })).toEqual(new Set(['v4_ghcr.io']));
  });
});
