/** The options and the help of `airgap serve`. */
import { Command } from 'commander';
import { addOutputOptions } from '../options.ts';
import type { Wiring } from './wiring.ts';

export function defineServe({ act }: Wiring): Command {
  const command = new Command('serve')
    .summary('serve a layout directory as a registry, for nodes to pull from')
    .description('Serves what "airgap mirror" wrote into a directory as a read-only registry, until Ctrl-C.')
    .argument('[directory]', 'the layout directory', 'airgap-mirror')
    .optionsGroup('Serving:')
    .option('--listen <address>', 'address and port, as in 127.0.0.1:6000 (default: :6000, every address)')
    .option('--log', 'one line per request on standard error');
  return addOutputOptions(command)
    .addHelpText('after', '\nExamples:\n  airgap serve\n  airgap serve airgap-mirror --listen 10.5.0.1:6000 --log')
    .action(act(async () => (await import('../commands/serve.ts')).serve));
}
