/** What the definitions of commands share. What a command needs is loaded when it runs, so that `--help` costs nothing. */
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import type { Flags } from '../flags.ts';

/** What a command is called with; gives the exit status. */
export interface Invocation {
  readonly inputs: readonly string[];
  readonly flags: Flags;
  readonly context: Context;
}

/** What runs when a command is called. */
export type Action = (invocation: Invocation) => Promise<number>;

/** What a definition needs of the program. */
export interface Wiring {
  /** Runs an action and keeps its exit status. A command that reads airgap.yaml is given, as commander does. */
  readonly act: (
    load: () => Promise<Action>,
  ) => (inputs: string | readonly string[] | undefined, flags: Flags, command?: Command) => Promise<void>;
}

/** What the inputs of most commands are. */
export const inputHelp = 'lists (images.txt), locks, references (nginx:1.29), or - for standard input';
