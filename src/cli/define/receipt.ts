/** The options and the help of `airgap receipt`. */
import { Command } from 'commander';
import type { Flags } from '../flags.ts';
import { addConnectionOptions, addTargetOptions } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineReceipt({ act }: Wiring): Command {
  const run = act(async () => (await import('../commands/receipt.ts')).receipt);
  const command = new Command('receipt')
    .summary('state what a site has, so that the next bundle brings only what is missing')
    .description(
      'Asks a registry or a directory for every tag, manifest and blob, and writes its receipt as JSON to standard output. On the ' +
        'other side "airgap mirror --to bundle:… --have RECEIPT" leaves out what it states. It holds names, digests and sizes only.',
    );
  addTargetOptions(command, {
    group: 'Where it is asked:',
    to: 'HOST[:PORT][/PREFIX], http(s)://…, oci:DIR or image-cache:DIR (default: oci:airgap-mirror)',
  });
  addConnectionOptions(command);
  return command
    .optionsGroup('Files:')
    .option('--lock <file>', 'ask for the images of this lock alone, where the registry does not list its repositories')
    .option('--output <file>', 'write the receipt there instead')
    .optionsGroup('Output:')
    .option('--quiet', 'errors only, and the receipt')
    .option('--no-color', 'no colours (also: NO_COLOR in the environment)')
    .addHelpText(
      'after',
      `
Examples:
  airgap receipt --to harbor.site:443/infra > site.receipt
  airgap receipt --to oci:airgap-mirror --output site.receipt
  airgap mirror --talos v1.14.4 --to bundle:delta.tar --have site.receipt`,
    )
    .action((flags: Flags) => run(undefined, flags));
}
