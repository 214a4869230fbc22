import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { addListCommand, parseTalosctlVersion, talosctlListArguments } from '../../src/talos/talosctl.ts';
import { printTalosVersion } from '../../src/talos/version.ts';

describe('talosctlListArguments()', () => {
  it.each([
    ['v0.7.0', 'images'],
    ['v1.4.8', 'images'],
    ['v1.5.0', 'image default'],
    ['1.6.0', 'image default'],
    ['v1.11.6', 'image default'],
    ['v1.12.0-alpha.2', 'image default'],
    ['v1.12.0-rc.0', 'image default'],
    ['v1.12.0', 'image k8s-bundle'],
    ['v1.14.4', 'image k8s-bundle'],
    ['v2.0.0', 'image k8s-bundle'],
  ])('asks %s with "%s"', (version, words) => expect(talosctlListArguments(version).join(' ')).toBe(words));

  it('refuses a talosctl without the command, and text that is no version', () => {
    expect(() => talosctlListArguments('v0.6.3')).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }));
    expect(() => talosctlListArguments('newest')).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });
});

describe('addListCommand()', () => {
  it('is of the release, or of any', () => {
    expect(addListCommand('v1.11.6')).toBe('talosctl image default | airgap catalogue add --talos v1.11.6 --list -');
    expect(addListCommand()).toBe('talosctl image k8s-bundle | airgap catalogue add --talos VERSION --list -');
  });
});

describe('parseTalosctlVersion()', () => {
  it.each([
    ['Talos v1.14.4\n', 'v1.14.4'],
    ['Client:\nTalos v1.9.6\n', 'v1.9.6'],
    ['Client v1.0.0\n', 'v1.0.0'],
    ['Client:\r\n\tTag:         v1.6.1\r\n\tSHA:         0af17af3\r\n\tGo version:  go1.21.5\r\n', 'v1.6.1'],
    ['Client:\n\tGo version:  go1.21.5\n\tTag:         v1.12.0-rc.0\n', 'v1.12.0-rc.0'],
    ['Client:\n\tTag:         v1.14.4-3-gabc1234-dirty\n', 'v1.14.4'],
    ['Talos v1.15.0-alpha.0-41-g0123abcde\n', 'v1.15.0-alpha.0'],
    ['v1.14.4', 'v1.14.4'],
  ])('reads %j', (output, version) => expect(printTalosVersion(parseTalosctlVersion(output))).toBe(version));

  it('does not take the version of a server for its own', () => {
    expect(() => parseTalosctlVersion('Client:\n\nServer:\n\tTag:  v1.2.0\n')).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_INVALID' }),
    );
  });

  it('never crashes on foreign output', () => {
    fc.assert(
      fc.property(fc.string(), (output) => {
        try {
          expect(parseTalosctlVersion(output).major).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(AirgapError);
        }
      }),
    );
  });
});
