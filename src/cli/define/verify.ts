/** The options and the help of `airgap verify`. */
import { Command } from 'commander';
import { addConnectionOptions, addLockOption, addOutputOptions, addTargetOptions } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineVerify({ act }: Wiring): Command {
  const command = new Command('verify')
    .summary('check that everything stands at the target, as nodes would ask for it')
    .description(
      'Asks the target for every tag, manifest and blob of the lock, as a node would. Findings name the repair; exit status 5.',
    )
    .argument('[inputs...]', 'locks, lists or references (default: airgap.lock)')
    .optionsGroup('What is checked:')
    .option('--deep', 'read and hash every byte')
    .option('--no-catalog', 'do not look for images the lock does not know');
  addTargetOptions(command, {
    group: 'Where they should be:',
    to: 'HOST[:PORT][/PREFIX], http(s)://…, oci:DIR, bundle:FILE or bundle:DIR/ (default: where the lock says, else oci:airgap-mirror)',
  }).option('--verify-key <file>', 'PEM public key: a bundle given with --to must be signed with its other half');
  addConnectionOptions(command);
  addLockOption(command);
  return addOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  airgap verify\n  airgap verify --deep --to 10.5.0.1:6000\n  airgap verify images.txt --to 10.5.0.1:6000',
    )
    .action(act(async () => (await import('../commands/verify.ts')).verify));
}
