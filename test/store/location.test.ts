import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAirgapError } from '../../src/errors.ts';
import { parseLocation, printLocation } from '../../src/store/location.ts';

function refusalOf(text: string): { code: string; message: string; hint: string } {
  try {
    parseLocation(text);
  } catch (thrown) {
    if (isAirgapError(thrown)) return { code: thrown.code, message: thrown.message, hint: thrown.hint ?? '' };
    throw thrown;
  }
  throw new Error(`${text} was taken`);
}

describe('parseLocation()', () => {
  it.each([
    ['10.5.0.1:6000', { kind: 'registry', host: '10.5.0.1:6000', prefix: '' }],
    ['10.5.0.1:6000/', { kind: 'registry', host: '10.5.0.1:6000', prefix: '' }],
    ['Mirror.Example.ORG/talos//', { kind: 'registry', host: 'mirror.example.org', prefix: 'talos' }],
    ['localhost', { kind: 'registry', host: 'localhost', prefix: '' }],
    ['mirror:443/a/b', { kind: 'registry', host: 'mirror:443', prefix: 'a/b' }],
    ['https://mirror', { kind: 'registry', scheme: 'https', host: 'mirror', prefix: '' }],
    ['HTTPS://Mirror:443/a/', { kind: 'registry', scheme: 'https', host: 'mirror', prefix: 'a' }],
    ['http://10.0.0.1:80', { kind: 'registry', scheme: 'http', host: '10.0.0.1', prefix: '' }],
    ['http://10.0.0.1:443', { kind: 'registry', scheme: 'http', host: '10.0.0.1:443', prefix: '' }],
    ['[FD00:0:0::1]:6000/x', { kind: 'registry', host: '[fd00::1]:6000', prefix: 'x' }],
    ['https://[::1]', { kind: 'registry', scheme: 'https', host: '[::1]', prefix: '' }],
    ['oci:./airgap mirror', { kind: 'layout', directory: './airgap mirror' }],
    ['oci:/srv/a@b?c', { kind: 'layout', directory: '/srv/a@b?c' }],
    ['  oci:x ', { kind: 'layout', directory: 'x' }],
    ['bundle:talos-1.14.tar', { kind: 'bundle', path: 'talos-1.14.tar', isDirectory: false }],
    ['bundle:/media/usb//', { kind: 'bundle', path: '/media/usb', isDirectory: true }],
    ['image-cache:./a b', { kind: 'image-cache', directory: './a b', form: 'flat' }],
    ['bundle:/mnt/a@b#1/c.tar', { kind: 'bundle', path: '/mnt/a@b#1/c.tar', isDirectory: false }],
    ['image-cache:/srv/a@b?c', { kind: 'image-cache', directory: '/srv/a@b?c', form: 'flat' }],
    ['image-cache-oci:x/', { kind: 'image-cache', directory: 'x/', form: 'oci' }],
    ['bundle:/', { kind: 'bundle', path: '/', isDirectory: true }],
  ])('reads %s', (text, expected) => {
    expect(parseLocation(text)).toEqual(expected);
  });

  it.each([
    ['', 'HOST'],
    ['oci:', 'oci:DIR'],
    ['bundle:', 'bundle:talos-1.14.tar'],
    ['image-cache:', 'image-cache:DIR'],
    ['image-cache-oci:', 'image-cache-oci:DIR'],
    ['./dir', 'write oci:./dir'],
    ['/abs/dir', 'write oci:/abs/dir'],
    ['~/dir', 'write oci:~/dir'],
    ['mirror', 'https://mirror'],
    ['mirror/dir', 'oci:mirror/dir'],
    ['10.5.0.1:', '10.5.0.1:6000'],
    ['10.5.0.1:abc', 'HOST'],
    ['10.5.0.1:70000', 'HOST'],
    ['10.5.0.1:0', 'HOST'],
    ['fd00::1', 'brackets'],
    ['https://', 'HOST'],
    ['ftp://host.example', 'HOST'],
    ['oci://host.example/x', 'host.example/x'],
    ['docker://host.example/x', 'host.example/x'],
    ['host.example/Talos', 'talos'],
    ['host.example/a//b', 'lower-case'],
    ['host.example/a:v1', 'prefix only'],
    ['http://host.example:5000/v2/', 'leave /v2 out'],
    ['host.example/a?x=1', 'HOST'],
    ['host_name.example', 'HOST'],
  ])('refuses %j with a hint', (text, hint) => {
    const refused = refusalOf(text);
    expect(refused.code).toBe('ERR_USAGE');
    expect(refused.hint).toContain(hint);
    expect(refused.message).toMatch(/^Cannot use (?:the )?location[^\n]*[^.]$/);
  });

  it.each([
    'https://robot:s3cr3t@host.example/x',
    'robot:s3cr3t@host.example',
    'oci://robot:s3cr3t@host.example',
    'https://robot:s3cr3t/+@host.example',
    'bundle://robot:s3cr3t@host.example',
  ])('refuses credentials without repeating them (%#)', (text) => {
    const refused = refusalOf(text);
    expect(JSON.stringify(refused)).not.toMatch(/s3cr3t|robot/);
    expect(refused.message).toContain('user name or password');
  });

  it.each(['bundle:/', 'bundle:usb/', 'bundle:x.tar', 'oci:/'])('reads %s back as it is printed', (text) => {
    expect(printLocation(parseLocation(text))).toBe(text);
  });

  it('gives what printLocation() prints, or refuses with ERR_USAGE', () => {
    const piece = fc.constantFrom(
      'oci:',
      'bundle:',
      'http://',
      'https://',
      'a.b',
      'Host',
      ':',
      '80',
      '443',
      '/',
      'x',
      '[::1]',
      '@',
      '-',
      '.',
      ' ',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')),
        ),
        (text) => {
          let location: ReturnType<typeof parseLocation>;
          try {
            location = parseLocation(text);
          } catch (thrown) {
            expect(isAirgapError(thrown) && thrown.code).toBe('ERR_USAGE');
            return;
          }
          expect(parseLocation(printLocation(location))).toEqual(location);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
