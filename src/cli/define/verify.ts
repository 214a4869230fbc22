/** The options and the help of `airgap verify`. */
import { Command, Option } from 'commander';
import { addConnectionOptions, addLockOption, addOutputOptions, addTargetOptions, repeatable } from '../options.ts';
import { addFileOption } from '../spec/file-option.ts';
import type { Wiring } from './wiring.ts';

export function defineVerify({ act }: Wiring): Command {
  const command = new Command('verify')
    .summary('check that everything stands at the target, as nodes would ask for it')
    .description(
      'Asks the target for every tag, manifest and blob of the lock, as a node would. Findings name the repair; exit status 5. ' +
        'With --as it asks what a node of that release with its configuration would ask, and whether it would leave the site.',
    )
    .argument('[inputs...]', 'locks, lists or references (default: airgap.lock)')
    .optionsGroup('What is checked:')
    .option('--deep', 'read and hash every byte')
    .option('--no-catalog', 'do not look for images the lock does not know')
    .optionsGroup('With the eyes of a node:')
    .option('--as <release>', 'ask as a node of this Talos release would, as in talos@v1.14.4')
    .addOption(
      repeatable(
        '--config <file>',
        'machine configuration of the node; repeatable: the others are patches, in order (default: the one airgap wrote beside the lock, else the one it would write)',
      ),
    )
    .addOption(
      // What airgap.yaml says of it; who types has --config.
      new Option('--patch <file>', 'the configuration that was written with the lock').hideHelp(),
    )
    .addOption(new Option('--secrets <file>', 'the credentials that were written with it').hideHelp())
    .addOption(repeatable('--explain <image>', 'show the whole way of this image, step by step; repeatable'))
    .addOption(
      repeatable(
        '--platform <os/arch>',
        'platform of the nodes, as in linux/arm64; repeatable (default: those of each image)',
      ),
    );
  addTargetOptions(command, {
    group: 'Where they should be:',
    to: 'HOST[:PORT][/PREFIX], http(s)://…, oci:DIR, bundle:FILE, bundle:DIR/ or image-cache:DIR (default: where the lock says, else oci:airgap-mirror)',
  }).option('--verify-key <file>', 'PEM public key: a bundle given with --to must be signed with its other half');
  addConnectionOptions(command);
  addFileOption(command);
  addLockOption(command);
  return addOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  airgap verify\n  airgap verify --deep --to 10.5.0.1:6000\n  airgap verify images.txt --to 10.5.0.1:6000' +
        '\n  airgap verify --as talos@v1.14.4 --config controlplane.yaml',
    )
    .action(act(async () => (await import('../commands/verify.ts')).verify));
}
