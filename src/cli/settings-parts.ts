/** The parts of the settings that say how ends are reached and how output looks. */
import { resolve } from 'node:path';
import type { ProxySettings } from '../http/client.ts';
import type { Context } from './context.ts';
import { type Flags, switchFlag, textFlag } from './flags.ts';
import { readDuration, readInteger } from './values.ts';

/** How one end is reached. */
export interface EndSettings {
  readonly user: string | undefined;
  /** From the environment; a password on standard input is read when the end is opened. */
  readonly password: string | undefined;
  readonly passwordOnStdin: boolean;
  /** PEM files of additional certificate authorities. */
  readonly caFiles: readonly string[];
  /** Requests at once per host. */
  readonly concurrency: number;
}

export interface OutputSettings {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  readonly unicode: boolean;
}

/** Reads one end's options and variables. */
export function endSettings(
  end: 'from' | 'to',
  given: { readonly flags: Flags; readonly env: Context['env']; readonly cwd: string; readonly concurrency: number },
): EndSettings {
  const upper = end === 'from' ? 'FROM' : 'TO';
  const files = [
    textFlag(given.flags, 'ca') ?? nonEmpty(given.env.AIRGAP_CA),
    textFlag(given.flags, `${end}Ca`) ?? nonEmpty(given.env[`AIRGAP_${upper}_CA`]),
  ];
  return {
    user: textFlag(given.flags, `${end}User`) ?? nonEmpty(given.env[`AIRGAP_${upper}_USER`]),
    password: nonEmpty(given.env[`AIRGAP_${upper}_PASSWORD`]),
    passwordOnStdin: switchFlag(given.flags, `${end}PasswordStdin`),
    caFiles: files.filter((name) => name !== undefined).map((name) => resolve(given.cwd, name)),
    concurrency: given.concurrency,
  };
}

/** Lower case wins, as with curl. `HTTP_PROXY` is not honoured in CGI programs elsewhere; this is none. */
export function proxySettings(env: Context['env']): ProxySettings {
  return {
    httpProxy: nonEmpty(env.http_proxy) ?? nonEmpty(env.HTTP_PROXY),
    httpsProxy: nonEmpty(env.https_proxy) ?? nonEmpty(env.HTTPS_PROXY),
    noProxy: nonEmpty(env.no_proxy) ?? nonEmpty(env.NO_PROXY),
  };
}

/** The environment without the passwords meant for us. */
export function withoutPasswords(env: Context['env']): Context['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^AIRGAP_.*(?:PASSWORD|TOKEN)$/.test(name)));
}

/** https://no-color.org: any value but the empty one turns colour off. */
export function outputSettings(flags: Flags, env: Context['env']): OutputSettings {
  const json = switchFlag(flags, 'json');
  const quiet = switchFlag(flags, 'quiet');
  const locale = nonEmpty(env.LC_ALL) ?? nonEmpty(env.LC_CTYPE) ?? nonEmpty(env.LANG) ?? '';
  return {
    json,
    quiet,
    color: switchFlag(flags, 'color', true) && nonEmpty(env.NO_COLOR) === undefined && env.TERM !== 'dumb',
    unicode: /utf-?8/i.test(locale),
  };
}

/** A whole number from `min` (default 1) on. Throws ERR_USAGE. */
export function integer(
  flags: Flags,
  option: { readonly name: string; readonly option: string; readonly byDefault: number; readonly min?: number },
): number {
  const text = textFlag(flags, option.name);
  return text === undefined ? option.byDefault : readInteger(option.option, text, { min: option.min ?? 1 });
}

/** Milliseconds; undefined where it was not given. Throws ERR_USAGE. */
export function duration(flags: Flags, option: { readonly name: string; readonly option: string }): number | undefined {
  const text = textFlag(flags, option.name);
  return text === undefined ? undefined : readDuration(option.option, text);
}

/** Text that is there and not empty. */
export function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
