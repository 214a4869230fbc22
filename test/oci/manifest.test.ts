import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AirgapError, isAirgapError } from '../../src/errors.ts';
import { digestOf } from '../../src/oci/digest.ts';
import {
  blobsOf,
  childrenOf,
  contentNamedBy,
  documentOf,
  isForeign,
  maxManifestBytes,
  maxManifestEntries,
  parseManifest,
} from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';

const encoder = new TextEncoder();
const bytesOf = (value: unknown): Uint8Array =>
  encoder.encode(typeof value === 'string' ? value : JSON.stringify(value));
const digest = `sha256:${'ab'.repeat(32)}`;
const config = { mediaType: mediaTypes.ociConfig, digest, size: 2 };
const layer = { mediaType: mediaTypes.ociLayerGzip, digest, size: 10 };
const child = {
  mediaType: mediaTypes.ociManifest,
  digest,
  size: 500,
  platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
};
const image = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [child] };

function refusal(document: unknown, mediaType?: string): AirgapError {
  try {
    parseManifest(document instanceof Uint8Array ? document : bytesOf(document), mediaType);
  } catch (thrown) {
    if (isAirgapError(thrown)) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('parseManifest()', () => {
  it('reads an image manifest', () => {
    const subject = { ...child, platform: undefined };
    const manifest = parseManifest(
      bytesOf({ ...image, artifactType: 'application/x', subject }),
      mediaTypes.ociManifest,
    );
    expect(manifest).toEqual({
      kind: 'image',
      mediaType: mediaTypes.ociManifest,
      artifactType: 'application/x',
      config,
      layers: [layer],
      subject: { mediaType: mediaTypes.ociManifest, digest, size: 500 },
    });
  });

  it('reads an index with platforms, annotations and URLs', () => {
    const rich = {
      ...child,
      annotations: { __proto__x: 'y', a: 'b' },
      urls: ['https://example.com/a'],
      artifactType: 'x/y',
    };
    expect(parseManifest(bytesOf({ ...index, manifests: [rich] }), mediaTypes.ociIndex)).toEqual({
      kind: 'index',
      mediaType: mediaTypes.ociIndex,
      manifests: [rich],
    });
  });

  it.each([
    [undefined, mediaTypes.ociIndex],
    ['application/octet-stream', mediaTypes.ociIndex],
    ['application/json; charset=utf-8', mediaTypes.ociIndex],
    [`${mediaTypes.dockerList};charset=utf-8`, mediaTypes.dockerList],
  ])('takes an index without mediaType delivered as %s for %s', (header, type) => {
    expect(parseManifest(bytesOf({ ...index, mediaType: undefined }), header).mediaType).toBe(type);
  });

  it('takes an image manifest without mediaType and header for an OCI one', () => {
    expect(parseManifest(bytesOf({ ...image, mediaType: undefined }), undefined).mediaType).toBe(
      mediaTypes.ociManifest,
    );
  });

  it('believes the document where the header is generic', () => {
    const docker = { ...image, mediaType: mediaTypes.dockerManifest };
    expect(parseManifest(bytesOf(docker), 'application/json').mediaType).toBe(mediaTypes.dockerManifest);
  });

  it('takes null for an empty list and for fields that are left out, as Go programs write them', () => {
    const manifest = parseManifest(bytesOf({ ...image, layers: null, subject: null, artifactType: null }), undefined);
    expect(manifest).toEqual({ kind: 'image', mediaType: mediaTypes.ociManifest, config, layers: [] });
    const empty = { ...child, platform: { os: '', architecture: '' }, annotations: null };
    expect(childrenOf(parseManifest(bytesOf({ ...index, manifests: [empty] }), undefined))).toEqual([
      { mediaType: child.mediaType, digest, size: 500 },
    ]);
  });

  it.each([
    [{ ...image, config: undefined }, 'config'],
    [{ ...image, layers: undefined }, 'layers'],
    [{ ...image, layers: {} }, 'layers'],
    [{ ...image, schemaVersion: undefined }, 'schemaVersion'],
    [{ ...image, schemaVersion: 3 }, 'schemaVersion'],
    [{ ...image, mediaType: 7 }, 'mediaType'],
    [{ ...image, layers: [layer, { ...layer, size: -1 }] }, 'layers[1].size'],
    [{ ...image, layers: [{ ...layer, size: 1.5 }] }, 'layers[0].size'],
    [{ ...image, layers: [{ ...layer, size: '10' }] }, 'layers[0].size'],
    [{ ...image, layers: [{ ...layer, size: 2 ** 53 }] }, 'layers[0].size'],
    [{ ...image, layers: [{ ...layer, digest: 'sha256:00' }] }, 'layers[0].digest'],
    [{ ...image, layers: [{ ...layer, digest: '../../etc/passwd' }] }, 'layers[0].digest'],
    [{ ...image, layers: [{ ...layer, mediaType: 'a/b\r\nx: y' }] }, 'layers[0].mediaType'],
    [{ ...image, layers: [{ ...layer, mediaType: undefined }] }, 'layers[0].mediaType'],
    [{ ...image, layers: [{ ...layer, annotations: { a: 1 } }] }, 'layers[0].annotations.a'],
    [{ ...image, layers: [{ ...layer, urls: [1] }] }, 'layers[0].urls[0]'],
    [{ ...image, layers: [null] }, 'layers[0]'],
    [{ ...image, subject: 'x' }, 'subject'],
    [{ ...index, manifests: undefined }, 'manifests'],
    [{ ...index, manifests: [{ ...child, platform: { os: 'linux' } }] }, 'manifests[0].platform.architecture'],
    [{ ...image, manifests: [] }, 'manifests'],
    [{ ...index, layers: [] }, 'layers'],
    [{ ...index, config }, 'config'],
    [{ schemaVersion: 2, config, layers: [], manifests: [] }, 'layers'],
  ])('refuses %j naming the field %s', (document, field) => {
    const error = refusal(document);
    expect(error.code).toBe('ERR_PROTOCOL');
    expect(error.message).toContain(`field ${JSON.stringify(field)} `);
  });

  it('refuses a document that its header says to be something else', () => {
    const error = refusal(image, mediaTypes.ociIndex);
    expect(error.code).toBe('ERR_PROTOCOL');
    expect(error.message).toContain('mediaType');
    expect(refusal('<html>', 'text/html').message).toContain('web page');
  });

  it.each([
    [{ schemaVersion: 1, name: 'a', tag: 'b', fsLayers: [] }, undefined],
    [{ schemaVersion: 1 }, 'application/json'],
    ['not even JSON', mediaTypes.dockerSchema1Signed],
    [{ mediaType: mediaTypes.dockerSchema1, schemaVersion: 2 }, undefined],
  ])('refuses schema 1: %j as %s', (document, header) => {
    const error = refusal(document, header);
    expect(error.code).toBe('ERR_UNSUPPORTED');
    expect(error.message).toContain('schema 1');
  });

  it('refuses media types it does not know', () => {
    const error = refusal({ schemaVersion: 2, mediaType: 'application/vnd.oci.artifact.manifest.v1+json', blobs: [] });
    expect(error.code).toBe('ERR_UNSUPPORTED');
    expect(error.message).toContain('artifact.manifest');
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['a list', '[]'],
    ['a number', '1'],
    ['null', 'null'],
    ['a byte order mark', '\ufeff{}'],
    ['deep nesting', `{"schemaVersion":2,"x":${'['.repeat(70)}${']'.repeat(70)}}`],
    ['very deep nesting', '['.repeat(1_000_000)],
  ])('refuses %s', (_, text) => {
    expect(refusal(text).code).toBe('ERR_PROTOCOL');
  });

  it('takes brackets inside strings for what they are', () => {
    const annotated = { ...layer, annotations: { a: `${'['.repeat(100)}"\\` } };
    expect(parseManifest(bytesOf({ ...image, layers: [annotated] }), undefined).kind).toBe('image');
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(refusal(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])).message).toContain('UTF-8');
  });

  it('refuses more than 4 MiB and more than ten thousand entries', () => {
    expect(refusal(new Uint8Array(maxManifestBytes + 1)).message).toContain('4194305 bytes');
    const many = Array.from({ length: maxManifestEntries + 1 }, () => ({ mediaType: 'a/b', digest, size: 1 }));
    expect(refusal({ ...image, layers: many }).message).toContain('"layers" has 10001 entries');
  });

  it('throws nothing but AirgapError, whatever a manifest is broken into', () => {
    const source = JSON.stringify({ ...index, subject: child });
    fc.assert(
      fc.property(fc.nat(source.length), fc.nat(20), fc.string({ maxLength: 6 }), (at, length, insert) => {
        try {
          parseManifest(bytesOf(source.slice(0, at) + insert + source.slice(at + length)), undefined);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AirgapError);
        }
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => parseManifest(bytesOf({ ...image, layers: [value] }), undefined)).toThrow(AirgapError);
      }),
    );
  });
});

