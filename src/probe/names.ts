/** The addresses of a name, for a try. */
import { type LookUp, lookUp } from './look-up.ts';
import { type NameServer, printNameServer } from './name-servers.ts';
import { type Limits, StepFailure } from './trail.ts';

export interface FoundName {
  /** At least one. */
  readonly addresses: readonly string[];
  /** Who said so: `10.0.0.2`, `this machine`. */
  readonly by: string;
}

/** Throws StepFailure; one for which no name server answered says that names are missing. */
export type Names = (name: string, limits: Limits) => Promise<FoundName>;

/** Every name once. */
export function rememberNames(names: Names): Names {
  const known = new Map<string, Promise<FoundName>>();
  return (name, limits) => {
    const found = known.get(name) ?? names(name, limits);
    known.set(name, found);
    return found;
  };
}

/** Asks these servers, each with its share of the limit. */
export function namesFrom(servers: readonly NameServer[]): Names {
  return async (name, { timeoutMs, signal }) => {
    // Silent ones are asked a second time.
    const each = Math.max(200, Math.floor(timeoutMs / (2 * Math.max(1, servers.length))));
    const found = await lookUp(name, { servers, timeoutMs: each, signal });
    if (found.failure !== undefined) throw nameFailure(found.failure);
    const by = found.server === undefined ? 'a name server' : printNameServer(found.server);
    return { addresses: found.addresses.map(({ address }) => address), by };
  };
}

function nameFailure({ kind, message }: NonNullable<LookUp['failure']>): StepFailure {
  switch (kind) {
    case 'timeout':
    case 'refused':
      return unanswered(message);
    case 'wrong-answer':
      return new StepFailure('wrong answer', `the name server answers wrongly: ${message}`);
    case 'server-failure':
      return new StepFailure('blocked', `the name server fails: ${message}`, {
        hint: 'the name server has to be able to ask those of the internet, or to forward to one that can',
      });
    default:
      return new StepFailure('blocked', message, { hint: unknownName });
  }
}

const unknownName = 'check the name; a name server that keeps names back answers like this too';

/** A name server says that there is none. */
export function noSuchName(name: string, cause: unknown): StepFailure {
  return new StepFailure('blocked', `no such name: ${JSON.stringify(name)}`, { hint: unknownName, cause });
}

/** No name server says anything. */
export function unanswered(state: string): StepFailure {
  return new StepFailure('blocked', `no name server answers: ${state}`, {
    hint: 'name servers are destinations of their own: have them opened, or name the right ones with --resolver',
    missing: { kind: 'names' },
  });
}
