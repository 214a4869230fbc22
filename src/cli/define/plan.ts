/** The options and the help of `airgap plan`. */
import { Command } from 'commander';
import { addExtraOptions } from '../extras/options.ts';
import {
  addBundleOptions,
  addConnectionOptions,
  addImageOptions,
  addLockOption,
  addOutputOptions,
  addSourceOptions,
  addTargetOptions,
} from '../options.ts';
import { addFileOption } from '../spec/file-option.ts';
import { inputHelp, type Wiring } from './wiring.ts';

export function definePlan({ act }: Wiring): Command {
  const command = new Command('plan')
    .summary('show what mirror would copy, and write nothing')
    .description(
      'Resolves the images, asks the target what it has, and shows what is left to copy. Writes nothing anywhere.',
    )
    .argument('[inputs...]', inputHelp);
  addImageOptions(command);
  addExtraOptions(command);
  addTargetOptions(command);
  addBundleOptions(command);
  addSourceOptions(command);
  addConnectionOptions(command);
  addFileOption(command);
  addLockOption(command).option('--recheck', 'ask the target for everything, even what the lock vouches for');
  return addOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  airgap plan images.txt --to 10.5.0.1:6000\n  airgap plan --talos v1.14.4 --json | jq .totals',
    )
    .action(act(async () => (await import('../commands/plan.ts')).plan));
}
