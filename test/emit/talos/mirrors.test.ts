import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { nodeMirrorsOf } from '../../../src/emit/talos/mirrors.ts';
import { emitTalosConfig } from '../../../src/emit/talos-config.ts';
import {
  type Mirror,
  type MirrorRule,
  manifestUrl,
  mirrorFor,
  mirrorsOf,
  placeRepository,
} from '../../../src/mirror/rule.ts';
import { parseReference, type Reference } from '../../../src/oci/reference.ts';
import { talosReleases } from '../../../src/talos/catalogue.ts';
import { configKinds } from '../../../src/talos/config-kinds.ts';
import { parseTalosVersion, type TalosVersion } from '../../../src/talos/version.ts';
import { askedUrls, readMirrors } from '../../support/asNode.ts';
import { endpoint, forms, images, mirrorsFor, registries } from '../cases.ts';

const v = parseTalosVersion;
const textOf = (mirrors: readonly Mirror[], version: TalosVersion, names: readonly string[] = registries): string => {
  const [file] = emitTalosConfig({ mirrors, version, registries: names }).files;
  return file?.text ?? '';
};
/** Where the copier wrote: the placement rule alone, without a mirror. */
function copierUrl(rule: MirrorRule, image: Reference, base = endpoint): string {
  return `${base}/v2/${placeRepository(rule, image).repository}/manifests/${image.digest ?? image.tag ?? 'latest'}`;
}
/** Where Talos and containerd on a node of the release ask first, as read out of the emitted file. */
function nodeUrls(emitted: string, image: Reference, version: TalosVersion): (string | undefined)[] {
  return (['talos', 'cri'] as const).map((puller) => askedUrls(emitted, image, { version, puller })[0]);
}
/** The same for both. */
const both = (url: string): string[] => [url, url];

