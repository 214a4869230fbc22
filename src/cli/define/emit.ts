/** The options and the help of `airgap emit`. */
import { Command } from 'commander';
import { addEmissionOptions } from '../emitting/options.ts';
import { addLockOption, addOutputOptions, catalogueHelp, repeatable } from '../options.ts';
import { addFileOption } from '../spec/file-option.ts';
import type { Wiring } from './wiring.ts';

export function defineEmit({ act }: Wiring): Command {
  const command = new Command('emit')
    .summary('write the Talos configuration for a mirror')
    .description(
      'Writes what nodes are told: where they find images, and what else they would ask the internet for. In the form and with ' +
        'exactly the keys of one Talos release. From the lock, from images and an address, or from an address alone.',
    )
    .argument('[inputs...]', 'a lock, or lists and references (default: airgap.lock; without one, any image)')
    .optionsGroup('For which mirror and release:')
    .option('--talos <version>', 'the release the configuration is for (default: the newest known)')
    .option('--catalogue <file>', catalogueHelp)
    .option('--to <location>', 'the target images were mirrored to, where there is no lock')
    .option('--prefix-by-registry', 'as given to mirror, where there is no lock');
  addEmissionOptions(command)
    .addOption(
      repeatable(
        '--schematic <file|id>',
        'install from the Image Factory installer of this schematic: its YAML or its id',
      ),
    )
    .addOption(repeatable('--installer-platform <name>', 'of which platform (default: metal)'))
    .option('--secureboot', 'the Secure Boot installer')
    .option('--factory <host>', 'of an own Image Factory (default: factory.talos.dev)');
  addFileOption(command);
  addLockOption(command)
    .option('--output <file>', 'write there (default: standard output)')
    .option('--output-dir <dir>', 'write there, one file for each matter: registries, time, network, discovery, …');
  return addOutputOptions(command)
    .addHelpText('after', examples)
    .action(act(async () => (await import('../commands/emit.ts')).emit));
}

const examples = `
Each file is a patch, for "talosctl patch machineconfig --patch @FILE" and "talosctl gen config … --config-patch @FILE".
What the release does not know is refused with the first release that does.

Examples:
  airgap emit --talos v1.11.6                                    from airgap.lock, for another release
  airgap emit --endpoint http://10.5.0.1:6000 --output patch.yaml
  airgap emit --to https://registry.site --ntp 10.0.0.1 --dns 10.0.0.2 --no-discovery
  airgap emit --endpoint https://a.site/project --endpoint https://b.site/project --endpoint-ca ca.pem
  AIRGAP_ENDPOINT_PASSWORD=… airgap emit --to https://registry.site --endpoint-user node --secrets secrets.yaml
  airgap emit --to https://registry.site --schematic schematic.yaml --install-disk /dev/sda --output-dir patches
  airgap emit --to https://registry.site --format k3s --output-dir /etc/rancher/k3s`;
