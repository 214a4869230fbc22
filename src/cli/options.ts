/** The options commands share, in the groups `--help` shows. Texts name the default; values are read in `settings.ts`. */
import { type Command, Option } from 'commander';

/** Collects the values of an option that may be given several times, in their order. */
function repeated(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}

/** An option that may be given several times. */
export function repeatable(flags: string, text: string): Option {
  return new Option(flags, text).argParser(repeated);
}

/** Hides options whose values the help of another command explains, and names them below the help after `introduction`. */
export function nameHidden(command: Command, { options, introduction }: HiddenOptions): Command {
  for (const option of options) option.hideHelp();
  const names = options.map(({ long }) => long).join(', ');
  return command.addHelpText('after', `\n${wrapped(`${introduction}: ${names}.`)}`);
}

interface HiddenOptions {
  readonly options: readonly Option[];
  /** Which help that is. */
  readonly introduction: string;
}

/** At the width of the help. */
function wrapped(text: string): string {
  return text.replaceAll(/(.{1,110})(?: |$)/g, '$1\n').trimEnd();
}

/** What --kubernetes is for, wherever images of releases are named. */
export const kubernetesHelp =
  'another Kubernetes than the release has by default; repeatable. Of an upgrade: the oldest is where it begins, the newest where it ends';

/** What --catalogue is for, wherever it can be given. */
export const catalogueHelp =
  'releases beside the built-in ones (default: airgap-catalogue.json where it is; also AIRGAP_CATALOGUE)';

export function addImageOptions(command: Command): Command {
  return command
    .optionsGroup('Which images:')
    .option(
      '--talos <version>',
      'the images of a Talos release, as in v1.14.4, or of an upgrade, as in v1.13.9..v1.14.4',
    )
    .addOption(repeatable('--kubernetes <version>', kubernetesHelp))
    .addOption(
      repeatable(
        '--arch <architecture>',
        'nodes are amd64 or arm64: only that of every image; repeatable (default: both)',
      ),
    )
    .option('--catalogue <file>', catalogueHelp)
    .addOption(
      repeatable(
        '--platform <os/arch>',
        'copy only this platform of every image, as in linux/amd64; repeatable (default: all)',
      ),
    )
    .option('--narrow', "tag the one platform's own manifest in place of the index; its digest differs from upstream")
    .option('--require-platforms', 'an image that lacks a wanted platform is an error, not a warning')
    .option('--no-signatures', 'leave signatures, attestations and other referrers behind')
    .option('--include-foreign', 'copy foreign (non-distributable) layers as well');
}

export function addSourceOptions(command: Command): Command {
  return command
    .optionsGroup('Where they come from:')
    .option(
      '--from <location>',
      'read every image from here: bundle:FILE, bundle:DIR/, oci:DIR, image-cache:DIR or HOST[:PORT][/PREFIX] (default: its own registry)',
    )
    .addOption(
      repeatable(
        '--source-endpoint <registry=url>',
        "read one upstream registry through another address, a cache for example; '*' for all; repeatable",
      ),
    )
    .option('--verify-key <file>', 'PEM public key: a bundle read with --from must be signed with its other half')
    .option('--from-user <name>', 'user name at the source; the password is taken from AIRGAP_FROM_PASSWORD')
    .option('--from-password-stdin', 'read that password from standard input instead')
    .option('--from-ca <file>', 'PEM certificate authorities to trust at the source')
    .option('--source-concurrency <n>', 'requests at once per source host (default: 12)');
}

/** The target of what is copied or, as `wording` says, of what is only asked. */
export function addTargetOptions(
  command: Command,
  wording: { readonly group: string; readonly to: string } = {
    group: 'Where they go:',
    to: 'HOST[:PORT][/PREFIX], http(s)://…, oci:DIR for a layout directory, bundle:FILE.tar or bundle:DIR/ to be carried, image-cache:DIR or image-cache-oci:DIR for the image cache of Talos (default: oci:airgap-mirror)',
  },
): Command {
  return command
    .optionsGroup(wording.group)
    .option('--to <location>', wording.to)
    .option('--prefix-by-registry', 'keep registries apart: HOST/ghcr.io/siderolabs/… rather than HOST/siderolabs/…')
    .option('--to-user <name>', 'user name at the target; the password is taken from AIRGAP_TO_PASSWORD')
    .option('--to-password-stdin', 'read that password from standard input instead')
    .option('--to-ca <file>', 'PEM certificate authorities to trust at the target')
    .option('--target-concurrency <n>', 'requests at once per target host (default: 10)');
}

export function addBundleOptions(command: Command): Command {
  return command
    .optionsGroup('Bundles (--to bundle:…):')
    .option(
      '--volume-size <size>',
      'split into volumes of at most this size, as in 4GiB, or for a medium: fat32, dvd, bd25 (with bundle:DIR/)',
    )
    .option('--volume <n>', 'write this volume of the set alone: the same bytes as before')
    .addOption(
      repeatable(
        '--have <file>',
        'leave out what the receiver has: its receipt (airgap receipt), or the lock of an earlier bundle; repeatable',
      ),
    )
    .option('--sign-key <file>', 'PEM private key (Ed25519 or P-256) to sign the bundle with')
    .option('--include-self', 'put this program as one executable file beside the bundle');
}

export function addConnectionOptions(command: Command): Command {
  return command
    .optionsGroup('Connections:')
    .option('--ca <file>', 'PEM certificate authorities to trust at both ends, beside the known ones')
    .option('--client-cert <file>', 'PEM client certificate (with --client-key)')
    .option('--client-key <file>', 'PEM key of the client certificate')
    .option('--insecure-skip-verify', 'do not verify TLS certificates')
    .option('--plain-http', 'credentials may cross plain HTTP')
    .option('--retries <n>', 'tries without progress before a request or a transfer fails (default: 5)')
    .option('--idle-timeout <duration>', 'a connection without a byte for this long is cut (default: 60s)')
    .option('--timeout <duration>', 'end the whole run after this long, as in 90m (default: never)');
}

export function addLockOption(command: Command): Command {
  return command
    .optionsGroup('Files:')
    .option('--lock <file>', 'what stands at the target, digest by digest (default: airgap.lock)');
}

export function addOutputOptions(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .option('--json', 'JSON on standard output, nothing else there')
    .option('--quiet', 'errors only')
    .option('--no-color', 'no colours (also: NO_COLOR in the environment)');
}
