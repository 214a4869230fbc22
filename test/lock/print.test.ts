import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lock } from '../../src/lock/lock.ts';
import { parseLock } from '../../src/lock/parse.ts';
import { printLock, sortLock } from '../../src/lock/print.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference, parseTag } from '../../src/oci/reference.ts';
import { lock as anyLock } from './arbitraries.ts';

const one = digestOf(new Uint8Array([1]));

const lock: Lock = {
  contacts: [{ purpose: 'token', host: 'auth.docker.io:443' }],
  images: [
    {
      source: parseReference('nginx:1'),
      target: { registry: 'local', repository: 'library/nginx' },
      digest: one,
      mediaType: mediaTypes.ociManifest,
      size: 5,
      totalSize: 50,
      tags: [{ role: 'image', digest: one, tag: parseTag('1') }],
      signatures: 'none',
      manifests: [one],
      omitted: [],
      origins: ['images.txt:1'],
    },
  ],
  mirrors: [{ pathPrefix: '', endpoint: 'http://local', registry: '*' }],
  rule: { prefix: '', registry: 'local', naming: 'replace-host' },
  version: 1,
};

describe('printLock()', () => {
  it('writes JSON that people can read, with keys in a fixed order and a newline at the end', () => {
    expect(printLock(lock)).toBe(`{
  "version": 1,
  "rule": {
    "naming": "replace-host",
    "registry": "local",
    "prefix": ""
  },
  "mirrors": [
    {
      "registry": "*",
      "endpoint": "http://local",
      "pathPrefix": ""
    }
  ],
  "images": [
    {
      "source": "docker.io/library/nginx:1",
      "target": "local/library/nginx",
      "digest": "${one}",
      "mediaType": "${mediaTypes.ociManifest}",
      "size": 5,
      "totalSize": 50,
      "tags": [
        {
          "tag": "1",
          "digest": "${one}",
          "role": "image"
        }
      ],
      "signatures": "none",
      "manifests": [
        "${one}"
      ],
      "omitted": [],
      "origins": [
        "images.txt:1"
      ]
    }
  ],
  "contacts": [
    {
      "host": "auth.docker.io:443",
      "purpose": "token"
    }
  ]
}
`);
  });

  it('writes what was seen of a contact after its purpose, and as the last thing in the document', () => {
    const observed = {
      last: '2026-11-26T11:00:00Z',
      first: '2026-11-26T10:08:04Z',
      sentBytes: 0,
      receivedBytes: 7,
      requests: 2,
      through: [],
      registries: ['registry-1.docker.io:443', 'a.test:5000'],
    };
    const text = printLock({ ...lock, contacts: [{ observed, purpose: 'token', host: 'auth.docker.io:443' }] });
    expect(text.slice(text.indexOf('  "contacts"'))).toBe(`  "contacts": [
    {
      "host": "auth.docker.io:443",
      "purpose": "token",
      "observed": {
        "registries": [
          "a.test:5000",
          "registry-1.docker.io:443"
        ],
        "through": [],
        "requests": 2,
        "receivedBytes": 7,
        "sentBytes": 0,
        "first": "2026-11-26T10:08:04Z",
        "last": "2026-11-26T11:00:00Z"
      }
    }
  ]
}
`);
  });

  it('keeps several mirrors of one registry in the order nodes ask them, also when it is read back', () => {
    const at = (endpoint: string, registry = '*') => ({ registry, endpoint, pathPrefix: '' });
    const mirrors = [at('https://b.site'), at('https://a.site'), at('https://c.site', '10.0.0.1')];
    const given = { ...lock, mirrors };
    expect(parseLock(printLock(given), 'airgap.lock').mirrors).toEqual([
      at('https://b.site'),
      at('https://a.site'),
      at('https://c.site', '10.0.0.1'),
    ]);
  });

  it('writes the same bytes whatever order the lists come in', () => {
    const reversed = (given: Lock): Lock => ({
      ...given,
      mirrors: given.mirrors.toReversed(),
      contacts: given.contacts.toReversed().map((contact) => ({
        ...contact,
        ...(contact.observed && {
          observed: {
            ...contact.observed,
            registries: contact.observed.registries.toReversed(),
            through: contact.observed.through.toReversed(),
          },
        }),
      })),
      images: given.images.toReversed().map((image) => ({
        ...image,
        tags: image.tags.toReversed(),
        manifests: image.manifests.toReversed(),
        omitted: image.omitted.toReversed(),
        origins: image.origins.toReversed(),
      })),
    });
    fc.assert(
      fc.property(anyLock, (given) => {
        expect(printLock(reversed(given))).toBe(printLock(given));
      }),
    );
  });
});

describe('sortLock()', () => {
  it('leaves the lock it was given alone', () => {
    const given: Lock = {
      ...lock,
      contacts: [
        { host: 'b:1', purpose: 'proxy' },
        { host: 'a:1', purpose: 'token' },
      ],
    };
    expect(sortLock(given).contacts.map(({ host }) => host)).toEqual(['a:1', 'b:1']);
    expect(given.contacts[0]?.host).toBe('b:1');
  });
});
