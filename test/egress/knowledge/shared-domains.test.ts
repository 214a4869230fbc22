import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exfiltrationOf } from '../../../src/egress/knowledge/shared-domains.ts';

describe('exfiltrationOf', () => {
  it.each([
    '*.githubusercontent.com',
    'raw.githubusercontent.com',
    'RAW.githubusercontent.com',
    '*.r2.cloudflarestorage.com',
    '*.cloudflarestorage.com',
    '*.amazonaws.com',
    '*.s3.dualstack.us-east-1.amazonaws.com',
    '*.s3.dualstack.*.amazonaws.com',
    'prod-*.s3.amazonaws.com',
    's3.amazonaws.com',
    's3.eu-west-1.amazonaws.com',
    's3-eu-west-1.amazonaws.com',
    's3.dualstack.eu-west-1.amazonaws.com',
    '*.cloudfront.net',
    '*.pkg.dev',
    '*-docker.pkg.dev',
    'storage.googleapis.com',
    '*.googleapis.com',
    '*.azurefd.net',
    '*.blob.core.windows.net',
    '*.windows.net',
    '*.com',
    '*',
  ])('warns of %s', (host) => {
    expect(exfiltrationOf(host)).toMatch(/^[^\n]+[^.\n]$/);
  });

  it.each([
    'ghcr.io',
    'pkg-containers.githubusercontent.com',
    '9236a389bd48b984df91adc1bc924620.r2.cloudflarestorage.com',
    'prod-registry-k8s-io-us-east-1.s3.dualstack.us-east-1.amazonaws.com',
    'd1be1w964nk82h.cloudfront.net',
    'europe-west1-docker.pkg.dev',
    '*.factory.talos.dev',
    '*.data.mcr.microsoft.com',
    '*.quay.io',
    'notgithubusercontent.com',
    '*.notgithubusercontent.com',
    'raw.githubusercontent.com.example.org',
    '10.5.0.1',
    '2001:db8::1',
    '<omni>',
    '',
  ])('says nothing of %j', (host) => {
    expect(exfiltrationOf(host)).toBeUndefined();
  });

  it('warns of every wildcard below or above a shared domain, and takes any text', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{1,20}$/), (label) => {
        expect(exfiltrationOf(`*.${label}.r2.cloudflarestorage.com`)).toBeDefined();
        expect(exfiltrationOf(`${label}.r2.cloudflarestorage.com`)).toBeUndefined();
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => ['string', 'undefined'].includes(typeof exfiltrationOf(text))));
  });
});
