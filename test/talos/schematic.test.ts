import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isAirgapError } from '../../src/errors.ts';
import { factoryInstallers, isSchematicId, readSchematic, schematicId } from '../../src/talos/schematic.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import { errorOf } from '../support/errorOf.ts';

const empty = '376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba';

interface Vector {
  readonly text: string;
  readonly canonical?: string;
  readonly error?: boolean;
}

const { vectors } = JSON.parse(
  readFileSync(new URL('../../fixtures/talos/schematics.json', import.meta.url), 'utf8'),
) as { vectors: readonly Vector[] };

describe('the id of a schematic', () => {
  it.each([
    ['{}', empty],
    ['customization: {}', empty],
    ['customization: {"extraKernelArgs": []}', empty],
    [
      '{"customization": {"extraKernelArgs": ["noapic", "nolapic"]}}',
      '9cba8e32753f91a16c1837ab8abf356af021706ef284aef07380780177d9a06c',
    ],
    [
      '{"customization": {"extraKernelArgs": ["noapic", "nolapic"], "systemExtensions": {}}}',
      '9cba8e32753f91a16c1837ab8abf356af021706ef284aef07380780177d9a06c',
    ],
    [
      '{"customization": {"meta": [{"key": 10, "value": "foo"}], "extraKernelArgs": [], "systemExtensions": {}}}',
      'd308a2a5ee2277bed5fbaa104fcbc8d59122abfa737df987a95b4ca763459a7f',
    ],
    [
      '{"overlay": {"name": "rpi_generic", "image": "siderolabs/sbc-raspberrypi"},"customization":{}}',
      'ee21ef4a5ef808a9b7484cc0dda0f25075021691c8c09a276591eedb638ea1f9',
    ],
    [
      '{"customization":{"secureboot": {"includeWellKnownCertificates": true}}}',
      'fa8e05f142a851d3ee568eb0a8e5841eaf6b0ebc8df9a63df16ac5ed2c04f3e6',
    ],
  ])("is the one of the factory's own tests: %s", (text, id) => {
    expect(schematicId(text)).toBe(id);
  });

  it.each([
    [['iscsi-tools', 'util-linux-tools'], '613e1592b2da41ae5e265e8789429f22e121aab91cb4deb6bc3c0b6262961245'],
    [['qemu-guest-agent'], 'ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515'],
  ])('is the one factory.talos.dev gives to %j', (extensions, id) => {
    const officialExtensions = extensions.map((name) => `siderolabs/${name}`);
    expect(schematicId(JSON.stringify({ customization: { systemExtensions: { officialExtensions } } }))).toBe(id);
  });

  it("is that of all fields in the factory's order, however they are written", () => {
    const customization = {
      diskImage: { sectorSize: 4096 },
      secureboot: { includeWellKnownCertificates: true },
      bootloader: 'grub',
      systemExtensions: { officialExtensions: ['siderolabs/zfs'] },
      meta: [{ value: 'v', key: 10 }],
      extraKernelArgs: ['a=b'],
      embeddedMachineConfiguration: 'c',
    };
    const overlay = { options: { o: 1 }, name: 'n', image: 'i' };
    const { canonical } = readSchematic('s', JSON.stringify({ customization, overlay, owner: 'me' }));
    const keys = [...canonical.matchAll(/^(?: {4})*(?:- )?(\w+):/gm)].map(([, key]) => key);
    expect(keys).toEqual([
      ...['owner', 'overlay', 'image', 'name', 'options', 'o', 'customization', 'embeddedMachineConfiguration'],
      ...['extraKernelArgs', 'meta', 'key', 'systemExtensions', 'officialExtensions', 'bootloader'],
      ...['secureboot', 'includeWellKnownCertificates', 'diskImage', 'sectorSize'],
    ]);
  });

  it("is that of the canonical text, as the factory's YAML library writes it", () => {
    const wrong = vectors.filter(({ text, canonical }) => {
      const got = canonicalOf(text);
      return got !== undefined && got !== (canonical ?? 'ERR_INPUT_INVALID');
    });
    expect(wrong).toEqual([]);
    expect(
      vectors.filter(({ text, canonical }) => canonical !== undefined && canonicalOf(text) === canonical).length,
    ).toBeGreaterThan(90);
  });

  it('does not change when the canonical text is read again', () => {
    const text = fc.string({ unit: fc.constantFrom(...'abyn01:-#\'"{}[],.&*!|>%@ _=\\/é\n') });
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.tuple(fc.nat(255), text)), (extraKernelArgs, meta) => {
        const document = { customization: { extraKernelArgs, meta: meta.map(([key, value]) => ({ key, value })) } };
        const canonical = canonicalOf(JSON.stringify(document));
        if (canonical === undefined) return;
        expect(canonicalOf(canonical)).toBe(canonical);
        const read = parse(canonical) as typeof document;
        expect(read.customization.extraKernelArgs ?? []).toEqual(extraKernelArgs);
        expect((read.customization.meta ?? []).map(({ value }) => value)).toEqual(meta.map(([, value]) => value));
        expect(schematicId(canonical)).toBe(createHash('sha256').update(canonical).digest('hex'));
      }),
    );
  });
});

