/** The addresses of a name, for a try: asked of name servers, or of this machine as every program on it does. */
import { lookup } from 'node:dns/promises';
import { limitTo } from '../async/limit.ts';
import { type LookUp, lookUp } from './look-up.ts';
import { type NameServer, printNameServer } from './name-servers.ts';
import { codeOf, type Limits, StepFailure, TimedOut, within } from './trail.ts';

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

/** Asks these servers; all of it within the limit. */
export function namesFrom(servers: readonly NameServer[]): Names {
  return async (name, { timeoutMs, signal }) => {
    // Each is asked twice before the next one.
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

function unanswered(state: string): StepFailure {
  return new StepFailure('blocked', `no name server answers: ${state}`, { missing: { kind: 'names' } });
}

/** getaddrinfo() waits for long in one of four threads (libuv): more at once would queue behind those that hang. */
const threads = 4;

/** As this machine looks names up: its hosts file, its name servers. Once none was answered in time, the rest is not asked for. */
export function systemNames(): Names {
  const limit = limitTo(threads);
  let answered = 0;
  let silent = 0;
  const failure = (error: unknown, name: string): unknown => {
    const isSilent = error instanceof TimedOut || codeOf(error) === 'EAI_AGAIN';
    if (!isSilent && codeOf(error) === '') return error;
    if (!isSilent) {
      answered += 1;
      return new StepFailure('blocked', `no such name: ${JSON.stringify(name)}`, { hint: unknownName, cause: error });
    }
    silent += 1;
    return unanswered(error instanceof TimedOut ? error.message : 'temporary failure');
  };
  return (name, limits) =>
    limit(async () => {
      if (answered === 0 && silent >= threads) throw unanswered('others were not answered either');
      try {
        const found = await timed(lookup(name, { all: true }), limits);
        answered += 1;
        return { addresses: found.map(({ address }) => address), by: 'this machine' };
      } catch (error) {
        throw failure(error, name);
      }
    });
}

function timed<T>(work: Promise<T>, limits: Limits): Promise<T> {
  return within(limits, (ending) => {
    work.then(ending.resolve, ending.reject);
    return () => {};
  });
}
