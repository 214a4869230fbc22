/** The options that name images beside those of a list or a release, as part of `--help`'s group "Which images:". */
import type { Command } from 'commander';
import { repeatable } from '../options.ts';

/** What catalogues of a release list, installers of a schematic, and what a machine configuration names. Values are read in `settings.ts`. */
export function addExtraOptions(command: Command): Command {
  return command
    .optionsGroup('Which images:')
    .addOption(
      repeatable(
        '--extensions <names>',
        'system extensions of the release by name, as in iscsi-tools,zfs, or all; repeatable (with --talos)',
      ),
    )
    .addOption(
      repeatable(
        '--overlays <names>',
        'board overlays of the release by name, as in rpi_generic, or all; repeatable (with --talos)',
      ),
    )
    .addOption(
      repeatable(
        '--schematic <file|id>',
        'the Image Factory installer of this schematic: its YAML or its id; repeatable (with --talos)',
      ),
    )
    .addOption(
      repeatable('--installer-platform <name>', 'platform of that installer, as in aws; repeatable (default: metal)'),
    )
    .option('--secureboot', 'that installer for Secure Boot')
    .option('--factory <host>', 'the Image Factory that builds it (default: factory.talos.dev)')
    .addOption(
      repeatable(
        '--config <file>',
        'the images a machine configuration names; repeatable: one with machine.type begins anew, others are patches to it',
      ),
    );
}
