/** What `airgap egress` says to whoever typed something it cannot do: what was wrong, and what to type. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WorkFolder, workFolder } from '../airgap.ts';

let folder: WorkFolder;
beforeEach(() => {
  folder = workFolder();
});
afterEach(() => folder.remove());

const image = 'ghcr.io/siderolabs/kubelet:v1.37.1';

async function refused(argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await folder.airgap(['egress', ...argv]);
  expect({ status, stdout: argv.includes('--json') ? '' : stdout }).toEqual({ status: 2, stdout: '' });
  return stderr;
}

async function list(argv: readonly string[]): Promise<string> {
  const { status, stdout } = await folder.airgap(['egress', ...argv, '--resolver', '10.0.0.2', '--json']);
  expect(status).toBe(0);
  return stdout;
}

describe('airgap egress', () => {
  it('says what to type where nothing was named and nothing is there', async () => {
    expect(
      await refused([]),
    ).toBe(`error: Cannot tell what has to be opened: no images were named, there is no airgap.lock, \
nothing was piped in, and there is no talosctl on PATH
  airgap egress --talos v1.14.4 --to 10.5.0.1:6000
  airgap egress images.txt --to 10.5.0.1:6000
  airgap egress --components talos,omni
`);
    expect(await refused(['check', '--lock', 'site.lock'])).toMatch(/no site\.lock.*\n {2}airgap egress check --talos/);
    expect(await refused(['--observed'])).toContain('--observed reads from the lock of "airgap mirror"');
  });

  it.each([
    [['chek', image], 'did you mean "airgap egress check"?'],
    [['checks', image], 'did you mean "airgap egress check"?'],
    [['chexk'], 'did you mean "airgap egress check"?'],
    [['reslove', image], 'did you mean "airgap egress resolve"?'],
    [[image, 'check'], 'it comes before the inputs'],
    [['resolve', 'check'], 'one of them at a time'],
  ])('takes no image for an action that was meant: %j', async (argv, said) => {
    const stderr = await refused(argv);
    expect(stderr).toContain(said);
    expect(stderr).toMatch(/hint: an image of that name is written docker\.io\/library\/\w+, a file \.\/\w+\n/);
  });

  it('takes a name in full, another word, and a file of that name', async () => {
    expect(await list(['docker.io/library/check'])).toContain('registry docker.io');
    expect(await list(['chess'])).toContain('registry docker.io');
    expect(await list(['nginx'])).toContain('registry docker.io');
    folder.write('check', `${image}\n`);
    expect(await list(['./check'])).toContain('registry ghcr.io');
  });

  it('reads several roles, by commas or one by one, and says how addresses of one are written', async () => {
    const rolesOf = (text: string) => [...new Set([...text.matchAll(/"role": "(\w+)"/g)].map(([, role]) => role))];
    const components = ['--components', 'omni'];
    expect(rolesOf(await list([...components, '--role', 'nodes,omni']))).toEqual(['nodes', 'omni']);
    expect(rolesOf(await list([...components, '--role', 'nodes', '--role', 'omni']))).toEqual(['nodes', 'omni']);
    expect(await refused([image, '--role', 'nodes,node'])).toContain('"node": not one of staging, nodes, omni');
    expect(await refused([image, '--address', '10.0.0.5'])).toMatch(
      /hint: write it like --address staging=10\.0\.0\.5/,
    );
  });

  it.each([
    [['--siderolink-port', '50180'], '--siderolink-port is for --omni-host or --components omni'],
    [['--look-up'], 'Cannot use --look-up with --format table: it holds names'],
    [['--look-up', '--format', 'csv'], 'for the addresses: airgap egress resolve'],
    [['--json', '--diagram'], 'for several at once: --format json --format csv --output-dir DIR'],
  ])('refuses options that would change nothing: %j', async (options, said) => {
    expect(await refused([image, ...options])).toContain(said);
  });

  it.each([
    ['check', ['--output', 'report.txt']],
    ['check', ['--format', 'csv']],
    ['check', ['--stateless']],
    ['resolve', ['--output-dir', 'out']],
    ['resolve', ['--diagram']],
  ])('%s refuses what is for the list: %j', async (action, options) => {
    const stderr = await refused([action, image, ...options]);
    expect(stderr).toContain(`${options[0]} is for the list, which "airgap egress ${action}" does not write`);
    expect(stderr).toContain('hint: for programs: --json; for a file: > FILE');
  });

  it('names the option as the source of what is typed, and the variable only where nothing is', async () => {
    const told = async (more: readonly string[]) => {
      const env = { AIRGAP_TO: 'https://other.site' };
      return (await folder.airgap(['egress', image, '--json', ...more], { env })).stdout;
    };
    expect(await told([])).toContain('"AIRGAP_TO"');
    const typed = await told(['--to', 'https://registry.site']);
    expect(typed).toContain('"--to"');
    expect(typed).not.toContain('AIRGAP_TO');
  });

  it('says how the list of Omni is asked for, where nothing is in it', async () => {
    const note = 'what the host of Omni itself fetches is listed with --components omni';
    expect(JSON.parse(await list([image, '--role', 'omni']))).toMatchObject({ destinations: [], notes: [note] });
    expect(await list(['--components', 'omni', '--role', 'omni'])).not.toContain(note);
  });

  it('says in one title what a list is for', async () => {
    const argv = [image, '--to', 'r.site', '--components', 'omni', '--talos-version', 'v1.14.4'];
    expect(JSON.parse(await list(argv)).title).toBe('What has to be opened for 1 image to r.site and for omni');
    const talos = ['--talos', 'v1.14.4', '--to', 'r.site'];
    expect(JSON.parse(await list(talos)).title).toMatch(
      /^What has to be opened for \d+ images to r\.site, with Talos v1\.14\.4$/,
    );
  });
});
