/** Who said something that an option says: the option itself, the environment, or a key of airgap.yaml. Pure. */
import type { Context } from '../context.ts';
import type { Flags } from '../flags.ts';
import { nonEmpty } from '../settings-parts.ts';

/** Options that a variable stands in for. */
const variables: ReadonlyMap<string, string> = new Map([
  ['to', 'AIRGAP_TO'],
  ['endpoint', 'AIRGAP_ENDPOINT'],
]);

/** Gives for an option, by its long name without dashes, what its reader wrote: `--to`, `AIRGAP_TO`, `airgap.yaml: target.to`. */
export type SaidBy = (option: string) => string;

/** What a command line, its environment and its file say. */
export function saidBy(flags: Flags, env: Context['env']): SaidBy {
  const declared: ReadonlyMap<string, string> = flags.declaredKeys instanceof Map ? flags.declaredKeys : new Map();
  return (option) => {
    const variable = variables.get(option);
    const isTyped = flags[option] !== undefined;
    if (!isTyped && variable !== undefined && nonEmpty(env[variable]) !== undefined) return variable;
    return declared.get(option) ?? `--${option}`;
  };
}
