/** The options and the help of `airgap images`. */
import { Command } from 'commander';
import { addExtraOptions } from '../extras/options.ts';
import type { Flags } from '../flags.ts';
import {
  addConnectionOptions,
  addOutputOptions,
  addSourceOptions,
  catalogueHelp,
  kubernetesHelp,
  repeatable,
} from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineImages({ act }: Wiring): Command {
  const command = new Command('images')
    .summary('print the images of a Talos release, of an upgrade, or what changes between two')
    .description(
      'Prints the images of a Talos release, one reference per line, as talosctl of that release does; of an upgrade, ' +
        'those of every step and the way; or what changes between two releases.',
    )
    .optionsGroup('Which images:')
    .option('--talos <version>', 'the release, as in v1.14.4, or an upgrade, as in v1.13.9..v1.14.4')
    .addOption(repeatable('--kubernetes <version>', kubernetesHelp))
    .addOption(repeatable('--arch <architecture>', 'amd64 or arm64 nodes; repeatable (default: what talosctl prints)'))
    .option('--bundle', 'what "talosctl image talos-bundle" lists first: installer, imager and the catalogues')
    .option('--path', 'of an upgrade: print its steps in place of the images')
    .option('--catalogue <file>', catalogueHelp)
    .optionsGroup('What changes:')
    .option('--diff <releases...>', 'compare two releases, as in --diff v1.13.9 v1.14.4')
    .option('--sizes', 'ask the registries how large images are, and what of them the first release does not have');
  addExtraOptions(command);
  addSourceOptions(command);
  addConnectionOptions(command);
  return addOutputOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  airgap images --talos v1.14.4
  airgap images --talos v1.13.9 --kubernetes v1.35.2 > images.txt
  airgap images --talos v1.11.6..v1.14.4 --path          the steps of an upgrade
  airgap images --talos v1.14.4 --bundle --extensions all --overlays all   as "talosctl image talos-bundle" prints
  airgap images --config controlplane.yaml               what a machine configuration names
  airgap images --diff v1.13.9 v1.14.4 --sizes           what a new release costs`,
    )
    .action((flags: Flags) => act(async () => (await import('../commands/images.ts')).images)(undefined, flags));
}