describe('childrenOf() and blobsOf()', () => {
  it('give the manifests of an index, and config and layers of an image, and not the subject', () => {
    const anIndex = parseManifest(bytesOf({ ...index, subject: child }), undefined);
    const anImage = parseManifest(bytesOf({ ...image, subject: child }), undefined);
    expect(childrenOf(anIndex)).toEqual([child]);
    expect(blobsOf(anIndex)).toEqual([]);
    expect(childrenOf(anImage)).toEqual([]);
    expect(blobsOf(anImage)).toEqual([config, layer]);
  });
});

describe('contentNamedBy()', () => {
  it('counts what an index lists that is no manifest among the blobs', () => {
    const anIndex = parseManifest(bytesOf({ ...index, manifests: [child, layer], subject: child }), undefined);
    expect(contentNamedBy(anIndex)).toEqual({ manifests: [child], blobs: [layer] });
    expect(contentNamedBy(parseManifest(bytesOf(image), undefined))).toEqual({ manifests: [], blobs: [config, layer] });
  });
});

describe('isForeign()', () => {
  it('tells layers that registries do not hold', () => {
    const typed = (mediaType: string) => ({ mediaType, digest: digestOf(new Uint8Array()), size: 0 });
    expect(isForeign(typed('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'))).toBe(true);
    expect(isForeign(typed('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'))).toBe(true);
    expect(isForeign(typed(mediaTypes.ociLayerGzip))).toBe(false);
  });
});

describe('documentOf()', () => {
  it('keeps the bytes and computes their digest', () => {
    const bytes = bytesOf(image);
    const document = documentOf(bytes, undefined);
    expect(document.bytes).toBe(bytes);
    expect(document.descriptor).toEqual({ mediaType: image.mediaType, digest: digestOf(bytes), size: bytes.length });
    expect(documentOf(bytes, undefined, { algorithm: 'sha512' }).descriptor.digest).toBe(digestOf(bytes, 'sha512'));
  });
});
