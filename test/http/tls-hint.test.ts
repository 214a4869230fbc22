import { describe, expect, it } from 'vitest';
import { tlsHint } from '../../src/http/tls-hint.ts';

describe('tlsHint()', () => {
  it.each([
    ['ERR_TLS_CERT_ALTNAME_INVALID', /for other names/],
    ['CERT_HAS_EXPIRED', /or the authority behind that, has expired/],
    ['CERT_NOT_YET_VALID', /not valid yet/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /signed by itself.*--ca/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /authority.*--ca/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /authority.*--ca/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /authority.*--ca/],
    ['EPROTO', /settings of both sides/],
  ])('says what helps against %s', (code, words) => expect(tlsHint(code)).toMatch(words));

  it('asks for an authority only where that is what is missing', () => {
    for (const code of ['ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_REVOKED'])
      expect(tlsHint(code)).not.toMatch(/--ca/);
  });
});
