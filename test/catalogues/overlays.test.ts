import { describe, expect, it } from 'vitest';
import { overlayCatalogue, readOverlayCatalogue } from '../../src/catalogues/overlays.ts';
import { isAirgapError } from '../../src/errors.ts';
import { printReference } from '../../src/oci/reference.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import { digestFor, layerOf, pushCatalogue, textEntry } from './images.ts';

const version = parseTalosVersion('v1.14.4');
const name = 'ghcr.io/siderolabs/overlays:v1.14.4';

async function catalogueOf(text: string) {
  const store = openMemory();
  await pushCatalogue(store, name, { layers: [layerOf([textEntry('overlays.yaml', text)])] });
  return store;
}

describe('the catalogue of overlays', () => {
  it('gives every name with the image it stands for', async () => {
    const digest = digestFor('sbc-raspberrypi');
    const image = `    image: ghcr.io/siderolabs/sbc-raspberrypi:v0.2.0\n    digest: ${digest}\n`;
    const store = await catalogueOf(`overlays:\n  - name: rpi_generic\n${image}  - name: rpi_5\n${image}`);
    const entries = await readOverlayCatalogue(store, version);
    expect(entries.map((entry) => [entry.name, printReference(entry.reference)])).toEqual([
      ['rpi_generic', `ghcr.io/siderolabs/sbc-raspberrypi:v0.2.0@${digest}`],
      ['rpi_5', `ghcr.io/siderolabs/sbc-raspberrypi:v0.2.0@${digest}`],
    ]);
  });

  it.each([
    ['overlays: [', '"overlays.yaml" is no YAML'],
    ['overlays: &a [*a]', '"overlays.yaml" is no YAML ("line 1: aliases are not read")'],
    [`${Array.from({ length: 100_000 }, (_, at) => `k${at}: 1\n`).join('')}k0: 1\n`, 'line 100001: the key'],
    ['overlay: []', '"overlays.yaml" has no list named "overlays"'],
    ['overlays: []', '"overlays.yaml" lists no image'],
    [
      'overlays: [{name: a, image: "ghcr.io/x/y:v1"}]',
      'entry 1 of "overlays.yaml" is no image with a digest: "ghcr.io/x/y:v1@"',
    ],
    ['overlays: [{name: "a b", image: x}]', 'entry 1 of "overlays.yaml" has no name that could be asked for: "a b"'],
    ['overlays: [7]', 'entry 1 of "overlays.yaml" has no name'],
  ])('refuses %.60j', async (text, message) => {
    const error: unknown = await readOverlayCatalogue(await catalogueOf(text), version).catch((thrown) => thrown);
    expect(isAirgapError(error) && [error.code, error.message]).toEqual([
      'ERR_PROTOCOL',
      expect.stringContaining(message),
    ]);
  });

  it('is not asked for where there is none', () => {
    expect(() => overlayCatalogue(parseTalosVersion('v1.6.8'))).toThrow('there are none before 1.7');
  });
});
