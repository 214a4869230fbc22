import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAirgapError } from '../../src/errors.ts';
import { printAsked } from '../../src/oci/retag.ts';
import { parseSpec } from '../../src/spec/parse.ts';
import { specGroups } from '../../src/spec/spec.ts';

function problems(text: string): string[] {
  try {
    parseSpec('site.yaml', text);
  } catch (error) {
    if (!isAirgapError(error) || error.code !== 'ERR_INPUT_INVALID') throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

const inImages = (text: string) => problems(`version: 1\nimages:\n  ${text}\n`);

describe('parseSpec()', () => {
  it('gives entries with lines, texts in their order, and images', () => {
    const spec = parseSpec(
      'site.yaml',
      [
        'version: 1',
        'images:',
        '  talos: v1.13.9..v1.14.4',
        '  kubernetes: [v1.36.2, v1.37.1]',
        '  secureboot: true',
        '  references:',
        '    - nginx:1.29',
        '  retag:',
        '    nginx:1.29: [web/front, web/back:x]',
        'source:',
        '  endpoints: {ghcr.io: http://cache:5000}',
        'bundle:',
        'nodes: {discovery: false, installImage: ghcr.io/a/b:1}',
      ].join('\n'),
    );
    const told = spec.entries.map(({ group, key, on, values, line }) => [
      line,
      `${group}.${key.name}`,
      on ?? values.map(({ text }) => text),
    ]);
    expect(told).toEqual([
      [3, 'images.talos', ['v1.13.9..v1.14.4']],
      [4, 'images.kubernetes', ['v1.36.2', 'v1.37.1']],
      [5, 'images.secureboot', true],
      [11, 'source.endpoints', ['ghcr.io=http://cache:5000']],
      [13, 'nodes.discovery', false],
      [13, 'nodes.installImage', ['ghcr.io/a/b:1']],
    ]);
    expect(spec.images.map((image) => `${image.line} ${printAsked(image)}`)).toEqual([
      '7 docker.io/library/nginx:1.29',
      '9 docker.io/library/nginx:1.29 => web/front:1.29',
      '9 docker.io/library/nginx:1.29 => web/back:x',
    ]);
  });

  it.each([
    ['talso: v1', '"talso" is no key of images: did you mean talos?'],
    ['to: x', '"to" is no key of images: it stands below target'],
    ['zzzzzzzzz: x', expect.stringMatching(/"zzzzzzzzz" is no key of images: its keys are talos, /)],
    ['token: x', expect.stringContaining('"token": passwords and tokens are not read from a file')],
    ['talos: 1.14', 'images.talos has to be text, and is 1.14, no text: write it in quotes'],
    ['talos: [v1]', 'images.talos has to be text, and is a list'],
    ['talos:', 'images.talos has to be text, and is empty: give it a value or leave the key out'],
    ['talos: {a: b}', 'images.talos has to be text, and is a mapping'],
    ['secureboot: yes', 'images.secureboot has to be true or false, and is the text "yes"'],
    ['secureboot: 1', 'images.secureboot has to be true or false, and is 1'],
    ['arch: [amd46]', 'images.arch is none of amd64, arm64: did you mean amd64?'],
    ['references: [NGINX]', expect.stringContaining('"NGINX": the repository has upper-case letters')],
    ['retag: {nginx: 10.5.0.1:6000/web}', expect.stringContaining('a host with a port stands in it')],
    ['retag: [nginx]', 'images.retag has to be names with values, and is a list'],
    [
      'lists: &a [x]\n  configs: *a',
      'images.configs has to be text or a list of texts, and is an alias, which is not read',
    ],
    ['talos: a\n  talos: b', '"talos" stands here for the second time'],
    ['retag: {nginx: a, nginx: b}', '"nginx" of images.retag stands here for the second time'],
    ['retag: {1: a}', '"1" of images.retag is no name: write it in quotes'],
  ])('refuses "%s"', (text, state) => {
    expect(inImages(text).map((line) => line.replace(/^site\.yaml:\d+: /, ''))).toEqual([state]);
  });

  it.each([
    ['', 'site.yaml:1: the file is not made of keys and values; it begins with "version: 1"'],
    ['- a', 'site.yaml:1: the file is not made of keys and values; it begins with "version: 1"'],
    ['images: {}', 'site.yaml:1: version is missing: the file begins with "version: 1"'],
    ['version: 2', 'site.yaml:1: version has to be 1: this program knows no other'],
    ['version: 1\nimages: [a]', 'site.yaml:2: images has to hold keys, for example "talos: …"'],
    ['version: 1\n---\nversion: 1', 'site.yaml:2: a second document begins here, and one is read'],
    ['version: 1\nimages: {talos: [', expect.stringMatching(/^site\.yaml:2: /)],
    ['version: 1\n\timages: x', expect.stringMatching(/^site\.yaml:2: /)],
  ])('refuses the document %j', (text, state) => {
    expect(problems(text)[0]).toEqual(state);
  });

  it('tells all problems, by line', () => {
    const lines = problems('version: 1\nfiles:\n  lokc: x\nimages:\n  talos: 5\ntarget:\n  concurrency: -1\nx: y\n');
    expect(lines.map((line) => line.split(':')[1])).toEqual(['3', '5', '7', '8']);
  });

  it('is bounded against what is hostile', () => {
    const deep = 'site.yaml:1: its parts lie too deep in each other';
    const start = performance.now();
    expect(problems(`version: 1\nimages: ${'['.repeat(200_000)}`)).toEqual([deep]);
    expect(problems(`version: 1\nimages: ${'{a: '.repeat(50_000)}`)).toEqual([deep]);
    expect(problems(`version: 1\n${'# long\n'.repeat(100_000)}`)[0]).toContain('at most 524288 are read');
    expect(
      problems(`version: 1\nimages:\n${Array.from({ length: 40_000 }, (_, at) => `  k${at}: 1\n`).join('')}`).at(-1),
    ).toMatch(/^and \d+ more$/);
    const bomb = Array.from(
      { length: 30 },
      (_, at) => `x${at}: &x${at} [${at === 0 ? 'a' : `*x${at - 1}, *x${at - 1}`}]\n`,
    ).join('');
    expect(problems(`version: 1\n${bomb}`)).toHaveLength(30);
    expect(performance.now() - start).toBeLessThan(8000);
  });

  it('throws nothing but ERR_INPUT_INVALID', () => {
    const part = fc.constantFrom(
      'version: 1\n',
      'images:\n',
      '  talos: ',
      'v1\n',
      '- ',
      '[',
      '{',
      '*a',
      '&a',
      '!!x ',
      '? ',
      '"',
      '\n',
      '\t',
      '<<: ',
      '|\n',
      '%TAG\n',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join('')),
        ),
        (text) => {
          problems(text);
          problems(`version: 1\nimages:\n  ${text}`);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('names each key once in its group, and gives an example that is read', () => {
    for (const { name, keys } of specGroups) {
      expect(new Set(keys.map((key) => key.name)).size).toBe(keys.length);
      for (const key of keys)
        expect([key.name, problems(`version: 1\n${name}:\n  ${key.name}: ${key.example}\n`)]).toEqual([key.name, []]);
    }
  });
});
