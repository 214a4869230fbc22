import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extensionCatalogue, readExtensionCatalogue } from '../../src/catalogues/extensions.ts';
import { AirgapError, isAirgapError } from '../../src/errors.ts';
import { printReference } from '../../src/oci/reference.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Source } from '../../src/store/store.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';
import { makeLayer } from '../support/layers.ts';
import { type CraftedEntry, tarOf } from '../support/tars.ts';
import { digestFor, imageDigests, type LayerBytes, layerOf, pushCatalogue, textEntry } from './images.ts';

const version = parseTalosVersion('v1.14.4');
const name = 'ghcr.io/siderolabs/extensions:v1.14.4';
const list = imageDigests(['iscsi-tools:v0.2.0', 'qemu-guest-agent:10.2.0', 'zfs:2.4.1-v1.14.4']);

async function catalogueOf(layers: readonly LayerBytes[], platforms?: readonly string[]) {
  const store = openMemory();
  await pushCatalogue(store, name, { layers, ...(platforms === undefined ? {} : { platforms }) });
  return store;
}

async function failure(source: Source) {
  const error: unknown = await readExtensionCatalogue(source, version).then(
    () => 'nothing was refused',
    (thrown) => thrown,
  );
  if (!isAirgapError(error)) throw error;
  return error;
}

/** The same store with other bytes in place of every blob. */
function fetching(store: Source, content: (size: number) => AsyncGenerator<Uint8Array>): Source {
  return {
    close: async () => undefined,
    repository: (repository) => {
      const real = store.repository(repository);
      return {
        name: real.name,
        resolve: real.resolve.bind(real),
        manifest: real.manifest.bind(real),
        exists: real.exists.bind(real),
        fetch: async ({ size }) => content(size),
      };
    },
  };
}

