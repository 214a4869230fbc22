/** The options of commands that read airgap.yaml. */
import type { Command } from 'commander';

/** Adds `--file` and `--no-file` to a command that reads airgap.yaml. */
export function addFileOption(command: Command): Command {
  return command
    .optionsGroup('Files:')
    .option('--file <file>', 'what to do, declared in a file (default: airgap.yaml where there is one)')
    .option('--no-file', 'do not read airgap.yaml');
}

/** Whether a command reads airgap.yaml. */
export function readsFile(command: Command): boolean {
  return command.options.some((option) => option.long === '--file');
}
