/** TLS with a host, and what its certificate says about who answers. */
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { ShownCertificate } from '../egress/verdict.ts';
import { chainOf, isPublic, shownCertificate } from './authorities.ts';
import { codeOf, type Limits, StepFailure, seconds, TimedOut, within } from './trail.ts';

export interface TlsWanted {
  readonly host: string;
  /** As http/tls.ts makes them: authorities, client certificate. */
  readonly options: ConnectionOptions;
  /** It is on the internet, where public authorities vouch for everybody. */
  readonly isPublic: boolean;
  /** Protocols to offer (RFC 7301). */
  readonly protocols: readonly string[];
}

export interface Secured {
  readonly socket: TLSSocket;
  readonly certificate: ShownCertificate;
  /** What is not as expected and does not hinder; one line each. */
  readonly notes: readonly string[];
}

/**
 * Shakes hands over a connected socket, whose owner closes it. Throws StepFailure:
 * - `blocked` where the connection is cut or stays silent: firewalls that read the name (SNI) let TCP pass and end it here;
 * - `intercepted` where a public host's certificate comes from an authority that is not known here;
 * - `wrong answer` for a certificate of other names or out of its time, for an unknown authority of the site's own hosts (whose
 *   authority may just not have been given), and for what is no TLS.
 *
 * A public host whose certificate is vouched for by an authority that only this site knows goes through an interception that pulls
 * work with: it is open, with a note that names the authority.
 */
export async function secure(socket: Socket, wanted: TlsWanted, limits: Limits): Promise<Secured> {
  const secured = await shakeHands(socket, wanted, limits);
  const peer = secured.getPeerCertificate(true);
  const certificate = shownCertificate(peer);
  const code = problemOf(secured);
  if (code !== undefined && wanted.options.rejectUnauthorized !== false)
    throw new CertificateProblem(code, certificate, wanted);
  if (code !== undefined) return { socket: secured, certificate, notes: [`its certificate is not verified (${code})`] };
  const isOwn = wanted.isPublic && !isPublic(chainOf(peer));
  const note = `TLS is intercepted, with a certificate of ${JSON.stringify(certificate.issuer)}, an authority that is trusted here`;
  return { socket: secured, certificate, notes: isOwn ? [note] : [] };
}

function shakeHands(socket: Socket, { host, options, protocols }: TlsWanted, limits: Limits): Promise<TLSSocket> {
  return within<TLSSocket>(limits, ({ resolve, reject }) => {
    const secured = connect({
      ...options,
      // The certificate of whoever answers is to be seen, whoever that is: nothing is sent before it was checked.
      rejectUnauthorized: false,
      socket,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: [...protocols],
    });
    secured.on('error', reject);
    secured.on('secureConnect', () => resolve(secured));
    return (failed) => {
      secured.off('error', reject).on('error', () => {});
      if (failed) secured.destroy();
    };
  }).catch((error: unknown) => {
    if (limits.signal.aborted) throw limits.signal.reason;
    throw notShaken(error, limits);
  });
}

/** Node gives the code of OpenSSL, or an error of its own for names; its types say Error. */
function problemOf(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined;
  const problem: unknown = socket.authorizationError;
  if (typeof problem === 'string') return problem;
  return codeOf(problem) || 'UNABLE_TO_VERIFY';
}

function notShaken(error: unknown, { timeoutMs }: Limits): StepFailure {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : '';
  const hint = 'a firewall that reads the name in TLS (SNI) lets the connection through and ends it here';
  if (error instanceof TimedOut)
    return new StepFailure('blocked', `TLS not answered within ${seconds(timeoutMs)}`, { hint });
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new StepFailure('blocked', 'connection cut when TLS began', { hint, cause: error });
  if (/NO_APPLICATION_PROTOCOL/.test(code)) return new NoSuchProtocol(error);
  if (/wrong.version.number|packet.length.too.long|unknown.protocol/i.test(`${code} ${message}`)) {
    return new NotTls(error);
  }
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/.test(code)) {
    return new StepFailure('wrong answer', `TLS refused: it speaks none from 1.2 on (${code})`, {
      hint: 'the host, or what answers in its place, is too old: nothing here speaks to it',
      cause: error,
    });
  }
  return new StepFailure('wrong answer', `TLS refused (${code === '' ? 'no code' : code})`, {
    hint: 'it may ask for a client certificate, or a firewall on the way refuses the name',
    cause: error,
  });
}

/** It speaks TLS, and none of the protocols offered. */
export class NoSuchProtocol extends StepFailure {
  constructor(cause: unknown) {
    super('wrong answer', 'TLS refused: it speaks none of the protocols offered', { cause });
  }
}

/** It speaks something else. */
export class NotTls extends StepFailure {
  constructor(cause: unknown) {
    super('wrong answer', 'it does not speak TLS', {
      hint: 'something on the way answers in place of the host, or the host serves plain HTTP',
      cause,
    });
  }
}

/** Whose certificate is the reason. */
export class CertificateProblem extends StepFailure {
  readonly certificate: ShownCertificate;

  constructor(code: string, certificate: ShownCertificate, { host, isPublic: isOnInternet }: TlsWanted) {
    const { verdict, state, hint } = problemWords(code, { certificate, host, isOnInternet });
    super(verdict, state, { hint });
    this.certificate = certificate;
  }
}

/** `a, b, c and 14 more`. */
function someOf(names: readonly string[], most = 3): string {
  if (names.length <= most + 1) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

interface ProblemFacts {
  readonly certificate: ShownCertificate;
  readonly host: string;
  readonly isOnInternet: boolean;
}

function problemWords(
  code: string,
  { certificate, host, isOnInternet }: ProblemFacts,
): { readonly verdict: 'intercepted' | 'wrong answer'; readonly state: string; readonly hint: string } {
  const issuer = JSON.stringify(certificate.issuer);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    const { names: all, subject } = certificate;
    const names = all.length === 0 ? JSON.stringify(subject) : someOf(all);
    return {
      verdict: 'wrong answer',
      state: `its certificate is for ${names}, not for ${host} (issuer ${issuer})`,
      hint: 'another host answers: look at what the name server says, and at proxies in between',
    };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const state = code === 'CERT_HAS_EXPIRED' ? `ran out on ${certificate.validTo}` : 'is not valid yet';
    return {
      verdict: 'wrong answer',
      state: `its certificate ${state} (issuer ${issuer})`,
      hint: 'check the clock of this host first; then whose certificate it is',
    };
  }
  if (isOnInternet) {
    return {
      verdict: 'intercepted',
      state: `TLS is intercepted: its certificate comes from ${issuer}, which is not known here (${code})`,
      hint: 'have it taken out of the interception, or give the authority of the interception with --ca FILE',
    };
  }
  return {
    verdict: 'wrong answer',
    state: `its certificate comes from ${issuer}, which is not known here (${code})`,
    hint: 'if that is the authority of your own site, give it with --ca FILE',
  };
}
