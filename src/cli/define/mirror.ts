/** The options and the help of `airgap mirror`. */
import { Command } from 'commander';
import { addNamedEmissionOptions } from '../emitting/options.ts';
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

export function defineMirror({ act }: Wiring): Command {
  const command = new Command('mirror')
    .summary('copy images to a registry or a directory, verify them, write the lock and the Talos patch')
    .description(
      'Copies images with everything that belongs to them, verifies the copy, and writes airgap.lock (what stands ' +
        'where) and airgap-talos.yaml (the configuration that makes nodes look there). Run it again to copy only what ' +
        'is missing.',
    )
    .argument('[inputs...]', `${inputHelp}; none: a list piped in, else what talosctl on PATH prints`);
  addImageOptions(command);
  addExtraOptions(command);
  addTargetOptions(command);
  addBundleOptions(command);
  addSourceOptions(command);
  addNamedEmissionOptions(command)
    .optionsGroup('The Talos configuration:')
    .option(
      '--talos-version <version>',
      'the release it is for (default: that of --talos, of an upgrade the one that runs now; else the newest known)',
    )
    .option('--output-dir <dir>', 'write it there as well, one file for each matter, and in every --format');
  addConnectionOptions(command);
  addFileOption(command);
  addLockOption(command)
    .option(
      '--patch <file>',
      'the Talos configuration (default: beside the lock and named after it, as airgap-talos.yaml)',
    )
    .option('--failed-list <file>', 'write what failed as a list that can be given again')
    .option('--recheck', 'ask the target for everything, even what the lock vouches for')
    .optionsGroup('Output:')
    .option('--dry-run', 'stop after the plan; nothing is written anywhere');
  return addOutputOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  talosctl image default | airgap mirror --to 10.5.0.1:6000
  airgap mirror images.txt workload.txt --to registry.internal/mirror --prefix-by-registry
  airgap mirror registry.k8s.io/pause:3.10 nginx --to 10.5.0.1:6000 --platform linux/amd64
  airgap mirror --talos v1.14.4 --to 10.5.0.1:6000
  airgap mirror --talos v1.14.4                          into ./airgap-mirror, for "airgap serve"
  airgap mirror --talos v1.14.4 --to bundle:talos-1.14.tar                into a file that can be carried
  airgap mirror --from bundle:talos-1.14.tar --to 10.5.0.1:6000           and out of it on the other side
  airgap mirror airgap.lock --from oci:airgap-mirror --to 10.5.0.1:6000   from a directory that was carried over
  airgap mirror images.txt --source-endpoint ghcr.io=http://127.0.0.1:5601`,
    )
    .action(act(async () => (await import('../commands/mirror.ts')).mirror));
}
