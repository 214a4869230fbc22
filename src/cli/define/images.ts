/** The options and the help of `airgap images`. */
import { Command } from 'commander';
import type { Flags } from '../flags.ts';
import { addOutputOptions } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineImages({ act }: Wiring): Command {
  const command = new Command('images')
    .summary('print the images of a Talos release, as talosctl does')
    .description(
      'Prints the images of a Talos release from the built-in catalogue, one reference per line, as talosctl of that release does.',
    )
    .optionsGroup('Which images:')
    .option('--talos <version>', 'the release, as in v1.14.4 (required)')
    .option('--kubernetes <version>', 'another Kubernetes version than the release has by default')
    .option('--bundle', 'what "talosctl image talos-bundle" lists first: installer, imager and the catalogues');
  return addOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  airgap images --talos v1.14.4\n  airgap images --talos v1.13.9 --kubernetes v1.35.2 > images.txt',
    )
    .action((flags: Flags) => act(async () => (await import('../commands/images.ts')).images)(undefined, flags));
}
