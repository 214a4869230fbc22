import { describe, expect, it } from 'vitest';
import { placeOfRegistry, placeOfUrl } from '../../../src/egress/needs/place.ts';

describe('placeOfUrl()', () => {
  it.each([
    ['https://Registry.site./v2/', { host: 'registry.site', port: 443, speaks: 'https' }],
    ['http://user:secret@10.0.0.1', { host: '10.0.0.1', port: 80, speaks: 'http' }],
    ['https://[fd00::5]:5000/x', { host: 'fd00::5', port: 5000, speaks: 'https' }],
    ['grpc://registry.site', undefined],
    ['registry.site:5000', undefined],
    ['', undefined],
  ])('%j is %j', (text, place) => {
    expect(placeOfUrl(text)).toEqual(place);
  });
});

describe('placeOfRegistry()', () => {
  it.each([
    ['ghcr.io', undefined, { host: 'ghcr.io', port: 443, speaks: 'https' }],
    ['GHCR.io.', undefined, { host: 'ghcr.io', port: 443, speaks: 'https' }],
    ['registry.site:5000', undefined, { host: 'registry.site', port: 5000, speaks: 'tcp' }],
    ['registry.site', 'http', { host: 'registry.site', port: 80, speaks: 'http' }],
    ['[fd00::5]:5000', 'https', { host: 'fd00::5', port: 5000, speaks: 'https' }],
    ['fd00::5', undefined, { host: 'fd00::5', port: 443, speaks: 'https' }],
  ] as const)('%j with scheme %s is %j', (text, scheme, place) => {
    expect(placeOfRegistry(text, scheme)).toEqual(place);
  });
});
