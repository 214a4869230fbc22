/** HTTPS or plain HTTP, for a host that was written without a scheme. */
import { AirgapError, isAirgapError } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import type { HttpClient } from '../../http/client.ts';
import { basePath } from '../../oci/distribution.ts';
import { type AddressLookup, isPrivateHost } from './private-address.ts';

export interface SchemeOptions {
  readonly client: HttpClient;
  /** Told when plain HTTP is used. */
  readonly events?: EventSink | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long either scheme may take to answer. Default 10 000. */
  readonly timeoutMs?: number | undefined;
  readonly addressesOf?: AddressLookup | undefined;
}

/** Any answer says that the scheme is spoken. */
const anyStatus = Array.from({ length: 200 }, (_, index) => 400 + index);

/** What TLS says of a certificate, as opposed to a host that does not speak TLS (Node.js, tls; OpenSSL verify errors). */
const certificateCodes =
  /^(?:ERR_TLS_|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|ERR_SSL_(?!WRONG_VERSION|PACKET_LENGTH|HTTP))/;

/**
 * The root URL of `host[:port]`: https if it answers so; plain http if it answers only so and is a loopback or private address,
 * which is reported. A host whose certificate is refused speaks TLS: there is no falling back then.
 * Throws ERR_UNREACHABLE when nothing answers, when the certificate is refused, and for a public host in plain HTTP.
 */
export async function probeScheme(host: string, options: SchemeOptions): Promise<URL> {
  const failure = await failureOf(new URL(`https://${host}`), options);
  if (failure === undefined) return new URL(`https://${host}`);
  if (options.signal?.aborted === true || speaksTls(failure)) throw failure;
  const plain = new URL(`http://${host}`);
  if ((await failureOf(plain, options)) !== undefined) throw nothingAnswers(host, failure);
  if (!(await isPrivateHost(host, options.addressesOf))) {
    throw new AirgapError(
      'ERR_UNREACHABLE',
      `Cannot use "${host}": it answers in plain HTTP only, and is not a private address`,
      {
        ...endOf(failure),
        host,
        hint: `write http://${host} if that is meant`,
      },
    );
  }
  options.events?.({ type: 'notice', message: `${host} answers in plain HTTP: it is used as http://${host}` });
  return plain;
}

/** Undefined when the host answered. Nothing is repeated: this is a question, and the next one is at hand. */
async function failureOf(root: URL, options: SchemeOptions): Promise<AirgapError | undefined> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 10_000);
  try {
    const response = await options.client.send({
      method: 'GET',
      url: new URL(basePath, root),
      repeatable: false,
      accept: anyStatus,
      action: `reach "${root.host}"`,
      signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
    });
    await response.body.discard();
    const wrongPort = root.protocol === 'http:' && (response.status === 400 || response.url.protocol === 'https:');
    return wrongPort ? new AirgapError('ERR_UNREACHABLE', `Cannot reach "${root.host}": it wants HTTPS`) : undefined;
  } catch (thrown) {
    if (!isAirgapError(thrown)) throw thrown;
    // Refused by name or by password: somebody is there.
    if (thrown.status !== undefined || thrown.code === 'ERR_UNAUTHORIZED' || thrown.code === 'ERR_DENIED')
      return undefined;
    return thrown;
  }
}

function speaksTls(failure: AirgapError): boolean {
  const { cause } = failure;
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  return certificateCodes.test(code);
}

function nothingAnswers(host: string, failure: AirgapError): AirgapError {
  const state = failure.message.replace(/^Cannot reach "[^"]*": /, '');
  return new AirgapError('ERR_UNREACHABLE', `Cannot reach "${host}" over HTTPS or HTTP: ${state}`, {
    ...endOf(failure),
    cause: failure,
    host,
    hint: 'check host and port, and whether the registry runs',
  });
}

function endOf(failure: AirgapError): { end: 'source' | 'target' } | Record<string, never> {
  return failure.end === undefined ? {} : { end: failure.end };
}