/** Undefined where the id cannot be known; a code where the schematic is refused. */
function canonicalOf(text: string): string | undefined {
  try {
    return readSchematic('schematic.yaml', text).canonical;
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    return error.code === 'ERR_UNSUPPORTED' ? undefined : error.code;
  }
}

describe('reading a schematic', () => {
  it('says which extensions and which overlay it names', () => {
    const text = `overlay:\n  image: siderolabs/sbc-raspberrypi\n  name: rpi_generic\ncustomization:\n  systemExtensions:\n    officialExtensions:\n      - siderolabs/iscsi-tools\n      - siderolabs/gvisor\n`;
    expect(readSchematic('a.yaml', text)).toMatchObject({
      extensions: ['siderolabs/iscsi-tools', 'siderolabs/gvisor'],
      overlay: { name: 'rpi_generic', image: 'siderolabs/sbc-raspberrypi' },
    });
  });

  it.each([
    [
      'customisation: {}',
      'Cannot read schematic "s.yaml", line 1: unknown key "customisation"',
      'did you mean customization?',
    ],
    [
      'customization:\n  systemExtension:\n    officialExtensions: []\n',
      'Cannot read schematic "s.yaml", line 2: unknown key "systemExtension"',
      'did you mean systemExtensions?',
    ],
    ['customization: []', 'Cannot read schematic "s.yaml", line 1: "customization" is not a mapping', undefined],
    [
      'customization:\n  extraKernelArgs: a',
      'Cannot read schematic "s.yaml", line 2: "customization.extraKernelArgs" is not a list',
      undefined,
    ],
    [
      'customization: {meta: [{key: 256, value: a}]}',
      'Cannot read schematic "s.yaml", line 1: "customization.meta[0].key" is "256", not a whole number from 0 to 255',
      undefined,
    ],
    [
      'customization:\n  bootloader: ""',
      'Cannot read schematic "s.yaml", line 2: "customization.bootloader" is "", and it can be none, dual-boot, sd-boot, grub',
      undefined,
    ],
    ['', 'Cannot read schematic "s.yaml": it is empty', 'a schematic is YAML that begins with "customization:"'],
    [
      'a: 1\n---\nb: 2',
      'Cannot read schematic "s.yaml": it holds 2 documents, and a schematic is one',
      expect.anything(),
    ],
  ])('refuses %j', (text, message, hint) => {
    const error = errorOf(() => readSchematic('s.yaml', text));
    expect([error.code, error.message, error.hint]).toEqual(['ERR_INPUT_INVALID', message, hint]);
  });

  it('gives no id where releases of the factory would give different ones', () => {
    const error = errorOf(() => schematicId('customization: {extraKernelArgs: [" a\\nb"]}'));
    expect([error.code, error.hint]).toEqual(['ERR_UNSUPPORTED', expect.stringContaining('POST /schematics')]);
  });

  it.each([
    ['overlay:\n  options: &x\n    a: *x\n', 'an alias without its anchor, or inside what it stands for'],
    ['overlay:\n  options:\n    b: &x [*x, *x]\n', 'an alias without its anchor, or inside what it stands for'],
    ['overlay:\n  options:\n    b: 1\n    b: 2\n', 'line 4: "overlay.options" is a mapping with the key "b" twice'],
    ['owner: a\nowner: b\n', 'line 2: a mapping with the key "owner" twice'],
    [`overlay: {options: {a: ${'['.repeat(120)}${']'.repeat(120)}}}`, 'nested more than 100 levels deep'],
    ['['.repeat(100_000), 'line 1: its parts lie too deep in each other'],
  ])('refuses what holds itself, what stands twice and what lies too deep: %.40j', (text, state) => {
    const error = errorOf(() => readSchematic('s.yaml', text));
    expect([error.code, error.message]).toEqual(['ERR_INPUT_INVALID', expect.stringContaining(state)]);
  });

  it('refuses chains of aliases that lie deep in each other', () => {
    const links = Array.from({ length: 3000 }, (_, at) => `    a${at + 1}: &a${at + 1} [*a${at}]\n`);
    const text = `overlay:\n  options:\n    a0: &a0 [1]\n${links.join('')}`;
    expect(errorOf(() => schematicId(text)).message).toContain('more than 100 levels deep');
  });

  it('takes time linear in the number of keys and of aliases', () => {
    const keys = Array.from({ length: 60_000 }, (_, at) => `  k${at}: x\n`).join('');
    const aliases = Array.from({ length: 60_000 }, () => '*a').join(', ');
    const before = performance.now();
    expect(errorOf(() => schematicId(`customization:\n${keys}`)).message).toContain('unknown key "k0"');
    expect(schematicId(`customization: {extraKernelArgs: [&a x, ${aliases}]}`)).toMatch(/^[0-9a-f]{64}$/);
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('takes no endless time for aliases of aliases', () => {
    const lines = Array.from({ length: 30 }, (_, at) => `    a${at + 1}: &a${at + 1} [*a${at}, *a${at}]`);
    const text = `overlay:\n  options:\n    a0: &a0 [1]\n${lines.join('\n')}\n`;
    expect(errorOf(() => schematicId(text)).message).toContain('more than 10000 values');
  });
});

describe('installers of a schematic', () => {
  const choice = { id: empty, platforms: ['metal', 'aws'], secureboot: false, factory: 'factory.talos.dev' };

  it.each([
    ['v1.9.6', {}, [`factory.talos.dev/installer/${empty}:v1.9.6`]],
    ['v1.9.6', { secureboot: true }, [`factory.talos.dev/installer-secureboot/${empty}:v1.9.6`]],
    [
      'v1.10.0',
      {},
      [`factory.talos.dev/metal-installer/${empty}:v1.10.0`, `factory.talos.dev/aws-installer/${empty}:v1.10.0`],
    ],
    [
      'v1.14.4',
      { secureboot: true, platforms: ['metal'], factory: 'factory.site:8080' },
      [`factory.site:8080/metal-installer-secureboot/${empty}:v1.14.4`],
    ],
  ])('of %s with %j', (version, changes, references) => {
    expect(factoryInstallers(parseTalosVersion(version), { ...choice, ...changes })).toEqual(references);
  });

  it('refuses Secure Boot where it is not, and what cannot stand in a reference', () => {
    expect(errorOf(() => factoryInstallers(parseTalosVersion('v1.4.8'), { ...choice, secureboot: true })).code).toBe(
      'ERR_USAGE',
    );
    expect(
      errorOf(() => factoryInstallers(parseTalosVersion('v1.14.4'), { ...choice, platforms: ['Metal X'] })).code,
    ).toBe('ERR_REFERENCE_INVALID');
  });

  it('knows an id by its shape', () => {
    expect([isSchematicId(empty), isSchematicId(empty.toUpperCase()), isSchematicId('a.yaml')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
