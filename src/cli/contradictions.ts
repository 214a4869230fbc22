/** Options that do not go together. Pure. */
import { resolve } from 'node:path';
import { passwordMissing } from './passwords.ts';
import type { Settings } from './settings.ts';
import type { EndSettings } from './settings-parts.ts';
import { usageError } from './values.ts';

/** Throws ERR_USAGE naming the options. `mayLackPassword`: a user without one is refused where it is used, as it may not be. */
export function refuseContradictions(settings: Settings, options: { readonly mayLackPassword: boolean }): void {
  if (settings.output.json && settings.output.quiet) throw usageError('Cannot use --json with --quiet: choose one');
  if (settings.source.passwordOnStdin && settings.target.passwordOnStdin) {
    throw usageError(
      'Cannot read two passwords from standard input',
      'put one of them in AIRGAP_FROM_PASSWORD or AIRGAP_TO_PASSWORD',
    );
  }
  for (const [end, name] of [
    ['source', 'from'],
    ['target', 'to'],
  ] as const)
    refuseHalfCredentials(settings[end], { name, ...options });
  const takesStdin = settings.source.passwordOnStdin || settings.target.passwordOnStdin;
  if (takesStdin && settings.inputs.includes('-')) {
    throw usageError(
      'Cannot read a list and a password from standard input',
      'put the list in a file, or the password in the environment',
    );
  }
  if ((settings.clientCertFile === undefined) !== (settings.clientKeyFile === undefined)) {
    throw usageError('Cannot use a client certificate without its key: give --client-cert and --client-key together');
  }
  if (settings.wish.narrow && settings.wish.platforms.length !== 1) {
    throw usageError(
      `Cannot use --narrow with ${settings.wish.platforms.length} platforms`,
      'name exactly one with --platform, for example --platform linux/amd64',
    );
  }
  if (settings.wish.require && settings.wish.platforms.length === 0)
    throw usageError('Cannot use --require-platforms without --platform');
  if (settings.kubernetes.length > 0 && settings.talos === undefined) {
    throw usageError('Cannot use --kubernetes without --talos', 'for example --talos v1.14.4 --kubernetes v1.37.1');
  }
  refusePrefixWhereNamesStay(settings);
  refuseOneFileTwice(settings);
  if (settings.from !== undefined && settings.sourceEndpoints.length > 0) {
    throw usageError('Cannot use --from with --source-endpoint: both say where images are read from');
  }
}

function refusePrefixWhereNamesStay({ prefixByRegistry, to }: Settings): void {
  if (!prefixByRegistry || (to.kind !== 'layout' && to.kind !== 'image-cache')) return;
  const what = to.kind === 'layout' ? 'a layout directory' : 'an image cache';
  throw usageError(`Cannot use --prefix-by-registry with ${what}: it keeps upstream names as they are`);
}

function refuseHalfCredentials(
  end: EndSettings,
  { name, mayLackPassword }: { readonly name: 'from' | 'to'; readonly mayLackPassword: boolean },
): void {
  if (end.passwordOnStdin && end.user === undefined)
    throw usageError(`Cannot use --${name}-password-stdin without --${name}-user`);
  if (end.user !== undefined && end.password === undefined && !end.passwordOnStdin && !mayLackPassword)
    throw passwordMissing(name);
}

/** Files that are written are not written over each other, nor over an input; a list of failures may replace the list it came from. */
function refuseOneFileTwice({ lockFile, patchFile, failedList, inputs, cwd }: Settings): void {
  const files: [string, string][] = [
    ['--lock', lockFile],
    ['--patch', patchFile],
    ...(failedList === undefined ? [] : [['--failed-list', failedList] as [string, string]]),
  ];
  for (const [index, [option, file]] of files.entries()) {
    const other = files.slice(index + 1).find(([, name]) => name === file);
    if (other !== undefined) throw usageError(`Cannot write ${option} and ${other[0]} to one file: "${file}"`);
  }
  const read = inputs.find((input) => resolve(cwd, input) === patchFile);
  if (read !== undefined) throw usageError(`Cannot write --patch to "${read}": it is one of the inputs`);
}