describe('emitTalosConfig()', () => {
  const versions = [...talosReleases().map((release) => release.version), v('1.14.2'), v('1.12.0-rc.0'), v('2.0.0')];

  it('makes nodes of every release ask where the copier wrote', () => {
    for (const version of versions) {
      for (const [form, { rule }] of Object.entries(forms)) {
        if (form === 'prefix' && configKinds(version).overridePath === 'none') continue;
        const emitted = textOf(mirrorsFor(form as keyof typeof forms), version);
        for (const image of images) expect(nodeUrls(emitted, image, version)).toEqual(both(copierUrl(rule, image)));
      }
    }
  });

  it('makes nodes ask where the copier wrote, for any image, rule and endpoint', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const host = fc.oneof(
      fc.stringMatching(/^[a-z][a-z0-9]{0,6}\.(io|example)$/),
      fc.stringMatching(/^[a-z]{1,6}\.local:[1-9][0-9]{0,3}$/),
      fc.constantFrom('docker.io', 'localhost:5000', '[::1]:5000', '10.0.0.1:80'),
    );
    const image = fc
      .tuple(
        host,
        fc.array(name, { minLength: 1, maxLength: 3 }),
        fc.oneof(name, fc.constant(`x@sha256:${'d'.repeat(64)}`)),
      )
      .map(([registry, path, tag]) => parseReference(`${registry}/${path.join('/')}:${tag}`));
    const rule = fc.record({
      naming: fc.constantFrom('replace-host' as const, 'by-registry' as const),
      registry: fc.constant('mirror.internal'),
      prefix: fc.oneof(
        fc.constant(''),
        fc.constant('v2'),
        fc.array(name, { minLength: 1, maxLength: 2 }).map((parts) => parts.join('/')),
      ),
    });
    const base = fc.tuple(fc.constantFrom('http', 'https'), host).map(([scheme, at]) => `${scheme}://${at}`);
    const version = fc.constantFrom('1.4.0', '1.8.4', '1.9.0', '1.11.6', '1.12.0', '1.13.9', '1.14.4').map(v);
    fc.assert(
      fc.property(
        fc.array(image, { minLength: 1, maxLength: 5 }),
        rule,
        base,
        version,
        fc.boolean(),
        (wanted, placing, at, release, perRegistry) => {
          const names = wanted.map((one) => one.registry);
          const mirrors = mirrorsOf(placing, at, { registries: names, perRegistry });
          const emitted = textOf(mirrors, release, names);
          for (const one of wanted) {
            expect(nodeUrls(emitted, one, release)).toEqual(both(copierUrl(placing, one, at)));
            const mirror = mirrorFor(mirrors, one.registry);
            expect(mirror === undefined ? undefined : manifestUrl(mirror, one)).toBe(copierUrl(placing, one, at));
          }
        },
      ),
    );
  });

  it('reads back as the mirrors that went in, for every release', () => {
    for (const version of versions) {
      const options = { mirrors: mirrorsFor('per-registry'), version, registries };
      expect(readMirrors(textOf(options.mirrors, version))).toEqual(nodeMirrorsOf(options));
    }
  });

  it('turns fallback off exactly where the release knows how', () => {
    for (const version of versions) {
      const known = configKinds(version).skipFallback;
      const emitted = textOf(mirrorsFor('flat'), version);
      expect(emitted.includes('skipFallback: true')).toBe(known);
      expect(readMirrors(emitted).every((mirror) => mirror.skipFallback === known)).toBe(true);
    }
  });

  it('writes a patch up to 1.11 and documents from 1.12 on', () => {
    expect(textOf(mirrorsFor('flat'), v('1.11.6'))).toContain(
      "        mirrors:\n            '*':\n                endpoints:\n",
    );
    expect(textOf(mirrorsFor('flat'), v('1.11.6'))).not.toContain('kind:');
    expect(textOf(mirrorsFor('flat'), v('1.12.0'))).toContain("kind: RegistryMirrorConfig\nname: '*'\n");
    expect(textOf(mirrorsFor('flat'), v('1.12.0'))).not.toContain('machine:');
    expect(textOf(mirrorsFor('per-registry'), v('1.12.0')).match(/^---$/gm)).toHaveLength(registries.length - 1);
  });

  it('says at the top which release it is for and how to apply it', () => {
    const [first, ...rest] = textOf(mirrorsFor('flat'), v('1.13.9')).split('\n');
    expect(first).toBe('# Registry mirrors for Talos v1.13.9, written by airgap.');
    expect(rest.join('\n')).toContain('--patch @talos-patch.yaml');
    expect(rest.join('\n')).toContain('--config-patch @talos-patch.yaml');
    expect(textOf(mirrorsFor('flat'), v('1.1.2'))).toContain('edit machineconfig');
  });

  it('gives the same bytes for the same mirrors in any order', () => {
    const mirrors = mirrorsFor('prefix');
    expect(textOf([...mirrors].reverse(), v('1.13.9'))).toBe(textOf(mirrors, v('1.13.9')));
  });

  it('quotes names that YAML would read as something else', () => {
    for (const registry of ['*', 'null', '1e3', '[::1]:5000', 'on', '0x10', '10.0']) {
      for (const version of ['1.9.0', '1.14.4']) {
        const emitted = textOf([{ registry, endpoint, pathPrefix: '' }], v(version));
        expect(readMirrors(emitted).map((mirror) => mirror.registry)).toEqual([registry]);
      }
    }
  });

  it('has the nodes trust an authority for its endpoints alone, in the form of the release', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n';
    const mirrors = [
      'https://10.5.0.1:6000',
      'http://10.5.0.1:6001',
      'https://[fd00::1]:6000',
      'https://b.internal',
    ].map((at) => ({ registry: '*', endpoint: at, pathPrefix: '' }));
    const hosts = ['10.5.0.1:6000', '[fd00::1]:6000', 'b.internal'];
    const [documents = ''] = emitTalosConfig({ mirrors, version: v('1.12.0'), authority: pem }).files.map(
      ({ text }) => text,
    );
    const read = parseAllDocuments(documents).map((document) => document.toJS() as Record<string, unknown>);
    expect(read.slice(1)).toEqual(
      hosts.map((name) => ({ apiVersion: 'v1alpha1', kind: 'RegistryTLSConfig', name, ca: pem })),
    );
    expect(documents).toContain('ca: |\n    -----BEGIN CERTIFICATE-----\n    MIIB\n');
    const [patch = ''] = emitTalosConfig({ mirrors, version: v('1.11.6'), authority: pem }).files.map(
      ({ text }) => text,
    );
    const ca = Buffer.from(pem).toString('base64');
    expect(parse(patch).machine.registries.config).toEqual(
      Object.fromEntries(hosts.map((host) => [host, { tls: { ca } }])),
    );
    expect(readMirrors(patch)).toHaveLength(1);
  });

  it('refuses when nothing is mirrored', () => {
    expect(() => emitTalosConfig({ mirrors: [], version: v('1.13.9') })).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE' }),
    );
  });

  it('refuses a path where the release takes none, and names the way out', () => {
    expect(() => textOf(mirrorsFor('prefix'), v('1.3.7'))).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED', hint: expect.stringContaining('default naming') }),
    );
  });

  it.each([
    '10.5.0.1:6000',
    'ftp://a',
    'http://',
    'http://a/',
    'http://a/v2',
    'http://u:secret@a',
    'http://a?b',
    'http://a b',
    '',
  ])('refuses endpoint %j', (bad) => {
    const work = () => textOf([{ registry: '*', endpoint: bad, pathPrefix: '' }], v('1.13.9'));
    expect(work).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });
});

describe('nodeMirrorsOf()', () => {
  it('writes "*" out for each registry before 1.4, and refuses when it does not know them', () => {
    const mirrors = mirrorsFor('flat');
    const written = nodeMirrorsOf({ mirrors, version: v('1.3.7'), registries });
    expect(written.map((mirror) => mirror.registry)).toEqual(['*', ...registries].sort());
    expect(() => nodeMirrorsOf({ mirrors, version: v('1.3.7') })).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED', hint: expect.stringContaining('--per-registry') }),
    );
  });

  it('keeps several endpoints of a registry in order, and one flag true for all of them', () => {
    const mirrors = [
      { registry: 'ghcr.io', endpoint: 'http://b', pathPrefix: '' },
      { registry: 'ghcr.io', endpoint: 'http://a', pathPrefix: 'ghcr' },
    ];
    const image = parseReference('ghcr.io/siderolabs/kubelet:v1');
    const asked = ['http://b/v2/siderolabs/kubelet/manifests/v1', 'http://a/v2/ghcr/siderolabs/kubelet/manifests/v1'];
    for (const version of ['1.9.0', '1.11.6', '1.12.0']) {
      for (const puller of ['talos', 'cri'] as const) {
        expect(askedUrls(textOf(mirrors, v(version)), image, { version: v(version), puller })).toEqual(asked);
      }
    }
    expect(textOf(mirrors, v('1.11.6'))).toContain('- http://b/v2\n');
    expect(textOf(mirrors, v('1.12.0'))).toContain('- url: http://b\n');
  });
});
