/** How nodes reach the endpoints: TLS and credentials, by the host of each. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { endpointHost } from '../../emit/endpoint.ts';
import { AirgapError } from '../../errors.ts';
import type { EndpointAuth, EndpointTls } from '../../talos/node-config.ts';
import { type Flags, listFlag, switchFlag, textFlag } from '../flags.ts';
import { nonEmpty } from '../settings-parts.ts';
import { usageError } from '../values.ts';
import type { EmissionContext } from './settings.ts';

/**
 * By each endpoint with https. Throws ERR_USAGE where none has it, as Talos refuses TLS settings for plain http, and for the authority
 * of a host that no such endpoint has.
 */
export async function endpointTls(
  flags: Flags,
  given: Pick<EmissionContext, 'endpoints' | 'pem'>,
): Promise<ReadonlyMap<string, EndpointTls> | undefined> {
  const authorities = readAuthorities(listFlag(flags, 'endpointCa'));
  const [certificateFile, keyFile] = [textFlag(flags, 'endpointClientCert'), textFlag(flags, 'endpointClientKey')];
  const insecureSkipVerify = switchFlag(flags, 'endpointInsecureSkipVerify');
  if (authorities.size === 0 && certificateFile === undefined && keyFile === undefined && !insecureSkipVerify)
    return undefined;
  const clientCertificate = certificateFile === undefined ? undefined : await given.pem(certificateFile, 'certificate');
  const clientKey = keyFile === undefined ? undefined : await given.pem(keyFile, 'key');
  checkPair(clientCertificate, clientKey);
  const hosts = given.endpoints.filter((url) => /^https:/i.test(url)).map(endpointHost);
  checkHosts(authorities, { hosts, endpoints: given.endpoints });
  const entries = hosts.map(async (host): Promise<[string, EndpointTls]> => {
    const files = authorities.get(host) ?? authorities.get('') ?? [];
    const certificates = await Promise.all(files.map((file) => given.pem(file, 'certificate')));
    const ca = certificates.length === 0 ? undefined : certificates.join('');
    return [host, { ca, clientCertificate, clientKey, ...(insecureSkipVerify ? { insecureSkipVerify } : {}) }];
  });
  return new Map(await Promise.all(entries));
}

/** Names of files by host; by nothing: those of every other host. A name with `=` in it is written with a folder, as `./a=b.pem`. */
function readAuthorities(texts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, readonly string[]>();
  for (const text of texts) {
    const [, host = '', file = text] = /^([^=/]+)=(.+)$/s.exec(text) ?? [];
    const name = host.toLowerCase();
    files.set(name, [...(files.get(name) ?? []), file]);
  }
  return files;
}

function checkHosts(
  authorities: ReadonlyMap<string, unknown>,
  { hosts, endpoints }: { readonly hosts: readonly string[]; readonly endpoints: readonly string[] },
): void {
  const shown = endpoints.join(', ') || 'none';
  if (hosts.length === 0) {
    throw usageError(
      `Cannot use TLS options: no endpoint is asked with https (${shown})`,
      'write the endpoint with https://, or leave these options away',
    );
  }
  const other = [...authorities.keys()].find((host) => host !== '' && !hosts.includes(host));
  if (other === undefined) return;
  throw usageError(
    `Cannot use --endpoint-ca for ${JSON.stringify(other)}: no endpoint is asked with https there (${shown})`,
    'write HOST[:PORT] as the endpoint has it; a file with = in its name is written with its folder, as ./a=b.pem',
  );
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
  return new Map(endpoints.map((url) => [endpointHost(url), auth]));
}
