/**
 * The commands, their options and their help. Only definitions: what a command needs is loaded when it runs, so that
 * `--help` costs nothing.
 */
import { Command, CommanderError } from 'commander';
import type { Context } from './context.ts';
import { errorLines } from './error-text.ts';
import { exitCodeFor, exitCodes } from './exit.ts';
import type { Flags } from './flags.ts';
import {
  addConnectionOptions,
  addImageOptions,
  addLockOption,
  addOutputOptions,
  addSourceOptions,
  addTalosOptions,
  addTargetOptions,
} from './options.ts';

/** What a command is called with; gives the exit status. */
export interface Invocation {
  readonly inputs: readonly string[];
  readonly flags: Flags;
  readonly context: Context;
}

type Action = (invocation: Invocation) => Promise<number>;

interface Wiring {
  /** Runs an action and keeps its exit status. */
  readonly act: (
    load: () => Promise<Action>,
  ) => (inputs: string | readonly string[] | undefined, flags: Flags) => Promise<void>;
}

/** Runs one command line (without the program's own name) and gives its exit status. Never throws, never exits. */
export async function run(argv: readonly string[], context: Context & { readonly version: string }): Promise<number> {
  let status: number = exitCodes.ok;
  const wiring: Wiring = {
    act: (load) => async (inputs, flags) => {
      const action = await load();
      status = await action({ inputs: typeof inputs === 'string' ? [inputs] : (inputs ?? []), flags, context });
    },
  };
  try {
    await defineProgram(context, wiring).parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const stopped: unknown = context.signal.aborted ? context.signal.reason : error;
    const debug = (context.env.AIRGAP_DEBUG ?? '') !== '';
    context.stderr.write(`${errorLines(stopped, { debug }).join('\n')}\n`);
    return exitCodeFor(stopped);
  }
}

function defineProgram(context: Context & { readonly version: string }, wiring: Wiring): Command {
  const program = new Command('airgap')
    .description(
      'Mirrors container images into a registry behind an air gap, and writes the Talos Linux configuration that uses it.',
    )
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help; `airgap COMMAND --help` for one command')
    .helpCommand('help [command]', 'show help for a command')
    .showSuggestionAfterError(true)
    .showHelpAfterError('(add --help for the options and examples)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 110,
      getErrHelpWidth: () => context.stderr.columns ?? 110,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', programExamples);
  for (const define of [defineMirror, definePlan, defineVerify, defineEmit, defineImages, defineServe]) {
    program.addCommand(define(wiring).copyInheritedSettings(program).allowExcessArguments(false));
  }
  return program;
}

const programExamples = `
Examples:
  talosctl image default | airgap mirror --to 10.5.0.1:6000    mirror what a Talos release needs
  airgap mirror images.txt --to 10.5.0.1:6000 --dry-run        only show what would be copied
  airgap verify                                                is everything of airgap.lock still there?
  airgap mirror --talos v1.14.4 && airgap serve airgap-mirror  no registry yet: a directory, then serve it

Exit status: 0 done, 2 usage or input, 3 source, 4 target, 5 verification, 6 some images failed, 130 interrupted.`;

const inputHelp = 'lists (images.txt), locks, references (nginx:1.29), or - for standard input';

function defineMirror({ act }: Wiring): Command {
  const command = new Command('mirror')
    .summary('copy images to a registry or a directory, verify them, write the lock and the Talos patch')
    .description(
      'Copies images with everything that belongs to them, verifies the copy, and writes airgap.lock (what stands ' +
        'where) and airgap-talos.yaml (the configuration that makes nodes look there). Run it again to copy only what ' +
        'is missing.',
    )
    .argument('[inputs...]', `${inputHelp}; none: a list piped in, else what talosctl on PATH prints`);
  addImageOptions(command);
  addTargetOptions(command);
  addSourceOptions(command);
  addTalosOptions(command);
  addConnectionOptions(command);
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
  airgap mirror airgap.lock --from oci:airgap-mirror --to 10.5.0.1:6000   from a directory that was carried over
  airgap mirror images.txt --source-endpoint ghcr.io=http://127.0.0.1:5601`,
    )
    .action(act(async () => (await import('./commands/mirror.ts')).mirror));
}

function definePlan({ act }: Wiring): Command {
  const command = new Command('plan')
    .summary('show what mirror would copy, and write nothing')
    .description(
      'Resolves the images, asks the target what it has, and shows what is left to copy. Writes nothing anywhere.',
    )
    .argument('[inputs...]', inputHelp);
  addImageOptions(command);
  addTargetOptions(command);
  addSourceOptions(command);
  addConnectionOptions(command);
  addLockOption(command).option('--recheck', 'ask the target for everything, even what the lock vouches for');
  return addOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  airgap plan images.txt --to 10.5.0.1:6000\n  airgap plan --talos v1.14.4 --json | jq .totals',
    )
    .action(act(async () => (await import('./commands/plan.ts')).plan));
}

function defineVerify({ act }: Wiring): Command {
  const command = new Command('verify')
    .summary('check that everything stands at the target, as nodes would ask for it')
    .description(
      'Asks the target for every tag, manifest and blob of the lock, as a node would. Findings name the repair; exit status 5.',
    )
    .argument('[inputs...]', 'locks, lists or references (default: airgap.lock)')
    .optionsGroup('What is checked:')
    .option('--deep', 'read and hash every byte')
    .option('--no-catalog', 'do not look for images the lock does not know');
  addTargetOptions(command);
  addSourceOptions(command);
  addConnectionOptions(command);
  addLockOption(command);
  return addOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  airgap verify\n  airgap verify --deep --to 10.5.0.1:6000\n  airgap verify images.txt --to 10.5.0.1:6000',
    )
    .action(act(async () => (await import('./commands/verify.ts')).verify));
}

function defineEmit({ act }: Wiring): Command {
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
    .action(act(async () => (await import('./commands/emit.ts')).emit));
}

function defineImages({ act }: Wiring): Command {
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
    .action((flags: Flags) => act(async () => (await import('./commands/images.ts')).images)(undefined, flags));
}

function defineServe({ act }: Wiring): Command {
  const command = new Command('serve')
    .summary('serve a layout directory as a registry, for nodes to pull from')
    .description('Serves what "airgap mirror" wrote into a directory as a read-only registry, until Ctrl-C.')
    .argument('[directory]', 'the layout directory', 'airgap-mirror')
    .optionsGroup('Serving:')
    .option('--listen <address>', 'address and port, as in 127.0.0.1:6000 (default: :6000, every address)')
    .option('--log', 'one line per request on standard error');
  return addOutputOptions(command)
    .addHelpText('after', '\nExamples:\n  airgap serve\n  airgap serve airgap-mirror --listen 10.5.0.1:6000 --log')
    .action(act(async () => (await import('./commands/serve.ts')).serve));
}
