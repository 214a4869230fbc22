import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AirgapError, isAirgapError } from '../../src/errors.ts';
import { parseLock } from '../../src/lock/parse.ts';
import { printLock, sortLock } from '../../src/lock/print.ts';
import { lock as anyLock } from './arbitraries.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const image = {
  source: 'ghcr.io/a/b:1',
  target: 'registry/a/b',
  digest,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  size: 1,
  totalSize: 2,
  tags: [{ tag: '1', digest, role: 'image' }],
  signatures: 'none',
  manifests: [digest],
  omitted: [],
  origins: ['images.txt:1'],
};
const mirror = { registry: '*', endpoint: 'https://registry', pathPrefix: '' };
const lock = {
  version: 1,
  rule: { naming: 'replace-host', registry: 'registry', prefix: '' },
  mirrors: [mirror],
  images: [image],
  contacts: [{ host: 'ghcr.io:443', purpose: 'registry' }],
};

function refusal(document: unknown): AirgapError {
  try {
    parseLock(typeof document === 'string' ? document : JSON.stringify(document), 'airgap.lock');
  } catch (thrown) {
    if (isAirgapError(thrown)) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

const observed = {
  registries: ['ghcr.io:443'],
  through: [],
  requests: 1,
  receivedBytes: 0,
  sentBytes: 0,
  first: '2026-11-26T10:08:04Z',
  last: '2026-11-26T10:08:04Z',
};
const withContact = (fields: object, contact: object = {}) => ({
  ...lock,
  contacts: [{ ...lock.contacts[0], ...contact, observed: { ...observed, ...fields } }],
});
const withImage = (fields: object) => ({ ...lock, images: [{ ...image, ...fields }] });

describe('parseLock()', () => {
  it('undoes printLock()', () => {
    fc.assert(
      fc.property(anyLock, (given) => {
        const read = parseLock(printLock(given), 'x');
        expect(read).toEqual(sortLock(given));
        expect(printLock(read)).toBe(printLock(given));
      }),
      { numRuns: 300 },
    );
  });

  it('reads contacts of locks that were written before anything was kept of them', () => {
    expect(parseLock(JSON.stringify(lock), 'x').contacts).toEqual(lock.contacts);
    const old = { ...lock, contacts: [{ host: 'ghcr.io', purpose: 'registry' }] };
    expect(parseLock(JSON.stringify(old), 'x').contacts).toEqual(old.contacts);
    expect(parseLock(JSON.stringify(withContact({})), 'x').contacts[0]?.observed).toEqual(observed);
  });

  it('reads a target host that a reference could not tell from a repository', () => {
    expect(parseLock(JSON.stringify(lock), 'x').images[0]?.target).toEqual({ registry: 'registry', repository: 'a/b' });
  });

  it('reads one source with and without a retag, and the field alone where it is there', () => {
    const retagged = {
      ...image,
      target: 'registry/infra/web',
      retag: 'web:2',
      tags: [{ tag: '2', digest, role: 'image' }],
    };
    const read = parseLock(JSON.stringify({ ...lock, images: [retagged, image] }), 'x');
    expect(read.images.map(({ retag }) => retag)).toEqual([undefined, { repository: 'web', tag: '2' }]);
    expect(printLock(read).match(/"retag"/g)).toHaveLength(1);
    expect(refusal({ ...lock, images: [retagged, retagged] }).message).toContain('twice');
  });

  it.each([
    ['Web:2', 'images[0].retag" is no REPOSITORY[:TAG]'],
    ['other:1', 'images[0].retag" is not where the image stands'],
    ['b:2', 'images[0].retag" is not where the image stands'],
  ])('refuses the retag %s', (retag, state) => {
    expect(refusal(withImage({ retag })).message).toContain(state);
  });

  it('refuses a version it does not know, and says what to do', () => {
    const error = refusal({ ...lock, version: 2, other: 1 });
    expect(error.code).toBe('ERR_LOCK_INVALID');
    expect(error.message).toBe(
      'Cannot read lock "airgap.lock": field "version" is 2, and this program reads version 1',
    );
    expect(error.hint).toContain('newer');
  });

  it.each([
    [{ ...lock, version: undefined }, 'version'],
    [{ ...lock, version: '1' }, 'version'],
    [{ ...lock, rule: undefined }, 'rule'],
    [{ ...lock, rule: { ...lock.rule, naming: 'other' } }, 'rule.naming'],
    [{ ...lock, rule: { ...lock.rule, registry: 'a/b' } }, 'rule.registry'],
    [{ ...lock, rule: { ...lock.rule, prefix: '/a' } }, 'rule.prefix'],
    [{ ...lock, mirrors: [{ ...mirror, endpoint: 'https://registry/v2' }] }, 'mirrors[0].endpoint'],
    [{ ...lock, mirrors: [{ ...mirror, endpoint: 'https://u:p@registry' }] }, 'mirrors[0].endpoint'],
    [{ ...lock, mirrors: [{ ...mirror, endpoint: 'ftp://registry' }] }, 'mirrors[0].endpoint'],
    [{ ...lock, mirrors: [mirror, mirror] }, 'mirrors[1]'],
    [{ ...lock, images: undefined }, 'images'],
    [{ ...lock, images: {} }, 'images'],
    [{ ...lock, images: [image, image] }, 'images[1]'],
    [{ ...lock, more: 1 }, 'more'],
    [withImage({ more: 1 }), 'images[0].more'],
    [withImage({ source: 'nginx' }), 'images[0].source'],
    [withImage({ source: 'ghcr.io/a/b' }), 'images[0].source'],
    [withImage({ source: 'ghcr.io/A' }), 'images[0].source'],
    [withImage({ target: 'a' }), 'images[0].target'],
    [withImage({ target: 'ghcr.io/../b' }), 'images[0].target'],
    [withImage({ target: 'GHCR.io/b' }), 'images[0].target'],
    [withImage({ digest: 'sha256:1' }), 'images[0].digest'],
    [withImage({ mediaType: 'text/html' }), 'images[0].mediaType'],
    [withImage({ size: -1 }), 'images[0].size'],
    [withImage({ totalSize: '2' }), 'images[0].totalSize'],
    [withImage({ tags: [{ tag: '-', digest, role: 'image' }] }), 'images[0].tags[0].tag'],
    [withImage({ tags: [...image.tags, ...image.tags] }), 'images[0].tags[1]'],
    [withImage({ signatures: 'maybe' }), 'images[0].signatures'],
    [withImage({ manifests: [] }), 'images[0].manifests'],
    [withImage({ manifests: [digest, digest] }), 'images[0].manifests[1]'],
    [withImage({ omitted: [1] }), 'images[0].omitted[0]'],
    [withImage({ narrowedFrom: 'x' }), 'images[0].narrowedFrom'],
    [withImage({ origins: [1] }), 'images[0].origins[0]'],
    [{ ...lock, contacts: [{ host: 'a b', purpose: 'registry' }] }, 'contacts[0].host'],
    [{ ...lock, contacts: [{ host: 'a', purpose: 'x' }] }, 'contacts[0].purpose'],
    [{ ...lock, contacts: [{ host: 'a:1', purpose: 'token', more: 1 }] }, 'contacts[0].more'],
    [{ ...lock, contacts: [...lock.contacts, ...lock.contacts] }, 'contacts[1]'],
    [withContact({}, { host: 'ghcr.io' }), 'contacts[0].host'],
    [withContact({}, { host: '*.ghcr.io:443' }), 'contacts[0].host'],
    [withContact({}, { host: 'ghcr.io:443\nevil' }), 'contacts[0].host'],
    [withContact({ more: 1 }), 'contacts[0].observed.more'],
    [withContact({ registries: undefined }), 'contacts[0].observed.registries'],
    [withContact({ registries: ['ghcr.io'] }), 'contacts[0].observed.registries[0]'],
    [withContact({ registries: ['a:1', 'a:1'] }), 'contacts[0].observed.registries[1]'],
    [withContact({ through: ['direct'] }), 'contacts[0].observed.through'],
    [withContact({ through: ['direct', 'a:1', 'direct'] }), 'contacts[0].observed.through[2]'],
    [withContact({ registries: ['direct'] }), 'contacts[0].observed.registries[0]'],
    [withContact({ through: ['a:0'] }), 'contacts[0].observed.through[0]'],
    [withContact({ through: ['u:p@a:1'] }), 'contacts[0].observed.through[0]'],
    [withContact({ through: ['A:1'] }), 'contacts[0].observed.through[0]'],
    [withContact({ requests: 0 }), 'contacts[0].observed.requests'],
    [withContact({ requests: 1.5 }), 'contacts[0].observed.requests'],
    [withContact({ receivedBytes: -1 }), 'contacts[0].observed.receivedBytes'],
    [withContact({ sentBytes: 2 ** 53 }), 'contacts[0].observed.sentBytes'],
    [withContact({ first: '2026-11-26T10:08:04.000Z' }), 'contacts[0].observed.first'],
    [withContact({ first: '2026-02-30T10:08:04Z' }), 'contacts[0].observed.first'],
    [withContact({ first: '2026-11-26T10:08:04+01:00' }), 'contacts[0].observed.first'],
    [withContact({ first: '2026-11-26T24:00:00Z' }), 'contacts[0].observed.first'],
    [withContact({ last: '2026-11-26T10:08:03Z' }), 'contacts[0].observed.last'],
    [withContact({ last: 1 }), 'contacts[0].observed.last'],
  ])('refuses %j naming the field %s', (document, field) => {
    const error = refusal(document);
    expect(error.code).toBe('ERR_LOCK_INVALID');
    expect(error.message).toContain(`Cannot read lock "airgap.lock": field ${JSON.stringify(field)} `);
    expect(error.message).not.toContain('\n');
    expect(error.hint).not.toBe('');
  });

  it.each(['', '{', 'null', '[]', '1', 'images:\n'])('refuses %j, which is no lock', (text) => {
    expect(refusal(text).code).toBe('ERR_LOCK_INVALID');
  });

  it('throws nothing but AirgapError, whatever a lock is broken into', () => {
    const source = JSON.stringify(lock);
    fc.assert(
      fc.property(fc.nat(source.length), fc.nat(20), fc.string({ maxLength: 6 }), (at, length, insert) => {
        try {
          parseLock(source.slice(0, at) + insert + source.slice(at + length), 'x');
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AirgapError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
