import { extract, type Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { decodeHeader } from '../../../src/store/bundle/tar-fields.ts';
import { entryHeader, tarredEntries, tarSize } from '../../../src/store/image-cache/cache-tar.ts';

const hex = 'c'.repeat(64);

async function read(tar: Buffer): Promise<Header[]> {
  const found: Header[] = [];
  const reader = extract();
  reader.on('entry', (header, stream, next) => {
    found.push(header);
    stream.on('end', next).resume();
  });
  const done = new Promise<void>((resolve, reject) => reader.on('finish', () => resolve()).on('error', reject));
  reader.end(tar);
  await done;
  return found;
}

describe('the tar of an image cache', () => {
  it('has every folder before what is in it, both folders of every repository, and is as long as foretold', async () => {
    const deep = `manifests/ghcr.io/${'a'.repeat(60)}/${'b'.repeat(60)}/digest/sha256-${hex}`;
    const deeper = `manifests/ghcr.io/${'c'.repeat(130)}/${'d'.repeat(30)}/digest/sha256-${hex}`;
    const files = new Map([
      [`blob/sha256-${hex}`, 700],
      [deep, 3],
      [deeper, 0],
      ['manifests/ghcr.io/a-b/reference/v1', 512],
      ['manifests/ghcr.io/a/reference/v1', 1],
    ]);
    const entries = tarredEntries(files);
    const parts = entries.flatMap((entry) => [
      entryHeader(entry),
      Buffer.alloc(Math.ceil((entry.size ?? 0) / 512) * 512),
    ]);
    const tar = Buffer.concat([...parts, Buffer.alloc(1024)]);
    expect(tar.length).toBe(tarSize(entries));
    const headers = await read(tar);
    expect(headers.map(({ name }) => name.replace(/\/$/, ''))).toEqual(entries.map(({ path }) => path));
    const seen = new Set<string>();
    for (const { name, type, mode, mtime, uid, gid, size } of headers) {
      const plain = name.replace(/\/$/, '');
      const parent = plain.split('/').slice(0, -1).join('/');
      expect(parent === '' || seen.has(parent), name).toBe(true);
      if (type === 'directory') seen.add(plain);
      expect({ mode, mtime, uid, gid }).toEqual({
        mode: type === 'directory' ? 0o755 : 0o644,
        mtime: new Date(0),
        uid: 0,
        gid: 0,
      });
      if (type === 'file') expect(size).toBe(files.get(name));
    }
    expect(seen.has('manifests/ghcr.io/a/digest')).toBe(true);
    expect(seen.has(deep.replace(/digest.*/, 'reference'))).toBe(true);
  });

  it('says sizes from 8 GiB on', () => {
    const size = 9 * 1024 ** 3;
    expect(decodeHeader(entryHeader({ path: `blob/sha256-${hex}`, size }))).toMatchObject({ size });
  });
});
