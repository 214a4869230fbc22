/** The options and the help of `airgap check`. */
import { Command } from 'commander';
import { addOutputOptions } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineCheck({ act }: Wiring): Command {
  const command = new Command('check')
    .summary('read every byte of a bundle or a directory: is it as it was written?')
    .description(
      'Reads and hashes everything once, and says what is missing, short or corrupt and which images that harms; exit status 5. ' +
        'Nothing is written, and nobody is asked.',
    )
    .argument(
      '[location]',
      'bundle:FILE, bundle:DIR/ with volumes, oci:DIR, image-cache:DIR, or the path of one of them (default: oci:airgap-mirror)',
    )
    .optionsGroup('What it is held against:')
    .option('--verify-key <file>', 'PEM public key that the bundle must be signed with')
    .option(
      '--lock <file>',
      'what should be there (default: the lock in the bundle; of a directory airgap.lock, where it names what is there)',
    );
  return addOutputOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  airgap check bundle:talos-1.14.tar
  airgap check bundle:/media/usb/                            all volumes of a set
  airgap check bundle:/media/usb/airgap-f5f1894d-2of4.tar    one of them
  airgap check oci:airgap-mirror --json`,
    )
    .action(act(async () => (await import('../commands/check.ts')).check));
}
