/** `airgap egress resolve --watch`: keeps the nftables sets of the rules filled, or prints what would do so. */
import { familyOf } from '../../egress/firewall/addresses.ts';
import { printRefresh } from '../../egress/firewall/nft-refresh.ts';
import { setName } from '../../egress/firewall/sets.ts';
import { type WatchEvent, type WatchedName, watchNames } from '../../probe/watch.ts';
import { exitCodes } from '../exit.ts';
import { jsonLine } from '../report/json.ts';
import { usageError } from '../values.ts';
import { type NameToAsk, type NotAsked, serversFor } from './look-up-names.ts';
import { loadedSets, runTransaction } from './nft.ts';
import type { EgressRun } from './run.ts';
import { Told } from './watch-text.ts';

/**
 * Goes on until it is interrupted, or nobody reads what --print prints, and then gives 0, as a server does. Throws ERR_USAGE where there
 * is nothing to watch or nothing to fill, and what ended the run otherwise.
 */
export async function watchSets(
  run: EgressRun,
  { names, others }: { readonly names: readonly NameToAsk[]; readonly others: readonly NotAsked[] },
): Promise<number> {
  const { session, egress } = run;
  const { context, signal } = session;
  const servers = serversFor(egress);
  tellOthers(run, others);
  const sets = egress.print ? undefined : await Sets.loaded(run, names);
  const watched = sets === undefined ? names.map(({ host }) => host) : sets.hosts;
  if (watched.length === 0)
    throw usageError('Cannot watch: no destination of this list is a name that DNS can be asked for');
  const { unread } = context;
  const print = async (refreshed: readonly WatchedName[]) => void context.stdout.write(printRefresh(refreshed));
  try {
    return await watchNames(watched, {
      servers,
      timeoutMs: egress.connectTimeoutMs,
      graceMs: egress.graceMs,
      // More than for one look: names that are not answered in time hold nobody up.
      atOnce: 64,
      write: sets === undefined ? print : sets.write,
      tell: teller(run),
      signal: egress.print && unread !== undefined ? AbortSignal.any([signal, unread]) : signal,
    });
  } catch (error) {
    if (context.signal.aborted || (egress.print && unread?.aborted === true)) return exitCodes.ok;
    throw error;
  }
}

/** Once for all that have the same way out. */
function tellOthers({ session }: EgressRun, others: readonly NotAsked[]): void {
  for (const kind of ['wildcard', 'place'] as const) {
    const of = others.filter((other) => other.kind === kind);
    for (const instead of new Set(of.map((other) => other.instead))) {
      const hosts = of.filter((other) => other.instead === instead).map(({ host }) => host);
      const message = `not kept up: ${hosts.join(', ')}: ${of[0]?.state}; ${instead}`;
      session.reporter.event({ type: 'notice', message, isWarning: true });
    }
  }
}

function teller({ session, egress }: EgressRun): (event: WatchEvent) => void {
  const { settings, context, reporter } = session;
  if (settings.output.json && !egress.print)
    return (event) => void context.stdout.write(`${jsonLine(withTime(event))}\n`);
  const told = new Told();
  return (event) => {
    const line = told.line(event);
    if (line === undefined) return;
    if (line.isProblem) reporter.problem([line.text]);
    // Beside commands, a line is a comment of nft.
    else reporter.text([egress.print ? `# ${line.text}` : line.text]);
  };
}

function withTime(event: WatchEvent): object {
  const at = new Date().toISOString();
  return event.type === 'unwritten' ? { at, ...event, error: errorText(event.error) } : { at, ...event };
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The sets that are loaded, and writing into those. */
class Sets {
  readonly #run: EgressRun;
  #loaded: ReadonlySet<string>;

  private constructor(run: EgressRun, loaded: ReadonlySet<string>) {
    this.#run = run;
    this.#loaded = loaded;
  }

  hosts: readonly string[] = [];

  /** Throws ERR_USAGE where there is no table, or no set for any of these names. Names without a set are told. */
  static async loaded(run: EgressRun, names: readonly NameToAsk[]): Promise<Sets> {
    const sets = new Sets(run, await loadedSets(run.session.context));
    sets.hosts = names.map(({ host }) => host).filter((host) => sets.#has(host, 4) || sets.#has(host, 6));
    const without = names.filter(({ host }) => !sets.hosts.includes(host)).map(({ host }) => host);
    if (names.length > 0 && sets.hosts.length === 0) {
      throw usageError(
        'Cannot fill the sets: the loaded table has none for these names',
        'print the rules with the same options as here (--format nftables), and load them',
      );
    }
    if (without.length > 0) {
      const message = `the loaded table has no set for ${without.join(', ')}: print the rules with the same options as here, and load them`;
      run.session.reporter.event({ type: 'notice', message, isWarning: true });
    }
    return sets;
  }

  /** Somebody may have loaded other rules meanwhile: after a refusal, and while a set is gone, it is looked at what is there. */
  readonly write = async (names: readonly WatchedName[]): Promise<void> => {
    const { context } = this.#run.session;
    if (this.#without(names).length > 0) this.#loaded = await loadedSets(context);
    try {
      await this.#hand(names);
    } catch (error) {
      const before = this.#without(names).length;
      this.#loaded = await loadedSets(context);
      if (this.#without(names).length === before) throw error;
      await this.#hand(names);
    }
    this.#tellGone(this.#without(names));
  };

  async #hand(names: readonly WatchedName[]): Promise<void> {
    const text = printRefresh(this.#withSets(names));
    if (text !== '') await runTransaction(text, this.#run.session.context);
  }

  /** Hosts of which addresses have no set to go to. */
  #without(names: readonly WatchedName[]): string[] {
    const lost = ({ host, addresses }: WatchedName): boolean =>
      addresses.some(({ address }) => !this.#has(host, familyOf(address) ?? 4));
    return names.filter(lost).map(({ host }) => host);
  }

  #tellGone(hosts: readonly string[]): void {
    if (hosts.length === 0) return;
    const message = `the table that is loaded now has no set for ${hosts.join(', ')}: load the rules again, with the same options as here`;
    this.#run.session.reporter.event({ type: 'notice', message, isWarning: true });
  }

  #withSets(names: readonly WatchedName[]): WatchedName[] {
    return names.map(({ host, addresses }) => ({
      host,
      addresses: addresses.filter(({ address }) => this.#has(host, familyOf(address) ?? 4)),
    }));
  }

  #has(host: string, family: 4 | 6): boolean {
    return this.#loaded.has(setName(host, family));
  }
}
