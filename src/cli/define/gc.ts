/** The options and the help of `airgap gc`. */
import { Command } from 'commander';
import { addOutputOptions } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineGc({ act }: Wiring): Command {
  const command = new Command('gc')
    .summary('remove what no image of a layout directory needs')
    .description(
      'Lists what no name of a layout directory leads to: blobs of removed images and leftovers of interrupted writes. With --yes it removes them. No writer may be at work meanwhile.',
    )
    .argument('[layout]', 'oci:DIR or the directory (default: airgap-mirror)')
    .optionsGroup('What goes:')
    .option('--untagged', 'also manifests without a tag, except children and referrers of manifests that stay')
    .option('--yes', 'remove it (default: only list it)');
  return addOutputOptions(command)
    .addHelpText('after', '\nExamples:\n  airgap gc\n  airgap gc oci:/srv/mirror --untagged --yes')
    .action(act(async () => (await import('../commands/gc.ts')).gc));
}
