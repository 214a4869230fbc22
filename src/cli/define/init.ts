/** The options and the help of `airgap init`. */
import { Command } from 'commander';
import type { Flags } from '../flags.ts';
import { repeatable } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineInit({ act }: Wiring): Command {
  const run = act(async () => (await import('../commands/init.ts')).init);
  return new Command('init')
    .summary('make an airgap.yaml by asking')
    .description(
      'Asks what is to be mirrored and where, and writes airgap.yaml, which mirror, plan, verify and emit read. Answers may be piped in, ' +
        'one per line; an empty or missing one takes the default. Beside it goes airgap.schema.json, by which editors complete and check it.',
    )
    .optionsGroup('Answers:')
    .option('--talos <version>', 'the Talos release, or those of an upgrade, as in v1.13.9..v1.14.4')
    .addOption(repeatable('--list <file>', 'an image list to mirror as well; repeatable'))
    .addOption(repeatable('--platform <os/arch>', 'copy only this platform; repeatable (default: all)'))
    .option('--to <location>', 'where images go (default: oci:airgap-mirror)')
    .addOption(repeatable('--endpoint <url>', 'an address nodes will use; repeatable'))
    .option('--yes', 'ask nothing: the default for all that is not given')
    .optionsGroup('Files:')
    .option('--output <file>', 'the file to write (default: airgap.yaml)')
    .option('--force', 'write over files that are there')
    .option('--schema', 'print the JSON schema of airgap.yaml and write nothing')
    .optionsGroup('Output:')
    .option('--quiet', 'errors and questions only')
    .addHelpText(
      'after',
      `
Examples:
  airgap init
  airgap init --yes --talos v1.14.4 --to registry.site/infra
  airgap init --schema > airgap.schema.json`,
    )
    .action((flags: Flags) => run(undefined, flags));
}
