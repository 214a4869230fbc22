import { describe, expect, it } from 'vitest';
import { placeImages } from '../../src/input/place.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { parseReference, parseTag, printReference } from '../../src/oci/reference.ts';

const request = (text: string) => ({ reference: parseReference(text), origins: [{ document: 'l', line: 7 }] });

describe('placeImages()', () => {
  it('changes the repository by the rule, and keeps tag, digest, origins and order', () => {
    const digest = digestOf(new Uint8Array());
    const rule = { naming: 'by-registry', registry: '10.5.0.1:6000', prefix: 'mirror' } as const;
    const images = placeImages(rule, [request(`ghcr.io/a/b:1@${digest}`), request('nginx')]);
    expect(images.map(({ target }) => printReference(target))).toEqual([
      `10.5.0.1:6000/mirror/ghcr.io/a/b:1@${digest}`,
      '10.5.0.1:6000/mirror/docker.io/library/nginx:latest',
    ]);
    expect(images[0]?.reference).toEqual(parseReference(`ghcr.io/a/b:1@${digest}`));
    expect(images[0]?.origins).toEqual([{ document: 'l', line: 7 }]);
  });

  it('puts a retag below the prefix, by whatever naming, and beside its registry where names are kept', () => {
    const asked = { ...request('ghcr.io/a/b:1'), retag: { repository: 'web/front', tag: parseTag('2') } };
    const placed = (['replace-host', 'by-registry', 'keep'] as const).map((naming) =>
      placeImages({ naming, registry: 'r.local', prefix: naming === 'keep' ? '' : 'p' }, [asked]),
    );
    expect(placed.flat().map(({ target }) => printReference(target))).toEqual([
      'r.local/p/web/front:2',
      'r.local/p/web/front:2',
      'ghcr.io/web/front:2',
    ]);
  });

  it('refuses, all at once, what would get too long a repository', () => {
    const rule = { naming: 'replace-host', registry: 'r.local', prefix: 'p'.repeat(100) } as const;
    const long = ['a', 'b'].map((letter) => request(`ghcr.io/${letter.repeat(200)}`));
    expect(() => placeImages(rule, [...long, request('nginx')])).toThrow(
      expect.objectContaining({
        code: 'ERR_INPUT_INVALID',
        message: expect.stringMatching(
          /2 images.*\n {2}l:7: ghcr\.io\/a+:latest .*301 characters\n {2}l:7: ghcr\.io\/b+:latest/,
        ),
      }),
    );
  });
});
