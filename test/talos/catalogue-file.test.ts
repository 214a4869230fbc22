import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { talosImages } from '../../src/talos/catalogue.ts';
import { maxCatalogueBytes, parseCatalogue, printCatalogue } from '../../src/talos/catalogue-file.ts';
import { kubernetesRange } from '../../src/talos/kubernetes.ts';
import { builtInCatalogue, withOverlay } from '../../src/talos/releases.ts';
import { upgradePath } from '../../src/talos/upgrade.ts';
import { parseTalosVersion, printTalosVersion } from '../../src/talos/version.ts';
import { errorOf } from '../support/errorOf.ts';

const v = parseTalosVersion;
const name = 'airgap-catalogue.json';
const images = talosImages(v('v1.14.4')).images.map((image) => image.replace(/:v1\.37\.1$/, ':v1.37.2'));
const later = { kubernetes: 'v1.37.2', images };

function parse(document: unknown) {
  return parseCatalogue(name, Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)));
}

describe('parseCatalogue()', () => {
  it('adds a release, which is then known like any other', () => {
    const known = withOverlay(builtInCatalogue, parse({ airgapCatalogue: 1, releases: { 'v1.14.5': later } }));
    const list = talosImages(v('v1.14.5'), { catalogue: known });
    expect(list.images).toEqual(images);
    expect(list.notes).toContain('the list of v1.14.5 is taken from airgap-catalogue.json');
    expect(talosImages(v('v1.14.5'), { catalogue: known, kubernetes: '1.36.3' }).images).toContain(
      'ghcr.io/siderolabs/kubelet:v1.36.3',
    );
    expect(list.installImage).toMatch(/^factory\.talos\.dev\/metal-installer\/.*:v1\.14\.5$/);
    expect(() => talosImages(v('v1.14.5'))).toThrow('does not know');
  });

  it('reads YAML, minors as they are written, and rules that make an upgrade possible', () => {
    const text = [
      '# releases of this autumn',
      'airgapCatalogue: 1',
      'minors:',
      '  1.20:',
      '    kubernetes: { min: 1.38, max: 1.40 }',
      '    upgradeFrom: v1.14.0',
      '  1.15: { kubernetes: { min: 1.33, max: 1.38 }, upgradeFrom: v1.13.0 }',
      'releases:',
      '  v1.15.0:',
      '    installImage: registry.site/installer:v1.15.0',
      '    images:',
      ...images.map((image) => `      - ${image.replace(/:v1\.37\.2$/, ':v1.38.0')}`),
    ].join('\n');
    const known = withOverlay(builtInCatalogue, parse(text));
    expect(kubernetesRange(v('v1.20.0'), known)).toEqual({ min: 38, max: 40, from: 'catalogue' });
    const path = upgradePath(v('v1.14.4'), v('v1.15.0'), { catalogue: known });
    expect(path.steps.map(({ kind, to }) => [kind, typeof to === 'string' ? to : printTalosVersion(to)])).toEqual([
      ['talos', 'v1.15.0'],
      ['kubernetes', '1.38.0'],
    ]);
    expect(path.steps[0]).toMatchObject({ installer: 'registry.site/installer:v1.15.0' });
  });

  it('corrects a release, and one without a list takes none away', () => {
    const other = parse({ airgapCatalogue: 1, releases: { 'v1.14.4': later, 'v1.13.9': {}, 'v1.14.6': {} } });
    const known = withOverlay(builtInCatalogue, other);
    expect(talosImages(v('v1.14.4'), { catalogue: known }).kubernetes).toBe('1.37.2');
    expect(talosImages(v('v1.13.9'), { catalogue: known }).kubernetes).toBe('1.36.3');
    expect(errorOf(() => talosImages(v('v1.14.6'), { catalogue: known }))).toMatchObject({
      message: 'Cannot list the images of Talos "v1.14.6": it was published, but its list is not in the catalogue',
      hint: expect.stringContaining('airgap catalogue add --talos v1.14.6 --list FILE'),
    });
  });

  it('reads what it prints', () => {
    const document = {
      airgapCatalogue: 1,
      minors: { '1.15': { kubernetes: { min: '1.33', max: '1.38' }, upgradeFrom: 'v1.13.0' } },
      kubernetes: ['v1.36.9'],
      releases: { 'v1.14.5': { source: 'talosctl v1.14.5', ...later }, 'v1.14.6': { source: 'ghcr.io' } },
    };
    const text = printCatalogue(parse(document));
    expect(JSON.parse(text)).toEqual(document);
    expect(printCatalogue(parse(text))).toBe(text);
  });

  const list = (change: (all: string[]) => string[]) => ({
    airgapCatalogue: 1,
    releases: { 'v1.14.5': { images: change([...images]) } },
  });
  const swap = (part: string, whole: string) =>
    list((all) => all.map((image) => (image.includes(part) ? whole : image)));

  it.each([
    ['no object', '[]', 'it is not an object'],
    ['no version', { releases: {} }, '"airgapCatalogue" is missing'],
    ['another version', { airgapCatalogue: 2 }, '"airgapCatalogue" is "2", and this program reads 1'],
    ['an unknown key', { airgapCatalogue: 1, release: {} }, '"release" is not known'],
    [
      'an unknown key of a release',
      { airgapCatalogue: 1, releases: { 'v1.14.5': { image: [] } } },
      '.image" is not known',
    ],
    ['no release', { airgapCatalogue: 1, releases: { latest: {} } }, '"releases.latest" is no release of Talos'],
    ['an early release', { airgapCatalogue: 1, releases: { 'v0.14.0': {} } }, 'is no release of Talos'],
    [
      'a range the wrong way round',
      { airgapCatalogue: 1, minors: { '1.15': { kubernetes: { min: '1.38', max: '1.33' } } } },
      'the wrong way round',
    ],
    ['no minor', { airgapCatalogue: 1, minors: { '2.0': {} } }, 'is no minor of Talos'],
    ['no Kubernetes', { airgapCatalogue: 1, kubernetes: ['2.0.0'] }, 'is no version of Kubernetes'],
    [
      'a hundred thousand keys, in time linear in their number',
      `airgapCatalogue: 1\nreleases:\n${Array.from({ length: 100_000 }, (_, at) => ` k${at}: x\n`).join('')}`,
      '"releases" has 100000 entries',
    ],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('latin1').replace('ÿ', '\u0000{'), 'airgap-catalogue.json'],
    ['aliases', 'airgapCatalogue: &a 1\nkubernetes: [*a]', 'line 2: aliases are not read'],
    ['a tag of YAML', 'airgapCatalogue: !!js/function "x"', 'neither JSON nor YAML'],
    [
      'a key twice',
      'airgapCatalogue: 1\nairgapCatalogue: 1',
      'line 2: the key "airgapCatalogue" stands here for the second time',
    ],
    ['what lies too deep', '['.repeat(100_000), 'too deep'],
    ['no kubelet', list((all) => all.filter((image) => !image.includes('kubelet'))), 'it has no kubelet images'],
    ['two tags', swap('kube-proxy', 'registry.k8s.io/kube-proxy:v1.37.9'), 'have the tags v1.37.2 and v1.37.9'],
    ['a digest', swap('/pause', `registry.k8s.io/pause@sha256:${'0'.repeat(64)}`), 'is not named by a tag alone'],
    ['no reference', swap('/pause', 'registry.k8s.io/pause:3 10'), 'is no image reference'],
    ['an image twice', list((all) => [...all, ...all.slice(0, 1)]), 'twice'],
    [
      'Kubernetes out of range',
      list((all) => all.map((image) => image.replace('v1.37.2', 'v1.39.0'))),
      'the release runs 1.32-1.37',
    ],
    [
      'the installer of another',
      list((all) => [...all, 'ghcr.io/siderolabs/installer:v1.11.6']),
      'its installer is of v1.11.6',
    ],
    [
      'another Kubernetes than it says',
      { airgapCatalogue: 1, releases: { 'v1.14.5': { images, kubernetes: 'v1.37.1' } } },
      'not v1.37.1',
    ],
  ])('refuses %s', (_what, document, state) => {
    const error = errorOf(() => parse(document));
    expect(error.code).toBe('ERR_INPUT_INVALID');
    expect(error.message).toContain(state);
    expect(error.message).not.toContain('\n');
  });

  it('refuses what is too large before it is read', () => {
    expect(errorOf(() => parseCatalogue(name, new Uint8Array(maxCatalogueBytes + 1))).message).toContain('larger than');
  });

  it('throws nothing but its own refusal, whatever it is given', () => {
    const attempt = (bytes: Uint8Array): void => {
      try {
        parseCatalogue(name, bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(AirgapError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt), { numRuns: 200 });
    fc.assert(
      fc.property(fc.json(), (text) => attempt(Buffer.from(text))),
      { numRuns: 200 },
    );
    const mutated = fc.tuple(fc.nat(), fc.string({ maxLength: 4 }));
    const good = printCatalogue(parse({ airgapCatalogue: 1, releases: { 'v1.14.5': later } }));
    fc.assert(
      fc.property(mutated, ([at, text]) => {
        const place = at % good.length;
        attempt(Buffer.from(good.slice(0, place) + text + good.slice(place + text.length)));
      }),
      { numRuns: 200 },
    );
  });
});
