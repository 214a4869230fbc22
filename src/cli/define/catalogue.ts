/** The options and the help of `airgap catalogue`. */
import { Argument, Command } from 'commander';
import type { Flags } from '../flags.ts';
import { addConnectionOptions, addOutputOptions, addSourceOptions, repeatable } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineCatalogue({ act }: Wiring): Command {
  const command = new Command('catalogue')
    .summary('show the Talos releases that are known, and add those that appeared later')
    .description(
      'Lists the Talos releases that are known. "update" asks a registry which others there are; "add" takes the list that ' +
        'talosctl of a release prints. Both write the catalogue file, which every command reads.',
    )
    .addArgument(new Argument('[action]', 'what to do (default: list)').choices(['list', 'update', 'add']))
    .option('--catalogue <file>', 'the catalogue file (default: airgap-catalogue.json; also AIRGAP_CATALOGUE)')
    .addOption(
      repeatable('--talos <version>', 'list, update: only this release, repeatable; add: the release of the list'),
    )
    .optionsGroup('update:')
    .option(
      '--from-registry',
      'ask ghcr.io (or --source-endpoint, --from) for releases; there is nothing else to ask yet',
    )
    .option(
      '--run-talosctl',
      'fetch ghcr.io/siderolabs/talosctl of each release found, RUN it here once, and add the list it prints (linux only)',
    )
    .optionsGroup('add:')
    .option(
      '--list <file>',
      'what talosctl of the release prints; - for standard input (default: what talosctl on PATH prints)',
    )
    .option('--install-image <reference>', 'the default install image, where it is not that of the minor')
    .option('--kubernetes-range <range>', 'of a minor that is new: the Kubernetes it runs, as in 1.33-1.38')
    .option('--upgrade-from <version>', 'of a minor that is new: the oldest release that may be upgraded to it');
  addSourceOptions(command);
  addConnectionOptions(command);
  return addOutputOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  airgap catalogue
  airgap catalogue update --from-registry
  airgap catalogue update --from-registry --talos v1.14.5 --run-talosctl
  talosctl image k8s-bundle | airgap catalogue add --talos v1.14.5 --list -`,
    )
    .action((action: string | undefined, flags: Flags) =>
      act(async () => (await import('../commands/catalogue.ts')).catalogue)(action, flags),
    );
}
