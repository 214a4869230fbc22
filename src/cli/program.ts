/**
 * The commands, their options and their help. Only definitions: what a command needs is loaded when it runs, so that
 * `--help` costs nothing.
 */
import { Command, CommanderError } from 'commander';
import type { Context } from './context.ts';
import { defineCatalogue } from './define/catalogue.ts';
import { defineCheck } from './define/check.ts';
import { defineEgress } from './define/egress.ts';
import { defineEmit } from './define/emit.ts';
import { defineGc } from './define/gc.ts';
import { defineImages } from './define/images.ts';
import { defineInit } from './define/init.ts';
import { defineMirror } from './define/mirror.ts';
import { definePlan } from './define/plan.ts';
import { defineReceipt } from './define/receipt.ts';
import { defineServe } from './define/serve.ts';
import { defineVerify } from './define/verify.ts';
import type { Action, Invocation, Wiring } from './define/wiring.ts';
import { errorLines } from './error-text.ts';
import { exitCodeFor, exitCodes } from './exit.ts';
import { readsFile } from './spec/file-option.ts';

/** Runs one command line (without the program's own name) and gives its exit status. Never throws, never exits. */
export async function run(argv: readonly string[], context: Context & { readonly version: string }): Promise<number> {
  let status: number = exitCodes.ok;
  const wiring: Wiring = {
    act: (load) => async (inputs, flags, command) => {
      const action = await load();
      const typed = { inputs: typeof inputs === 'string' ? [inputs] : (inputs ?? []), flags, context };
      status =
        command !== undefined && readsFile(command) ? await declared(typed, { command, action }) : await action(typed);
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

async function declared(typed: Invocation, run: { command: Command; action: Action }): Promise<number> {
  return (await import('./spec/with-file.ts')).runWithFile(typed, run);
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
  for (const define of [
    defineMirror,
    definePlan,
    defineVerify,
    defineCheck,
    defineEmit,
    defineEgress,
    defineImages,
    defineCatalogue,
    defineReceipt,
    defineServe,
    defineGc,
    defineInit,
  ]) {
    program.addCommand(define(wiring).copyInheritedSettings(program).allowExcessArguments(false));
  }
  return program;
}

const programExamples = `
Examples:
  talosctl image default | airgap mirror --to 10.5.0.1:6000     mirror what a Talos release needs
  airgap mirror images.txt --to 10.5.0.1:6000 --dry-run         only show what would be copied
  airgap verify                                                 is everything of airgap.lock still there?
  airgap verify --as talos@v1.14.4                              would a node with this configuration find it?
  airgap mirror --talos v1.14.4 && airgap serve --listen :6000  no registry yet: a directory, then serve it

Exit status: 0 done, 2 usage or input, 3 source, 4 target, 5 verification, 6 some images failed, 130 interrupted.`;
