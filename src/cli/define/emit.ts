/** The options and the help of `airgap emit`. */
import { Command } from 'commander';
import { addLockOption, addOutputOptions } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineEmit({ act }: Wiring): Command {
  const command = new Command('emit')
    .summary('write the Talos configuration for a mirror')
    .description(
      'Writes the registry part of the Talos configuration: from the lock, or from images and the address nodes will use.',
    )
    .argument('[inputs...]', 'a lock, or lists and references (default: airgap.lock)')
    .optionsGroup('The Talos configuration:')
    .option('--talos <version>', 'the release the configuration is for (default: the newest known)')
    .option('--to <location>', 'the target images were mirrored to, where there is no lock')
    .option('--endpoint <url>', 'the address nodes will use, where it is not the one given with --to')
    .option('--prefix-by-registry', 'as given to mirror, where there is no lock')
    .option('--per-registry', "one entry per upstream registry in place of the one for '*'");
  addLockOption(command).option('--output <file>', 'write there (default: standard output)');
  return addOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  airgap emit --talos v1.11.6\n  airgap emit --endpoint http://10.5.0.1:6000 --output patch.yaml\n  talosctl patch mc --nodes 10.5.0.2 --patch @patch.yaml',
    )
    .action(act(async () => (await import('../commands/emit.ts')).emit));
}
