import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageFolder, programVersion } from '../../src/cli/executable.ts';
import { copySelf, executableName, requireSelf } from '../../src/cli/self.ts';
import { AirgapError } from '../../src/errors.ts';

const bytes = Buffer.alloc(300_000, 'a program ');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const names = ['', '.cdx.json', '.licenses.txt', '.sha256'].map((ending) => `${executableName}${ending}`);

let folder: string;
let from: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'airgap-self-'));
  mkdirSync(join(folder, 'build'));
  from = join(folder, 'build', executableName);
  writeFileSync(from, bytes, { mode: 0o700 });
  writeFileSync(`${from}.sha256`, `${sha256}  ${executableName}\n`);
  writeFileSync(`${from}.cdx.json`, sbomOf(programVersion()));
  writeFileSync(`${from}.licenses.txt`, 'Apache\n');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function sbomOf(version: string): string {
  return `${JSON.stringify({ bomFormat: 'CycloneDX', metadata: { component: { name: 'airgap', version } } })}\n`;
}

describe('copySelf()', () => {
  it.each([sbomOf('0.0.9'), sbomOf(''), '{}', 'null', 'no JSON'])(
    'refuses an executable of another release, before anything is written: %j',
    async (sbom) => {
      writeFileSync(`${from}.cdx.json`, sbom);
      const target = join(folder, 'stick');
      await expect(copySelf(target, { from })).rejects.toMatchObject({
        code: 'ERR_USAGE',
        message: expect.stringContaining(sbom === sbomOf('0.0.9') ? 'it is airgap 0.0.9' : 'nothing tells its release'),
        hint: expect.stringContaining('npm run package'),
      });
      await expect(requireSelf({ from })).rejects.toMatchObject({ code: 'ERR_USAGE' });
      expect(existsSync(target)).toBe(false);
    },
  );

  it('puts an executable file with checksum, parts and licences into a folder, which it makes', async () => {
    const target = join(folder, 'media/stick');
    const path = join(target, executableName);
    await expect(copySelf(target, { from })).resolves.toEqual({ path, size: bytes.length, sha256 });
    expect(readdirSync(target).sort()).toEqual(names);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o755);
    expect(readFileSync(`${path}.sha256`, 'utf8')).toBe(`${sha256}  ${executableName}\n`);
    expect(readFileSync(`${path}.licenses.txt`, 'utf8')).toBe('Apache\n');
  });

  it('leaves an equal one as it is, and replaces any other', async () => {
    const target = join(folder, 'stick');
    const { path } = await copySelf(target, { from });
    const { ino } = statSync(path);
    await copySelf(target, { from });
    expect(statSync(path).ino).toBe(ino);
    writeFileSync(path, Buffer.alloc(bytes.length));
    await copySelf(target, { from });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(target).sort()).toEqual(names);
  });

  it('copies nothing onto itself', async () => {
    symlinkSync(join(folder, 'build'), join(folder, 'link'));
    await copySelf(join(folder, 'link'), { from });
    expect(readFileSync(from).equals(bytes)).toBe(true);
  });

  it('refuses one that is not what its checksum says', async () => {
    writeFileSync(from, 'half a build');
    const target = join(folder, 'stick');
    await expect(copySelf(target, { from })).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
    writeFileSync(`${from}.sha256`, 'nonsense\n');
    await expect(copySelf(target, { from })).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
    expect(existsSync(target)).toBe(false);
  });

  it.each(['', '.cdx.json', '.licenses.txt'])('says how to get what is missing: %j', async (ending) => {
    rmSync(`${from}${ending}`);
    await expect(copySelf(join(folder, 'stick'), { from })).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: `Cannot include the executable: "${from}${ending}" is not there`,
      hint: expect.stringContaining('npm run package'),
    });
    expect(existsSync(join(folder, 'stick'))).toBe(false);
  });

  it('looks in the npm package when nothing else is named', async () => {
    const expected = join(packageFolder(), 'build', executableName);
    const copied = copySelf(join(folder, 'stick'));
    if (existsSync(expected)) expect((await copied).size).toBe(statSync(expected).size);
    else await expect(copied).rejects.toThrow(`"${expected}" is not there`);
  });

  it('says why it cannot write, and leaves nothing half done', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(copySelf(join(folder, 'file'), { from })).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('not a folder'),
    });
    const target = join(folder, 'stick');
    mkdirSync(join(target, executableName), { recursive: true });
    await expect(copySelf(target, { from })).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('it is a folder'),
    });
    expect(readdirSync(target)).toEqual([executableName]);
  });

  it('stops when it is told to', async () => {
    const reason = new AirgapError('ERR_INTERRUPTED', 'Cannot go on: enough');
    const target = join(folder, 'stick');
    await expect(copySelf(target, { from, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(existsSync(target)).toBe(false);
  });
});
