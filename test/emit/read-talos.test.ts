import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTalosRegistries } from '../../src/emit/read-talos.ts';
import { AirgapError } from '../../src/errors.ts';

const read = (text: string) => readTalosRegistries(text).mirrors;

describe('readTalosRegistries()', () => {
  it('reads the section of a machine configuration', () => {
    const text = `version: v1alpha1
machine:
    type: worker
    registries:
        mirrors:
            ghcr.io:
                endpoints: [https://harbor/v2/ghcr, https://other/v2/x]
                overridePath: true
                skipFallback: true
            '*':
                endpoints:
                    - http://10.5.0.1:6000/
        config:
            harbor: {auth: {username: u, password: p}}
cluster: {}
`;
    expect(read(text)).toEqual([
      { registry: '*', endpoints: [{ url: 'http://10.5.0.1:6000/', overridePath: false }], skipFallback: false },
      {
        registry: 'ghcr.io',
        endpoints: [
          { url: 'https://harbor/v2/ghcr', overridePath: true },
          { url: 'https://other/v2/x', overridePath: true },
        ],
        skipFallback: true,
      },
    ]);
  });

  it('reads documents, each endpoint with its own flag, and passes over other kinds', () => {
    const text = `apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: ghcr.io
endpoints:
    - url: https://my-private-registry.local:5000
    - url: http://my-harbor/v2/registry-k8s.io/
      overridePath: true
skipFallback: true
---
apiVersion: v1alpha1
kind: RegistryTLSConfig
name: my-harbor
insecureSkipVerify: true
---
# nothing
`;
    expect(read(text)).toEqual([
      {
        registry: 'ghcr.io',
        endpoints: [
          { url: 'https://my-private-registry.local:5000', overridePath: false },
          { url: 'http://my-harbor/v2/registry-k8s.io/', overridePath: true },
        ],
        skipFallback: true,
      },
    ]);
  });

  it('lets a document replace the entry of the same name', () => {
    const section =
      'machine: {registries: {mirrors: {a.io: {endpoints: [http://old]}, b.io: {endpoints: [http://b]}}}}\n';
    const document = '---\nkind: RegistryMirrorConfig\nname: a.io\nendpoints: [{url: http://new}]\n';
    expect(read(section + document).map((mirror) => mirror.endpoints[0]?.url)).toEqual(['http://new', 'http://b']);
    expect(read(document + section.replace('machine', '---\nmachine'))).toEqual(read(section + document));
  });

  it('finds no mirrors where there are none', () => {
    expect(read('')).toEqual([]);
    expect(read('machine: {registries: }\n')).toEqual([]);
    expect(read('machine: {network: {}}\n')).toEqual([]);
  });

  it.each([
    ['machine: {registries: {mirrors: {x.io: null}}}', 'registries.mirrors["x.io"] is null'],
    ['machine: {registries: {mirrors: {x.io: {endpoints: [10.5.0.1:6000]}}}}', 'no http:// or https:// URL'],
    ['machine: {registries: {mirrors: {x.io: {endpoints: http://a}}}}', 'endpoints is no list'],
    ['machine: {registries: {mirrors: {x.io: {overridePath: "yes"}}}}', 'neither true nor false'],
    ['machine: {registries: {mirrors: [x.io]}}', 'machine.registries.mirrors is no mapping'],
    ['kind: RegistryMirrorConfig\nname: ""', 'name must be specified'],
    ['kind: RegistryMirrorConfig\nname: x.io\nendpoints: [{}]', 'endpoints[0].url must be specified'],
    ['kind: RegistryMirrorConfig\nname: x.io\nendpoints: [{url: "ftp://a"}]', 'no http:// or https:// URL'],
    ['kind: RegistryMirrorConfig\nname: x.io\nendpoints: [http://a]', 'endpoints[0] is no mapping'],
    [
      'kind: RegistryMirrorConfig\nname: a\n---\nkind: RegistryMirrorConfig\nname: a',
      'two RegistryMirrorConfig documents',
    ],
    ['machine:\n  ...\n  registries:\n      mirrors:\n      "*":\n', 'Cannot read "Talos configuration"'],
    ['- a', 'a document is no mapping'],
    ['a: &a [b]\na: 2', 'Map keys must be unique'],
  ])('refuses %j: %s', (text, state) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_INVALID', message: expect.stringContaining(state) }),
    );
  });

  it('refuses aliases that grow without end, and a text too long to be a configuration', () => {
    const rows = Array.from(
      { length: 12 },
      (_, index) => `a${index}: &a${index} [${`*a${index - 1},`.repeat(index === 0 ? 0 : 9)}1]`,
    );
    expect(() => read(rows.join('\n'))).toThrow(expect.objectContaining({ code: 'ERR_INPUT_INVALID' }));
    expect(() => read('#'.repeat(5_000_000))).toThrow(expect.objectContaining({ code: 'ERR_INPUT_INVALID' }));
  });

  it('throws nothing but AirgapError on any text', () => {
    const word = fc.constantFrom(
      'machine',
      'registries',
      'mirrors',
      ':',
      '\n',
      '  ',
      '-',
      '{',
      '}',
      '[',
      ']',
      '*',
      '&a',
      'kind',
      'RegistryMirrorConfig',
      'name',
      '---',
      'null',
      '"',
      '?',
      '!!set',
      '<<',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 30 }).map((words) => words.join(' ')),
        ),
        (text) => {
          try {
            expect(Array.isArray(read(text))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(AirgapError);
            expect((error as AirgapError).message).not.toContain('\n');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
