import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSpec } from '../../../src/spec/parse.ts';
import { printSpecSchema } from '../../../src/spec/schema.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

let folder: WorkFolder;

beforeEach(() => {
  folder = workFolder();
});
afterEach(() => folder.remove());

/** What the file says, by key. */
function said(name = 'airgap.yaml'): Readonly<Record<string, readonly string[]>> {
  const { entries } = parseSpec(name, folder.read(name));
  return Object.fromEntries(
    entries.map(({ group, key, values }) => [`${group}.${key.name}`, values.map(({ text }) => text)]),
  );
}

/** A terminal at which somebody types one line after the other. */
function typed(lines: readonly string[]): Readable {
  return Object.assign(Readable.from(lines.map((line) => `${line}\n`)), { isTTY: true });
}

describe('airgap init', () => {
  it('asks, takes an empty line for the default, and writes the file with its schema beside it', async () => {
    const ran = await folder.airgap(['init'], {
      stdin: typed([
        'v1.13.9..v1.14.4',
        'iscsi-tools, qemu-guest-agent',
        '',
        'linux/amd64',
        '',
        'http://10.5.0.1:6000',
        '10.0.0.1',
        '-',
      ]),
    });
    expect([ran.status, ran.stdout]).toEqual([
      0,
      expect.stringMatching(/^wrote airgap\.yaml, and airgap\.schema\.json beside it for editors\n/),
    ]);
    expect(ran.stderr).toContain('Where images go: HOST[:PORT], oci:DIR or bundle:FILE [oci:airgap-mirror]: ');
    expect(said()).toEqual({
      'images.talos': ['v1.13.9..v1.14.4'],
      'images.extensions': ['iscsi-tools', 'qemu-guest-agent'],
      'images.platforms': ['linux/amd64'],
      'target.to': ['oci:airgap-mirror'],
      'nodes.endpoints': ['http://10.5.0.1:6000'],
      'nodes.timeServers': ['10.0.0.1'],
    });
    expect(folder.read('airgap.yaml').split('\n')[0]).toBe('# yaml-language-server: $schema=./airgap.schema.json');
    expect(folder.read('airgap.schema.json')).toBe(printSpecSchema());
  });

  it('names a file with blanks so that the next command can be taken as it is shown', async () => {
    const ran = await folder.airgap([
      'init',
      '--yes',
      '--output',
      'our site.yaml',
      '--endpoint',
      'http://10.5.0.1:6000',
    ]);
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringContaining("  airgap mirror --file 'our site.yaml'\n")]);
  });

  it('asks again at a terminal for what is no answer', async () => {
    const ran = await folder.airgap(['init'], {
      stdin: typed(['one', 'v1.14.4', '', '', 'amd64', 'linux/amd64', 'https://registry.site/infra', '', '']),
    });
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringMatching(/Cannot read .*one/)]);
    expect(said()).toEqual({
      'images.talos': ['v1.14.4'],
      'images.platforms': ['linux/amd64'],
      'target.to': ['https://registry.site/infra'],
    });
  });

  it('takes piped answers, asks for none that options give, and refuses a wrong one', async () => {
    const ran = await folder.airgap(['init', '--talos', 'v1.14.4', '--to', 'registry.site'], {
      stdin: 'all\nimages.txt\n',
    });
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('Talos release')]);
    expect(said()).toMatchObject({
      'images.extensions': ['all'],
      'images.lists': ['images.txt'],
      'target.to': ['registry.site'],
    });
    const wrong = await folder.airgap(['init', '--output', 'b.yaml'], { stdin: 'latest\n' });
    expect([wrong.status, existsSync(folder.file('b.yaml'))]).toEqual([2, false]);
  });

  it('writes the defaults with --yes, and with nothing piped in', async () => {
    expect((await folder.airgap(['init', '--yes'], { stdin: null })).status).toBe(0);
    const byYes = folder.read('airgap.yaml');
    expect(said()).toEqual({
      'images.talos': [expect.stringMatching(/^v1\.\d+\.\d+$/)],
      'target.to': ['oci:airgap-mirror'],
    });
    expect(byYes).toContain('  # retag: {docker.io/library/nginx:1.29: web/front}');
    expect((await folder.airgap(['init', '--output', 'b.yaml'])).status).toBe(0);
    expect(folder.read('b.yaml')).toBe(byYes);
  });

  it('every commented key is right when it is taken in', async () => {
    await folder.airgap(['init', '--yes']);
    const whole = folder.read('airgap.yaml').replaceAll(/^ {2}# (?=\w+: )/gm, '  ');
    const { entries, images } = parseSpec('whole', whole);
    expect([entries.length, images.length]).toEqual([22, 2]);
  });

  it('writes over nothing without --force', async () => {
    folder.write('airgap.yaml', 'mine\n');
    const ran = await folder.airgap(['init', '--yes']);
    expect([ran.status, ran.stderr]).toEqual([
      2,
      expect.stringContaining('Cannot write "airgap.yaml": it is there already'),
    ]);
    expect([folder.read('airgap.yaml'), existsSync(folder.file('airgap.schema.json'))]).toEqual(['mine\n', false]);
    expect((await folder.airgap(['init', '--yes', '--force'])).status).toBe(0);
    folder.write('airgap.schema.json', '{}');
    const other = await folder.airgap(['init', '--yes', '--output', 'other.yaml']);
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining('"airgap.schema.json"')]);
  });

  it('prints the schema', async () => {
    const ran = await folder.airgap(['init', '--schema']);
    expect([ran.status, ran.stdout]).toEqual([0, printSpecSchema()]);
    expect(existsSync(folder.file('airgap.yaml'))).toBe(false);
  });

  it('makes a file that plan takes', async () => {
    await folder.airgap(['init', '--yes', '--talos', 'v9.9.9']);
    const ran = await folder.airgap(['plan']);
    expect(ran.stderr).toContain('note: taking what is not said here from "airgap.yaml"');
    expect(ran.stderr).toContain('v9.9.9');
  });
});
