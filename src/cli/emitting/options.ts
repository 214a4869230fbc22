/** The options that say what nodes are told, beside the mirrors: for every command that writes their configuration. */
import type { Command } from 'commander';
import { nameHidden, repeatable } from '../options.ts';

/** The options of `--help`'s groups "The registries nodes ask" and "What nodes are told beside it". Values are read in `settings.ts`. */
export function addEmissionOptions(command: Command): Command {
  return addIsolationOptions(addEndpointOptions(command));
}

/** The same for a command that does more: its help shows the address and names the others, which the help of `airgap emit` explains. */
export function addNamedEmissionOptions(command: Command): Command {
  const before = command.options.length;
  addEmissionOptions(command);
  const options = command.options.slice(before).filter(({ long }) => long !== '--endpoint');
  return nameHidden(command, { options, introduction: 'What "airgap emit --help" says of nodes counts here too' });
}

/** `--endpoint` alone. */
export function addEndpointOption(command: Command): Command {
  return command
    .optionsGroup('The registries nodes ask:')
    .addOption(
      repeatable(
        '--endpoint <url>',
        'the address nodes will use, where it is not the one given with --to; repeatable, asked in this order. With the path of a project where there is one: https://harbor.site/project',
      ),
    );
}

function addEndpointOptions(command: Command): Command {
  return addEndpointOption(command)
    .option('--per-registry', "one entry per upstream registry in place of the one for '*'")
    .option('--form <form>', 'v1alpha1 or documents (default: documents from Talos 1.12 on, v1alpha1 before)')
    .addOption(
      repeatable(
        '--format <name>',
        'talos, hosts-toml, containerd, talosctl, omni, k3s or rke2; repeatable (default: talos)',
      ),
    )
    .option('--cluster <name>', 'of which cluster the configuration is (for --format omni and talosctl)')
    .addOption(
      repeatable(
        '--endpoint-ca <file>',
        'PEM authority that vouches for the endpoints, trusted for them alone; HOST[:PORT]=FILE for one of them; repeatable',
      ),
    )
    .option('--endpoint-client-cert <file>', 'PEM certificate the nodes show (with --endpoint-client-key, --secrets)')
    .option('--endpoint-client-key <file>', 'PEM key of that certificate')
    .option('--endpoint-insecure-skip-verify', 'nodes do not verify the certificates of the endpoints')
    .option(
      '--endpoint-user <name>',
      'user the nodes are; the password is taken from AIRGAP_ENDPOINT_PASSWORD, or an identity token without a user from AIRGAP_ENDPOINT_TOKEN (with --secrets)',
    )
    .option('--secrets <file>', 'write credentials and keys there, a patch of its own with mode 0600')
    .option('--trusted-roots <file>', 'PEM authorities for the whole node, for every host (from Talos 1.8 on)');
}

/** The options of the group "What nodes are told beside it". */
export function addIsolationOptions(command: Command): Command {
  return command
    .optionsGroup('What nodes are told beside it:')
    .addOption(repeatable('--ntp <server>', 'a time server; repeatable'))
    .option('--no-time-sync', 'no time is asked for at all')
    .addOption(repeatable('--dns <address>', 'a name server; repeatable'))
    .addOption(repeatable('--host-entry <name=address>', 'a name nodes know without a name server; repeatable'))
    .option('--no-discovery', 'no discovery service')
    .option('--discovery <url>', 'an own discovery service')
    .option('--install-image [reference]', 'what machines install from (default: the installer of the release)')
    .option('--install-disk <device>', 'the disk it goes to, as /dev/sda (needed from Talos 1.14 on)')
    .option('--image-cache', 'use the image cache of the boot medium (from Talos 1.9 on)')
    .option('--pause-image <reference>', 'what every pod starts with, where it is not the default one')
    .addOption(
      repeatable(
        '--verify-public-key <pattern=file>',
        'images that match need a signature of this PEM public key; repeatable (from Talos 1.13 on)',
      ),
    )
    .addOption(
      repeatable(
        '--verify-keyless <pattern=issuer,subject>',
        'images that match need a keyless signature; a subject after ~ is a regular expression; repeatable',
      ),
    )
    .addOption(repeatable('--verify-deny <pattern>', 'images that match are refused; repeatable'));
}
