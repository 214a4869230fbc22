import { describe, expect, it } from 'vitest';
import {
  acceptedManifests,
  isImageConfigType,
  isImageManifestType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  mediaTypes,
} from '../../src/oci/media-type.ts';

describe('isManifestType()', () => {
  it('takes exactly what is asked for', () => {
    const types: readonly string[] = Object.values(mediaTypes);
    expect(types.filter(isManifestType).sort()).toEqual([...acceptedManifests].sort());
  });

  it('parts into indexes and image manifests', () => {
    for (const type of acceptedManifests) expect(isIndexType(type)).not.toBe(isImageManifestType(type));
  });
});

describe('isImageConfigType()', () => {
  it('takes what can be run, of both families, and no artifact', () => {
    const taken = Object.values(mediaTypes).filter(isImageConfigType);
    expect(taken).toEqual([
      'application/vnd.oci.image.config.v1+json',
      'application/vnd.docker.container.image.v1+json',
    ]);
    expect(isImageConfigType('application/vnd.cncf.helm.config.v1+json')).toBe(false);
  });
});

describe('isSchema1Type()', () => {
  it('takes both forms of schema 1 and nothing that is read', () => {
    expect(isSchema1Type(mediaTypes.dockerSchema1)).toBe(true);
    expect(isSchema1Type(mediaTypes.dockerSchema1Signed)).toBe(true);
    expect(acceptedManifests.some(isSchema1Type)).toBe(false);
  });
});