describe('the catalogue of extensions', () => {
  it('gives every entry with tag and digest, and what is said of it', async () => {
    const line = list.split('\n')[0] ?? '';
    const described = `${JSON.stringify(line)}:\n  author: Sidero Labs\n  description: |\n    iSCSI for nodes\n`;
    const store = await catalogueOf([
      layerOf([
        textEntry('./image-digests', `\n${list}ghcr.io/siderolabs/no-digest:v1\n`),
        textEntry('descriptions.yaml', described),
      ]),
    ]);
    const entries = await readExtensionCatalogue(store, version);
    expect(entries.map((entry) => [entry.name, printReference(entry.reference), entry.description])).toEqual([
      ['iscsi-tools', `ghcr.io/siderolabs/iscsi-tools:v0.2.0@${digestFor('iscsi-tools:v0.2.0')}`, 'iSCSI for nodes'],
      ['qemu-guest-agent', `ghcr.io/siderolabs/qemu-guest-agent:10.2.0@${digestFor('qemu-guest-agent:10.2.0')}`, ''],
      ['zfs', `ghcr.io/siderolabs/zfs:2.4.1-v1.14.4@${digestFor('zfs:2.4.1-v1.14.4')}`, ''],
    ]);
    expect(printReference(extensionCatalogue(version))).toBe(name);
  });

  it('is read from any platform of an index, and past attestations', async () => {
    const store = await catalogueOf([layerOf([textEntry('image-digests', list)])], ['arm64', 'riscv64']);
    expect(await readExtensionCatalogue(store, version)).toHaveLength(3);
  });

  it.each([
    [
      'a later file over an earlier one',
      [[textEntry('image-digests', 'old@x')], [textEntry('image-digests', list)]],
      3,
    ],
    ['a file below a layer with others', [[textEntry('image-digests', list)], [textEntry('etc/passwd', '')]], 3],
    [
      'a file that came back after it was taken away',
      [[textEntry('image-digests', 'old@x')], [textEntry('.wh.image-digests', '')], [textEntry('image-digests', list)]],
      3,
    ],
    [
      'nothing where a whiteout took it away',
      [[textEntry('image-digests', list)], [textEntry('.wh.image-digests', '')]],
      undefined,
    ],
    ['nothing below an opaque root', [[textEntry('image-digests', list)], [textEntry('.wh..wh..opq', '')]], undefined],
    ['nothing in a folder of that name', [[textEntry('usr/image-digests', list)]], undefined],
  ] as [string, CraftedEntry[][], number | undefined][])('finds %s', async (_, layers, count) => {
    const store = await catalogueOf(layers.map(layerOf));
    if (count !== undefined) expect(await readExtensionCatalogue(store, version)).toHaveLength(count);
    else
      expect((await failure(store)).message).toBe(
        `Cannot read catalogue "${name}": it has no file "image-digests" at its root`,
      );
  });

  it('reads layers that are not packed', async () => {
    const bare = {
      bytes: tarOf([textEntry('image-digests', list)]),
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
    };
    expect(await readExtensionCatalogue(await catalogueOf([bare]), version)).toHaveLength(3);
    const docker = {
      ...layerOf([textEntry('image-digests', list)]),
      mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    };
    expect(await readExtensionCatalogue(await catalogueOf([docker]), version)).toHaveLength(3);
  });

  const packZstd = (zlib as { zstdCompressSync?: (bytes: Uint8Array) => Uint8Array }).zstdCompressSync;
  it('says of zstd what this Node.js can do', async () => {
    const bytes = packZstd
      ? packZstd(tarOf([textEntry('image-digests', list)]))
      : makeLayer('a layer', { size: 100, compression: 'zstd' }).bytes;
    const store = await catalogueOf([{ bytes, mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' }]);
    if (packZstd) expect(await readExtensionCatalogue(store, version)).toHaveLength(3);
    else
      expect(await failure(store)).toMatchObject({
        code: 'ERR_UNSUPPORTED',
        message: expect.stringMatching(
          /^Cannot read image ".*extensions:v1\.14\.4": a layer is packed with zstd, which Node\.js/,
        ),
      });
  });
});

describe('what is no catalogue', () => {
  it.each([
    [
      'a link in place of the file',
      [{ name: 'image-digests', type: '2', linkName: '/etc/shadow' }],
      'ERR_PROTOCOL',
      '"image-digests" is no file in it, but a symlink',
    ],
    [
      'a file that says it is enormous',
      [{ name: 'image-digests', size: 9 * 1024 * 1024 }],
      'ERR_SIZE_MISMATCH',
      'has 9437184 bytes, at most 8388608 are read',
    ],
    [
      'an entry that is cut off',
      [{ name: 'image-digests', size: 4096, bytes: Buffer.from('x') }],
      'ERR_PROTOCOL',
      'a layer cannot be unpacked',
    ],
    [
      'text that lists nothing',
      [textEntry('image-digests', 'nothing here\n')],
      'ERR_PROTOCOL',
      '"image-digests" lists no image',
    ],
    [
      'a line that is no reference',
      [textEntry('image-digests', 'Bad Name@sha256:1\n')],
      'ERR_PROTOCOL',
      'line 1 of "image-digests" is no image with a digest: "Bad Name@sha256:1"',
    ],
    [
      'bytes that are no text',
      [{ name: 'image-digests', bytes: Buffer.from([0xff, 0xfe, 0x40]) }],
      'ERR_PROTOCOL',
      'its file "image-digests" is no UTF-8 text',
    ],
  ] as [string, CraftedEntry[], string, string][])('%s', async (_, entries, code, message) => {
    const end =
      entries[0]?.size === 4096
        ? {
            bytes: tarOf(entries, Buffer.alloc(0)).subarray(0, 1024),
            mediaType: 'application/vnd.oci.image.layer.v1.tar',
          }
        : layerOf(entries);
    const error = await failure(await catalogueOf([end]));
    expect([error.code, error.reference, error.end]).toEqual([code, name, 'source']);
    expect(error.message).toContain(message);
    expect(error.message).toContain(name);
  });

  it('a layer that unpacks to more than is read', async () => {
    const zeros = zlib.gzipSync(Buffer.alloc(129 * 1024 * 1024), { level: 1 });
    expect((await failure(await catalogueOf([{ bytes: zeros }]))).message).toContain(
      'unpacks to more than 134217728 bytes',
    );
  });

  it('a layer of bytes that are not packed as its type says', async () => {
    const error = await failure(await catalogueOf([{ bytes: Buffer.from('not gzip') }]));
    expect([error.code, error.message]).toEqual(['ERR_PROTOCOL', expect.stringContaining('incorrect header check')]);
  });

  it('a layer whose bytes are others than its digest says', async () => {
    const store = await catalogueOf([layerOf([textEntry('image-digests', list)])]);
    const other = layerOf([textEntry('image-digests', imageDigests(['evil:v1']))]).bytes;
    const lying = fetching(store, async function* (size) {
      yield Buffer.concat([other, Buffer.alloc(size)]).subarray(0, size);
    });
    expect((await failure(lying)).code).toBe('ERR_DIGEST_MISMATCH');
  });

  it.each([0, 40, 200])('a connection that breaks after %i bytes is that, and no bad tar', async (sent) => {
    const layer = {
      bytes: tarOf([textEntry('image-digests', list)]),
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
    };
    const broken = fetching(await catalogueOf([layer]), async function* () {
      yield layer.bytes.subarray(0, sent);
      throw new AirgapError('ERR_UNREACHABLE', 'Cannot read: the connection broke', { host: 'ghcr.io' });
    });
    expect(await failure(broken)).toMatchObject({ code: 'ERR_UNREACHABLE', reference: name, host: 'ghcr.io' });
  });

  it('stops when it is told to, also where the source says nothing more', async () => {
    const layer = {
      bytes: tarOf([textEntry('image-digests', list)]),
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
    };
    const stop = new AbortController();
    const silent = fetching(await catalogueOf([layer]), async function* () {
      yield layer.bytes.subarray(0, 600);
      setTimeout(() => stop.abort(), 20);
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    await expect(readExtensionCatalogue(silent, version, { signal: stop.signal })).rejects.toThrow('aborted');
  });

  it('an image that is not there is said by its name', async () => {
    const error = await failure(openMemory());
    expect([error.code, error.reference]).toEqual(['ERR_NOT_FOUND', name]);
  });
});

describe('bytes nobody has checked', () => {
  const whole = tarOf([textEntry('etc/os-release', 'x'), textEntry('image-digests', list), textEntry('z', 'y')]);

  it('give entries or one of our errors, whatever is changed in a tar or where it ends', {
    timeout: 60_000,
  }, async () => {
    const change = fc.record({
      at: fc.nat(whole.length - 1),
      byte: fc.nat(255),
      end: fc.option(fc.nat(whole.length), { nil: undefined, freq: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Buffer.from(whole);
        for (const { at, byte } of changes) bytes[at] = byte;
        const layer = {
          bytes: bytes.subarray(0, changes[0]?.end),
          mediaType: 'application/vnd.oci.image.layer.v1.tar',
        };
        if (layer.bytes.length === 0) return;
        const read: unknown = await readExtensionCatalogue(await catalogueOf([layer]), version).catch((error) => error);
        expect(Array.isArray(read) || (isAirgapError(read) && read.message.includes(name))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
