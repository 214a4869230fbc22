/** How nodes reach the endpoints: TLS and credentials, by the host of each. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { AirgapError } from '../../errors.ts';
import type { EndpointAuth, EndpointTls } from '../../talos/node-config.ts';
import { type Flags, switchFlag, textFlag } from '../flags.ts';
import { nonEmpty } from '../settings-parts.ts';
import { usageError } from '../values.ts';
import type { PemKind } from './pem.ts';
import type { EmissionContext } from './settings.ts';

/** By each endpoint with https. Throws ERR_USAGE where none has it: Talos refuses TLS settings for plain http. */
export async function endpointTls(
  flags: Flags,
  given: {
    readonly endpoints: readonly string[];
    readonly pem: (option: string, kind: PemKind) => Promise<string | undefined>;
  },
): Promise<ReadonlyMap<string, EndpointTls> | undefined> {
  const ca = await given.pem('endpointCa', 'certificate');
  const clientCertificate = await given.pem('endpointClientCert', 'certificate');
  const clientKey = await given.pem('endpointClientKey', 'key');
  const insecureSkipVerify = switchFlag(flags, 'endpointInsecureSkipVerify');
  if (ca === undefined && clientCertificate === undefined && clientKey === undefined && !insecureSkipVerify)
    return undefined;
  checkPair(clientCertificate, clientKey);
  const hosts = given.endpoints.filter((url) => /^https:/i.test(url)).map(hostOf);
  if (hosts.length === 0) {
    throw usageError(
      `Cannot use TLS options: no endpoint is asked with https (${given.endpoints.join(', ') || 'none'})`,
      'write the endpoint with https://, or leave these options away',
    );
  }
  const tls = { ca, clientCertificate, clientKey, ...(insecureSkipVerify ? { insecureSkipVerify } : {}) };
  return new Map(hosts.map((host) => [host, tls]));
}

function checkPair(certificate: string | undefined, key: string | undefined): void {
  if (certificate === undefined && key === undefined) return;
  if (certificate === undefined || key === undefined)
    throw usageError('Cannot use a client certificate: --endpoint-client-cert and --endpoint-client-key go together');
  if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) return;
  throw new AirgapError(
    'ERR_INPUT_INVALID',
    'Cannot use --endpoint-client-cert with --endpoint-client-key: the key is not that of the certificate',
    { hint: 'the first certificate of the file must be the one the key was made for' },
  );
}

/** By each endpoint. Throws ERR_USAGE for a user without a password, and for a user beside a token, which Talos refuses. */
export function endpointAuth(
  flags: Flags,
  { env, endpoints }: Pick<EmissionContext, 'env' | 'endpoints'>,
): ReadonlyMap<string, EndpointAuth> | undefined {
  const username = textFlag(flags, 'endpointUser');
  const password = nonEmpty(env.AIRGAP_ENDPOINT_PASSWORD);
  const identityToken = nonEmpty(env.AIRGAP_ENDPOINT_TOKEN);
  if (username === undefined && identityToken === undefined) return undefined;
  if (username !== undefined && identityToken !== undefined)
    throw usageError('Cannot use --endpoint-user with AIRGAP_ENDPOINT_TOKEN: nodes take one of them');
  if (username !== undefined && password === undefined) {
    throw usageError(
      'Cannot use --endpoint-user: its password is not known',
      'set AIRGAP_ENDPOINT_PASSWORD in the environment',
    );
  }
  const auth = identityToken === undefined ? { username, password } : { identityToken };
  return new Map(endpoints.map((url) => [hostOf(url), auth]));
}

function hostOf(url: string): string {
  return url.replace(/^https?:\/\//i, '').replace(/\/.*$/, '');
}
