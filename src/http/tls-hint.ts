/** What to do about a TLS connection that failed, by the codes of Node.js (tls) and of OpenSSL's certificate verification. Pure. */

/** One sentence, no full stop. A certificate for another name, one out of its time and one of an unknown authority need different things. */
export function tlsHint(code: string): string {
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return 'its certificate is for other names: use one of those, or give it a certificate that names this host';
    case 'CERT_HAS_EXPIRED':
      return 'its certificate, or the authority behind that, has expired: renew it, and check the clock here';
    case 'CERT_NOT_YET_VALID':
      return 'its certificate is not valid yet: check the clocks of both sides';
    case 'CERT_REVOKED':
      return 'its certificate was revoked: it needs a new one';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'its certificate is signed by itself: give that certificate as one to trust (--ca FILE)';
    default:
      return /SELF_SIGNED|UNABLE_TO|ISSUER|UNTRUSTED/.test(code)
        ? 'its certificate comes from a certificate authority that is not known here: give that authority (--ca FILE)'
        : 'check the TLS settings of both sides';
  }
}
