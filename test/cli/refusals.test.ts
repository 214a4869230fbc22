/** Every refusal a user can meet before anything is contacted: its exit status, and the words that help. */
import { chmodSync, mkdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WorkFolder, workFolder } from './airgap.ts';

let folder: WorkFolder;

beforeEach(() => {
  folder = workFolder();
});

afterEach(() => folder.remove());

const pause = 'registry.k8s.io/pause:3.10';
const target = ['--to', 'http://127.0.0.1:1'];

describe('the command line is refused with status 2', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['an unknown command', ['mirrror'], /unknown command 'mirrror'[\s\S]*Did you mean mirror\?/],
    ['an unknown option', ['mirror', '--platfrom', 'x'], /unknown option '--platfrom'[\s\S]*Did you mean --platform\?/],
    ['an option without its value', ['mirror', '--to'], /argument missing/],
    ['too many arguments', ['serve', 'a', 'b'], /too many arguments/],
    ['a concurrency of 0', ['mirror', pause, '--source-concurrency', '0'], /--source-concurrency "0"/],
    ['a concurrency that is no number', ['mirror', pause, '--target-concurrency', '1e2'], /--target-concurrency "1e2"/],
    ['negative retries', ['mirror', pause, '--retries=-1'], /--retries "-1"/],
    [
      'a timeout without unit that is none',
      ['mirror', pause, '--timeout', '5 minutes'],
      /--timeout "5 minutes"[\s\S]*30s, 5m/,
    ],
    ['an idle timeout of 0', ['mirror', pause, '--idle-timeout', '0s'], /--idle-timeout "0s"/],
    ['a platform that is none', ['mirror', pause, '--platform', 'amd64'], /platform "amd64"[\s\S]*linux\/amd64/],
    ['--narrow without a platform', ['mirror', pause, '--narrow'], /--narrow with 0 platforms/],
    [
      '--narrow with two',
      ['mirror', pause, '--narrow', '--platform', 'linux/amd64', '--platform', 'linux/arm64'],
      /--narrow with 2/,
    ],
    ['--require-platforms alone', ['mirror', pause, '--require-platforms'], /--require-platforms without --platform/],
    ['--json with --quiet', ['mirror', pause, '--json', '--quiet'], /--json with --quiet/],
    ['--kubernetes without --talos', ['mirror', '--kubernetes', 'v1.37.0'], /--kubernetes without --talos/],
    [
      'an unknown Talos release',
      ['mirror', '--talos', 'v1.14.99'],
      /Talos "v1\.14\.99"[\s\S]*nearest releases with a list/,
    ],
    ['Kubernetes out of range', ['mirror', '--talos', 'v1.13.9', '--kubernetes', 'v1.12.0'], /1\.31-1\.36/],
    ['a Talos version that is none', ['images', '--talos', 'latest'], /latest/],
    ['images without a release', ['images'], /no release was named/],
    ['a source endpoint without URL', ['mirror', pause, '--source-endpoint', 'ghcr.io'], /source endpoint/],
    [
      'a source endpoint with a password',
      ['mirror', pause, '--source-endpoint', 'ghcr.io=http://u:geheim@h:1'],
      /password/,
    ],
    [
      'an endpoint with another path than the target',
      ['mirror', pause, ...target, '--endpoint', 'http://10.5.0.1:6000/x'],
      /--endpoint[\s\S]*nodes would ask elsewhere/,
    ],
    ['an endpoint without scheme', ['mirror', pause, '--endpoint', '10.5.0.1:6000'], /--endpoint "10\.5\.0\.1:6000"/],
    ['a target with a password', ['mirror', pause, '--to', 'https://u:geheim@h'], /user name or password/],
    ['a target without a port after its colon', ['mirror', pause, '--to', '10.5.0.1:'], /port is missing/],
    ['a target that looks like a path', ['mirror', pause, '--to', './mirror'], /oci:\.\/mirror/],
    ['a target that is a file', ['mirror', pause, '--to', 'talos.tar'], /write bundle:talos\.tar/],
    ['a source that is a file', ['mirror', '--from', 'usb/talos.tar', ...target], /write bundle:usb\/talos\.tar/],
    ['a place among the images', ['mirror', 'bundle:talos.tar', ...target], /--from bundle:talos\.tar/],
    ['a place to verify among the images', ['verify', 'oci:mirror'], /--to oci:mirror/],
    ['a target that could be either', ['mirror', pause, '--to', 'mirror'], /host or a directory/],
    ['an unknown target scheme', ['mirror', pause, '--to', 'ftp://x'], /ftp:\/\//],
    ['a prefix per registry in a layout', ['mirror', pause, '--prefix-by-registry'], /layout directory/],
    [
      'a user without a password',
      ['mirror', pause, ...target, '--to-user', 'me'],
      /--to-user without a password[\s\S]*AIRGAP_TO_PASSWORD/,
    ],
    [
      'a password without a user',
      ['mirror', pause, ...target, '--from-password-stdin'],
      /--from-password-stdin without --from-user/,
    ],
    ['a client certificate without key', ['mirror', pause, ...target, '--client-cert', 'c.pem'], /--client-key/],
    [
      'a certificate file that is not there',
      ['mirror', pause, ...target, '--ca', 'missing.pem'],
      /missing\.pem": file not found/,
    ],
    [
      'a source given twice',
      ['mirror', pause, '--from', 'oci:x', '--source-endpoint', '*=http://h:1'],
      /--from with --source-endpoint/,
    ],
    [
      'one file for two purposes',
      ['mirror', pause, ...target, '--patch', 'airgap.lock'],
      /--lock and --patch to one file/,
    ],
    [
      'an input as the file for the patch',
      ['mirror', 'refs.yaml', ...target, '--patch', './refs.yaml'],
      /"refs\.yaml": it is one of the inputs/,
    ],
    ['a directory mirrored into itself', ['mirror', pause, '--from', 'oci:x', '--to', 'oci:./x'], /into itself/],
    ['a file that is not there', ['mirror', 'images.txt', ...target], /"images\.txt": file not found/],
    ['a path that is not there', ['mirror', './images', ...target], /"\.\/images": file not found/],
    ['references that are none', ['mirror', 'UPPER/case:1', 'a//b', ...target], /UPPER[\s\S]*a\/\/b/],
    ['a listen address without port', ['serve', '--listen', 'localhost'], /--listen "localhost"/],
    ['a directory that is not there', ['serve', 'nowhere'], /"nowhere": it does not exist/],
    ['a directory that is no layout', ['serve', '.'], /no layout directory, no bundle/],
    ['a source directory that is no layout', ['mirror', pause, '--from', 'oci:nowhere', ...target], /does not exist/],
    ['verify without a lock', ['verify'], /airgap\.lock": file not found[\s\S]*airgap mirror writes it/],
    ['verify of a layout that is not there', ['verify', pause], /does not exist/],
    ['emit without a lock', ['emit'], /airgap\.lock": file not found/],
    ['emit without an address', ['emit', pause], /--endpoint/],
    ['emit with a target of unknown scheme', ['emit', pause, '--to', '10.5.0.1:6000'], /http:\/\/10\.5\.0\.1:6000/],
    [
      'emit for a release that cannot express it',
      ['emit', pause, '--talos', 'v1.3.0', '--to', 'http://10.5.0.1:6000/x'],
      /v1\.3\.0/,
    ],
    ['--bundle with --kubernetes', ['images', '--talos', 'v1.14.4', '--bundle', '--kubernetes', 'v1.37.0'], /--bundle/],
  ])('%s', async (_, argv, words) => {
    const ran = await folder.airgap(argv);
    expect(ran.stderr).toMatch(words);
    expect(ran.stderr).not.toContain('geheim');
    expect([ran.status, ran.stdout]).toEqual([2, '']);
  });

  it('nothing at all, with examples', async () => {
    const ran = await folder.airgap(['mirror', ...target]);
    expect([ran.status, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toContain('no images were named');
    expect(ran.stderr).toContain('airgap mirror --talos v1.14.4 --to 10.5.0.1:6000');
  });

  it('no command: the help, on standard error', async () => {
    const ran = await folder.airgap([]);
    expect([ran.status, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toContain('Usage: airgap');
  });

  it('a list asked from a terminal', async () => {
    const ran = await folder.airgap(['mirror', '-', ...target], { stdin: null });
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('it is a terminal')]);
  });

  it('two things read from standard input', async () => {
    const passwords = ['--from-user', 'a', '--from-password-stdin', '--to-user', 'b', '--to-password-stdin'];
    expect((await folder.airgap(['mirror', pause, ...target, ...passwords])).status).toBe(2);
    const both = await folder.airgap(['mirror', '-', ...target, '--to-user', 'b', '--to-password-stdin']);
    expect([both.status, both.stderr]).toEqual([2, expect.stringContaining('a list and a password')]);
  });

  it('a password on standard input that is none', async () => {
    for (const stdin of ['', 'one\ntwo\n']) {
      const ran = await folder.airgap(['mirror', pause, ...target, '--to-user', 'b', '--to-password-stdin'], { stdin });
      expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('--to-password-stdin')]);
    }
  });

  it('one user for several source hosts', async () => {
    const argv = ['mirror', pause, 'ghcr.io/a/b:1', ...target, '--from-user', 'a'];
    const ran = await folder.airgap(argv, { env: { AIRGAP_FROM_PASSWORD: 'geheim' } });
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('ghcr.io, registry.k8s.io')]);
    expect(ran.stderr).not.toContain('geheim');
  });
});

