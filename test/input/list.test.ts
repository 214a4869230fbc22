import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AirgapError, isAirgapError } from '../../src/errors.ts';
import { maxListBytes, parseList, parseReferences } from '../../src/input/list.ts';
import { printOrigin } from '../../src/input/requested.ts';
import { printReference } from '../../src/oci/reference.ts';
import { reference as anyReference } from '../oci/arbitraries.ts';

const encoder = new TextEncoder();

/** `reference < origin, origin` for each request. */
function read(text: string | Uint8Array, document = 'images.txt'): string[] {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text;
  return parseList(document, bytes).map(
    ({ reference, origins }) => `${printReference(reference)} < ${origins.map(printOrigin).join(', ')}`,
  );
}

function refusal(text: string | Uint8Array, document = 'images.txt'): AirgapError {
  try {
    read(text, document);
  } catch (thrown) {
    if (isAirgapError(thrown)) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('parseList()', () => {
  it('reads comments, empty lines, CRLF, a byte order mark and blanks around references', () => {
    const text = '\ufeff# images\r\n\r\n  ghcr.io/a/b:1 \t\r\nnginx # web\r\n\t# more\r\nquay.io/c:2\t#x\rquay.io/d:3';
    expect(read(text)).toEqual([
      'docker.io/library/nginx:latest < images.txt:4',
      'ghcr.io/a/b:1 < images.txt:3',
      'quay.io/c:2 < images.txt:6',
      'quay.io/d:3 < images.txt:7',
    ]);
  });

  it('merges duplicates, however they are written, and keeps every origin', () => {
    expect(read('nginx\nghcr.io/a:1\ndocker.io/library/nginx:latest\nnginx\n')).toEqual([
      'docker.io/library/nginx:latest < images.txt:1, images.txt:3, images.txt:4',
      'ghcr.io/a:1 < images.txt:2',
    ]);
  });

  it('reports all bad lines at once, with their numbers', () => {
    const error = refusal('nginx\nNginx\n\nhttps://ghcr.io/a\nok/ok\na b\nnginx#x\n');
    expect(error.code).toBe('ERR_INPUT_INVALID');
    expect(error.message.split('\n')).toEqual([
      'Cannot read list "images.txt": 4 of its lines are no image references',
      '  images.txt:2: "Nginx": the repository has upper-case letters (repositories are lower case: nginx)',
      '  images.txt:4: "https://ghcr.io/a": it is a URL (leave out https:// and write REGISTRY/REPOSITORY:TAG)',
      '  images.txt:6: "a b": it has blanks in it (write one reference, without blanks)',
      expect.stringMatching(/^ {2}images\.txt:7: "nginx#x": the repository has characters/),
    ]);
    expect(error.origins).toEqual(['images.txt:2', 'images.txt:4', 'images.txt:6', 'images.txt:7']);
  });

  it('shows fifty bad lines and counts the rest', () => {
    const lines = refusal('X\n'.repeat(60)).message.split('\n');
    expect(lines).toHaveLength(52);
    expect(lines.at(-1)).toBe('  and 10 more');
  });

  it.each([
    [
      'NODE        IMAGE     DIGEST   SIZE   CREATED\n10.5.0.2   ghcr.io/x:1   sha256:00   1 MB   1 day ago\n',
      'the table of "talosctl image list"',
      'talosctl image k8s-bundle',
    ],
    [
      'REPOSITORY   TAG   IMAGE ID   CREATED   SIZE\nnginx latest abc 2 days 1MB\n',
      'columns REPOSITORY TAG IMAGE',
      'one image reference per line',
    ],
    ['Manage CRI container images\n\nUsage:\n  talosctl image [command]\n', 'help text', 'talosctl image default'],
    ['<!DOCTYPE html>\n<html><body>Sign in</body></html>', 'a web page (HTML)', 'login page'],
    ['\n<HTML>', 'a web page (HTML)', 'login page'],
    ['<?xml version="1.0"?>', 'an XML document', ''],
    ['{"images":[]}', 'JSON', 'one image reference per line'],
    ['[\n  "nginx"\n]', 'JSON', ''],
    ['["nginx"]', 'JSON', ''],
    ['{\n  "version": 1,\n  "rule": {}\n}', 'a lock of airgap', ''],
    ['---\nnginx\n', 'YAML', ''],
    ['# pods\napiVersion: v1\nkind: Pod\n', 'YAML', ''],
    ['images:\n  - nginx\n', 'YAML', ''],
    ['- nginx\n- redis\n', 'a YAML list', 'dashes'],
    ['', 'it is empty', 'one image reference per line'],
    [' \n\r\n', 'it is empty', ''],
    ['# nothing yet\n', 'empty but for comments', ''],
  ])('refuses %j, as it is %s', (text, looks, hint) => {
    const error = refusal(text);
    expect(error.code).toBe('ERR_INPUT_INVALID');
    expect(error.message).toMatch(/^Cannot read list "images\.txt": it is /);
    expect(error.message).toContain(looks);
    expect(error.message).not.toContain('\n');
    expect(error.hint).toContain(hint);
  });

  it.each([
    ['gzip', [0x1f, 0x8b, 8, 0], 'gzip'],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
    ['a zip file', [0x50, 0x4b, 3, 4], 'zip'],
    ['a program', [0x7f, 0x45, 0x4c, 0x46], 'program'],
    ['UTF-16', [0xff, 0xfe, 0x6e, 0], 'UTF-16'],
    ['zeros', [0x6e, 0, 0x6e], 'binary'],
    ['bytes that are not UTF-8', [0x6e, 0xff, 0x0a], 'not UTF-8'],
    ['a tar file', [...new Uint8Array(257).fill(0x61), ...encoder.encode('ustar')], 'tar'],
  ])('refuses %s', (_, bytes, looks) => {
    expect(refusal(new Uint8Array(bytes)).message).toContain(looks);
  });

  it('takes a reference with an IPv6 host for no JSON, and single words in upper case for no table', () => {
    expect(read('[::1]:5000/a:1\n')).toEqual(['[::1]:5000/a:1 < images.txt:1']);
    expect(refusal('NGINX\n').message).toContain('upper-case');
  });

  it('names standard input, and asks to look at the command before the pipe', () => {
    const error = refusal('', '-');
    expect(error.message).toBe('Cannot read list on standard input: it is empty');
    expect(error.hint).toContain('before the pipe');
  });

  it('refuses more than 16 MiB', () => {
    expect(refusal(new Uint8Array(maxListBytes + 1).fill(0x61)).message).toContain('16777217 bytes');
  });

  it('reads any list of references back, whatever stands around them', () => {
    const around = fc.constantFrom('', ' ', '\t', '# x', ' # nginx');
    fc.assert(
      fc.property(fc.array(fc.tuple(anyReference, around), { minLength: 1, maxLength: 20 }), (entries) => {
        const lines = entries.map(
          ([reference, rest]) => `${rest.trim() === '' ? rest : ''}${printReference(reference)} ${rest}`,
        );
        const requests = parseList('l', encoder.encode(lines.join('\n')));
        const printed = entries.map(([reference]) => printReference(reference));
        expect(requests.map(({ reference }) => printReference(reference))).toEqual([...new Set(printed)].sort());
        expect(requests.flatMap(({ origins }) => origins)).toHaveLength(entries.length);
      }),
    );
  });

  it('throws nothing but AirgapError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 80 }),
          fc.string({ unit: 'binary' }).map((text) => encoder.encode(text)),
        ),
        (bytes) => {
          try {
            parseList('x', bytes);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(AirgapError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('parseReferences()', () => {
  it('reads arguments, merged and sorted', () => {
    const requests = parseReferences('argument', ['nginx', ' ghcr.io/a:1', 'docker.io/nginx']);
    expect(requests.map(({ reference }) => printReference(reference))).toEqual([
      'docker.io/library/nginx:latest',
      'ghcr.io/a:1',
    ]);
    expect(requests[0]?.origins).toEqual([{ document: 'argument' }]);
  });

  it('reports all bad arguments at once', () => {
    expect(() => parseReferences('argument', ['Nginx', 'ok', 'a:'])).toThrow(
      expect.objectContaining({
        code: 'ERR_INPUT_INVALID',
        message: expect.stringMatching(
          /^Cannot read arguments: 2 are no image references\n {2}"Nginx": .*\n {2}"a:": /,
        ),
        origins: [],
      }),
    );
  });
});
