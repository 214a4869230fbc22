/** Which host a user name and password given on the command line are for, and where the password comes from. */
import type { AirgapError } from '../errors.ts';
import type { Credential } from '../http/client.ts';
import type { Context } from './context.ts';
import { collect } from './files.ts';
import type { EndSettings } from './settings-parts.ts';
import { usageError } from './values.ts';

export interface GivenFor {
  /** Option names: `from` or `to`. */
  readonly end: 'from' | 'to';
  /** Hosts (`host[:port]`) that are contacted as registries on this side. */
  readonly hosts: readonly string[];
}

/**
 * The credential by its host; empty when no user was named. A credential is for one host: with several the reader has to say
 * more. Throws ERR_USAGE. Reads standard input to its end where the password comes from there.
 */
export async function givenCredentials(
  end: EndSettings,
  forWhom: GivenFor,
  context: Pick<Context, 'stdin' | 'signal'>,
): Promise<ReadonlyMap<string, Credential>> {
  if (end.user === undefined) return new Map();
  const hosts = [...new Set(forWhom.hosts)];
  const [host] = hosts;
  if (host === undefined || hosts.length > 1) {
    throw usageError(
      `Cannot use --${forWhom.end}-user: it is for one host, and there are ${hosts.length === 0 ? 'none' : hosts.sort().join(', ')}`,
      'log in with docker login, podman login or skopeo login: every host gets its own credentials from there',
    );
  }
  const password = end.passwordOnStdin ? await passwordFromStdin(forWhom.end, context) : end.password;
  if (password === undefined) throw passwordMissing(forWhom.end);
  return new Map([[host, { username: end.user, password }]]);
}

/** Of a user who was named without one. */
export function passwordMissing(end: 'from' | 'to'): AirgapError {
  return usageError(
    `Cannot use --${end}-user without a password`,
    `give it with --${end}-password-stdin or in AIRGAP_${end.toUpperCase()}_PASSWORD`,
  );
}

async function passwordFromStdin(end: 'from' | 'to', context: Pick<Context, 'stdin' | 'signal'>): Promise<string> {
  const bytes = await collect(context.stdin, { shown: 'standard input', signal: context.signal });
  const password = Buffer.from(bytes)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (password === '' || /[\r\n]/.test(password)) {
    throw usageError(
      `Cannot read the password for --${end}-password-stdin: ${password === '' ? 'standard input is empty' : 'standard input has more than one line'}`,
    );
  }
  return password;
}