describe('an input is refused with status 2', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['a web page', '<!DOCTYPE html><html></html>', /web page/],
    ['binary', Buffer.from([1, 2, 0, 3]), /binary/],
    ['gzip', gzipSync('x'), /gzip/],
    ['an empty list', '# nothing\n\n', /empty|no image|no reference/i],
    ['a table of talosctl', 'NODE   IMAGE   DIGEST   SIZE   CREATED\n10.5.0.2   a   b   c   d\n', /table/],
    ['JSON that is no lock', '{"a":1}', /lock/],
    ['a broken lock', '{"version":1,', /lock/],
    ['a lock of another version', '{"version":99}', /99/],
  ])('%s', async (_, content, words) => {
    folder.write('images.txt', content);
    const ran = await folder.airgap(['mirror', 'images.txt', ...target]);
    expect(ran.stderr).toMatch(words);
    expect(ran.stderr).toContain('images.txt');
    expect(ran.status).toBe(2);
  });

  it('every bad line at once', async () => {
    folder.write('images.txt', `${pause}\nbad reference\nghcr.io/UPPER:1\n`);
    const ran = await folder.airgap(['mirror', 'images.txt', ...target]);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain('images.txt:2');
    expect(ran.stderr).toContain('images.txt:3');
  });

  it('an image list given as --lock, so that it is not overwritten', async () => {
    folder.write('images.txt', `${pause}\n`);
    const ran = await folder.airgap(['mirror', pause, ...target, '--lock', 'images.txt']);
    expect([ran.status, folder.read('images.txt')]).toEqual([2, `${pause}\n`]);
  });

  it('a place where the lock cannot be written, before anything is contacted', async () => {
    mkdirSync(folder.file('taken'));
    folder.write('file', '');
    for (const place of ['taken', 'file/airgap.lock']) {
      const ran = await folder.airgap(['mirror', pause, ...target, '--lock', place]);
      expect([ran.status, ran.stderr]).toEqual([
        2,
        expect.stringMatching(/Cannot (?:read lock|write) ".*folder|directory/),
      ]);
    }
    const failed = await folder.airgap(['mirror', pause, ...target, '--failed-list', 'taken']);
    expect([failed.status, failed.stderr]).toEqual([2, expect.stringContaining('it is a folder')]);
  });

  it('a talosctl that fails', async () => {
    mkdirSync(folder.file('bin'));
    folder.write('bin/talosctl', '#!/bin/sh\necho "boom \u001b[31m" >&2\nexit 1\n');
    chmodSync(folder.file('bin/talosctl'), 0o755);
    const ran = await folder.airgap(['mirror', ...target]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('boom \\x1b[31m')]);
  });
});
