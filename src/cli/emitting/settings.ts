/** Options become what nodes are told. The files they name are read here. */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { HostEntry, NodeSettings } from '../../emit/node-settings.ts';
import { parseReference } from '../../oci/reference.ts';
import type { ConfigForm } from '../../talos/config-kinds.ts';
import type { TalosVersion } from '../../talos/version.ts';
import type { Context } from '../context.ts';
import { type Flags, listFlag, switchFlag, textFlag } from '../flags.ts';
import { usageError } from '../values.ts';
import { endpointAuth, endpointTls } from './endpoint-settings.ts';
import { installImageIn } from './install-image.ts';
import type { PemReader } from './pem.ts';
import { verificationRules } from './verification.ts';

export interface EmissionContext extends Pick<Context, 'env' | 'cwd'> {
  /** The release the nodes run. */
  readonly version: TalosVersion;
  /** What nodes ask, `http(s)://HOST[:PORT]` each. */
  readonly endpoints: readonly string[];
  readonly pem: PemReader;
}

export interface Emission {
  readonly settings: NodeSettings;
  /** Undefined: the release's own. */
  readonly form: ConfigForm | undefined;
  /** For the formats that name one. */
  readonly cluster: string | undefined;
  /** Absolute; undefined: no secrets are written. */
  readonly secretsFile: string | undefined;
}

/** Throws ERR_USAGE naming the option, ERR_INPUT_INVALID naming the file, ERR_REFERENCE_INVALID. */
export async function emissionSettings(flags: Flags, context: EmissionContext): Promise<Emission> {
  const { cwd, pem } = context;
  const rootsFile = textFlag(flags, 'trustedRoots');
  const roots = rootsFile === undefined ? undefined : await pem(rootsFile, 'certificate');
  const pause = textFlag(flags, 'pauseImage');
  if (pause !== undefined) parseReference(pause);
  const tls = await endpointTls(flags, { endpoints: context.endpoints, pem });
  const auth = endpointAuth(flags, context);
  return {
    form: readForm(textFlag(flags, 'form')),
    cluster: readCluster(textFlag(flags, 'cluster')),
    secretsFile: secretsFile(textFlag(flags, 'secrets'), { tls, auth, cwd }),
    settings: {
      tls,
      auth,
      trustedRoots: roots === undefined ? undefined : [{ name: 'site', certificates: roots }],
      time: readTime(flags),
      nameservers: listFlag(flags, 'dns').map(readNameserver),
      discovery: readDiscovery(flags),
      hosts: listFlag(flags, 'hostEntry').map(readHostEntry),
      installImage: await installImageIn(flags, context),
      installDisk: readDisk(textFlag(flags, 'installDisk')),
      imageCache: switchFlag(flags, 'imageCache'),
      pauseImage: pause,
      verification: await verificationRules(flags, pem),
    },
  };
}

function readForm(text: string | undefined): ConfigForm | undefined {
  if (text === undefined || text === 'v1alpha1' || text === 'documents') return text;
  throw usageError(`Cannot read --form ${JSON.stringify(text)}: not v1alpha1 or documents`);
}

/** It becomes an id, a label and a word of a shell. */
function readCluster(text: string | undefined): string | undefined {
  if (text === undefined || /^[a-z0-9][\w-]{0,62}$/i.test(text)) return text;
  throw usageError(
    `Cannot read --cluster ${JSON.stringify(text)}: not the name of a cluster`,
    'letters, digits, - and _, at most 63 of them, a letter or a digit first',
  );
}

/** Secrets go where they were asked for, or nowhere. */
function secretsFile(
  given: string | undefined,
  { tls, auth, cwd }: Pick<NodeSettings, 'tls' | 'auth'> & { readonly cwd: string },
): string | undefined {
  if (given === '-')
    throw usageError('Cannot write secrets to standard output: they go into a file', 'name one: --secrets FILE');
  const file = given === undefined ? undefined : resolve(cwd, given);
  const keys = [...(tls?.values() ?? [])].some(({ clientKey }) => clientKey !== undefined);
  const hasSecrets = keys || (auth?.size ?? 0) > 0;
  if (hasSecrets && file === undefined) {
    throw usageError(
      `Cannot write ${keys ? 'the key of the client certificate' : 'credentials'}: no file was named for secrets`,
      'name one with --secrets FILE: it is written with mode 0600 and is a patch of its own',
    );
  }
  if (!hasSecrets && file !== undefined) {
    throw usageError(
      'Cannot write --secrets: nothing is secret here',
      'give --endpoint-user with AIRGAP_ENDPOINT_PASSWORD, AIRGAP_ENDPOINT_TOKEN, or --endpoint-client-cert with --endpoint-client-key',
    );
  }
  return file;
}

function readTime(flags: Flags): NodeSettings['time'] {
  const servers = listFlag(flags, 'ntp');
  const wanted = switchFlag(flags, 'timeSync', true);
  if (!wanted && servers.length > 0)
    throw usageError('Cannot use --ntp with --no-time-sync: one names time servers, the other asks none');
  const wrong = servers.find((server) => isIP(server) === 0 && !hostName.test(server));
  if (wrong !== undefined)
    throw usageError(`Cannot read --ntp ${JSON.stringify(wrong)}: not a name or an address`, 'write it like 10.0.0.1');
  if (!wanted) return 'disabled';
  return servers.length === 0 ? undefined : { servers };
}

const hostName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

function readNameserver(text: string): string {
  if (isIP(text) !== 0 && !text.includes('%')) return text.toLowerCase();
  throw usageError(`Cannot read --dns ${JSON.stringify(text)}: not an address`, 'write it like 10.0.0.2 or fd00::2');
}

function readDiscovery(flags: Flags): NodeSettings['discovery'] {
  if (flags.discovery === false) return 'disabled';
  const endpoint = textFlag(flags, 'discovery');
  return endpoint === undefined ? undefined : { endpoint };
}

function readHostEntry(text: string): HostEntry {
  const [, name = '', address = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (hostName.test(name) && isIP(address) !== 0 && !address.includes('%'))
    return { address: address.toLowerCase(), names: [name] };
  throw usageError(
    `Cannot read --host-entry ${JSON.stringify(text)}: not NAME=ADDRESS`,
    'write it like registry.site=10.0.0.5',
  );
}

function readDisk(text: string | undefined): string | undefined {
  if (text === undefined || /^\/dev\/[\w./:-]+$/.test(text)) return text;
  throw usageError(`Cannot read --install-disk ${JSON.stringify(text)}: not a device`, 'write it like /dev/sda');
}
