/** `airgap egress resolve`: the names of the list with their addresses, once, or watched so that a firewall's sets stay filled. */
import type { KnownAddress } from '../../egress/firewall/language.ts';
import { AirgapError } from '../../errors.ts';
import { exitCodes } from '../exit.ts';
import { jsonLine } from '../report/json.ts';
import { printable } from '../report/text.ts';
import { type AskedName, askFor, namesOf } from './look-up-names.ts';
import { failureLines, failuresOf, reasonOf, resolvedJson, resolvedLines } from './resolve-text.ts';
import { type EgressRun, withFindings } from './run.ts';
import { watchSets } from './watch-sets.ts';

/**
 * Prints every address, alias and TTL, and what to use in place of hosts that cannot be looked up. Gives 3 when a required name has no
 * address: nobody can reach it, which is what a run would meet. With --watch it goes on until it is interrupted, which is no failure.
 */
export async function resolveNames(run: EgressRun): Promise<number> {
  const { session, egress, list } = run;
  const { names, others } = namesOf(list);
  if (egress.watch) return await watchSets(run, { names, others });
  const asked = await askFor(names, run);
  const isLost = asked.some(({ required, found }) => required && found.failure !== undefined);
  const exitCode = withFindings(run, isLost ? exitCodes.source : exitCodes.ok);
  if (session.settings.output.json) {
    session.context.stdout.write(`${jsonLine({ exitCode, ...resolvedJson({ asked, others }) }, 2)}\n`);
    return exitCode;
  }
  session.reporter.text(resolvedLines({ asked, others }, session.columns));
  session.reporter.problem(failureLines(asked));
  return exitCode;
}

/**
 * Addresses by exact name, for languages that hold addresses. Names that are optional and have none are told. Throws ERR_UNREACHABLE
 * when a required one has none: rules with an empty set would look finished.
 */
export async function knownAddresses(run: EgressRun): Promise<ReadonlyMap<string, readonly KnownAddress[]>> {
  const { names } = namesOf(run.list);
  const asked = await askFor(names, run);
  const lost = asked.filter(({ required, found }) => required && found.failure !== undefined);
  const [first] = lost;
  if (first !== undefined) {
    const others = lost.slice(1).map(({ host }) => `"${host}"`);
    const more = others.length === 0 ? '' : `; nor can ${others.join(', ')}`;
    throw new AirgapError('ERR_UNREACHABLE', `Cannot resolve "${first.host}": ${reasonOfName(first)}${more}`, {
      end: 'source',
      host: first.host,
      hint: lostHint,
    });
  }
  for (const { reason, hosts } of failuresOf(asked)) {
    const message = `${reason}: ${hosts.join(', ')}`;
    run.session.reporter.event({ type: 'notice', message, isWarning: true });
  }
  return new Map(
    asked.flatMap(({ host, found }) => {
      const known = found.addresses.map(({ address, ttl }) => ({ address, ttl }));
      return known.length === 0 ? [] : [[host, known] as const];
    }),
  );
}

function reasonOfName({ host, found }: AskedName): string {
  return found.failure === undefined ? '' : printable(reasonOf(found.failure, host));
}

const lostHint =
  'rules without its addresses would hold it off: name another server with --resolver, or leave out --look-up and fill the sets later with "airgap egress resolve --watch"';
