import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAirgapError } from '../../../src/errors.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { checkLayoutFile, entryFor, parseIndexFile, printIndexFile } from '../../../src/store/layout/index-file.ts';

const digest = digestOf(Buffer.from('manifest'));
const descriptor = { mediaType: mediaTypes.ociIndex, digest, size: 8 };
const kubelet = { registry: 'ghcr.io', repository: 'siderolabs/kubelet' };

function withEntry(entry: unknown): string {
  return JSON.stringify({ schemaVersion: 2, manifests: [entry] });
}

describe('parseIndexFile()', () => {
  it('reads back what printIndexFile() wrote, in any order, to the same bytes', () => {
    const entries = [
      entryFor({ ...kubelet, tag: parseTag('v1.37.1') }, descriptor),
      entryFor({ ...kubelet, tag: parseTag('v1.36.0') }, descriptor),
      entryFor({ registry: 'docker.io', repository: 'library/nginx' }, descriptor),
    ];
    const text = printIndexFile(entries);
    const read = parseIndexFile(text, 'index.json');
    expect(read.map((entry) => entry.name)).toEqual([
      `docker.io/library/nginx@${digest}`,
      'ghcr.io/siderolabs/kubelet:v1.36.0',
      'ghcr.io/siderolabs/kubelet:v1.37.1',
    ]);
    expect(read[1]?.reference).toEqual({ ...kubelet, tag: 'v1.36.0' });
    expect(printIndexFile(read.reverse())).toBe(text);
  });

  it('names images for skopeo and for containerd', () => {
    const [entry] = JSON.parse(printIndexFile([entryFor({ ...kubelet, tag: parseTag('v1') }, descriptor)])).manifests;
    expect(entry.annotations).toEqual({
      'io.containerd.image.name': 'ghcr.io/siderolabs/kubelet:v1',
      'org.opencontainers.image.ref.name': 'ghcr.io/siderolabs/kubelet:v1',
    });
  });

  it('reads the names of containerd and keeps what it does not know', () => {
    const foreign = {
      ...descriptor,
      annotations: {
        'io.containerd.image.name': 'docker.io/library/nginx:1.27',
        'org.opencontainers.image.ref.name': '1.27',
      },
      data: 'e30=',
      platform: { os: 'linux', architecture: 'amd64', 'os.version': '1' },
    };
    const entries = parseIndexFile(withEntry(foreign), 'index.json');
    expect(entries[0]?.reference).toEqual({ registry: 'docker.io', repository: 'library/nginx', tag: '1.27' });
    expect(JSON.parse(printIndexFile(entries)).manifests).toEqual([foreign]);
  });

  it('takes no short name for an image of Docker Hub', () => {
    for (const name of ['latest', 'app:1', 'team/app:1', '../../x:1', 'ghcr.io/a', '']) {
      const entry = { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': name } };
      expect(parseIndexFile(withEntry(entry), 'index.json')[0]?.reference, name).toBeUndefined();
    }
  });

  it('refuses digests that are paths, sizes that are none, and what is no index', () => {
    const bad = [
      'no json',
      '[]',
      '{}',
      '{"schemaVersion":1,"manifests":[]}',
      '{"schemaVersion":2,"manifests":{}}',
      withEntry(null),
      withEntry({ ...descriptor, digest: 'sha256:../../../../etc/passwd' }),
      withEntry({ ...descriptor, digest: `sha256:${'A'.repeat(64)}` }),
      withEntry({ ...descriptor, digest: 7 }),
      withEntry({ ...descriptor, size: -1 }),
      withEntry({ ...descriptor, size: 1e300 }),
      withEntry({ ...descriptor, size: '8' }),
      withEntry({ ...descriptor, mediaType: undefined }),
    ];
    for (const text of bad) {
      expect(() => parseIndexFile(text, 'x/index.json'), text).toThrow(
        expect.objectContaining({ code: 'ERR_INPUT_INVALID' }),
      );
    }
  });

  it('never throws anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.jsonValue().map(withEntry)), (text) => {
        try {
          printIndexFile(parseIndexFile(text, 'x'));
        } catch (error) {
          expect(isAirgapError(error)).toBe(true);
        }
      }),
    );
  });
});

describe('checkLayoutFile()', () => {
  it('takes version 1.0.0 alone', () => {
    expect(() => checkLayoutFile('{"imageLayoutVersion": "1.0.0"}', 'x')).not.toThrow();
    for (const text of ['{"imageLayoutVersion":"2.0.0"}', '{"imageLayoutVersion":1}', '{}', '', 'null']) {
      expect(() => checkLayoutFile(text, 'x'), text).toThrow(expect.objectContaining({ code: 'ERR_INPUT_INVALID' }));
    }
  });
});
