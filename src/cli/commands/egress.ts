/** `airgap egress`: what the firewall must open for a job, in its own language, looked up and checked. */
import type { EgressList } from '../../egress/destination.ts';
import { firewallLanguages } from '../../egress/firewall/languages.ts';
import { findingTexts, mergeObserved } from '../../egress/observed.ts';
import type { Invocation } from '../define/wiring.ts';
import { refuseActionWords } from '../egress/action-words.ts';
import { checkDestinations } from '../egress/check.ts';
import { contactsFor } from '../egress/contacts.ts';
import { egressList } from '../egress/job.ts';
import { readForms, tellList } from '../egress/listing.ts';
import { resolveNames } from '../egress/resolve.ts';
import { type EgressRun, withFindings } from '../egress/run.ts';
import { type EgressSettings, egressSettings } from '../egress/settings.ts';
import { errorFields } from '../error-text.ts';
import { exitCodeFor, exitCodes } from '../exit.ts';
import { type Flags, switchFlag } from '../flags.ts';
import { jsonLine } from '../report/json.ts';
import { inSession, type Session } from '../session.ts';
import { readSettings } from '../settings.ts';

/** A contact that nothing declares is a finding, whatever form the list has. */
export async function egress(invocation: Invocation): Promise<number> {
  try {
    return await runEgress(invocation);
  } catch (error) {
    const { flags, context } = invocation;
    const stopped: unknown = context.signal.aborted ? context.signal.reason : error;
    // Documents are written last, in one piece: where something was thrown there is none yet.
    if (switchFlag(flags, 'json')) {
      const document = { exitCode: exitCodeFor(stopped), error: errorFields(stopped) };
      context.stdout.write(`${jsonLine(document, switchFlag(flags, 'watch') ? undefined : 2)}\n`);
    }
    throw error;
  }
}

function runEgress({ inputs, flags, context }: Invocation): Promise<number> {
  const own = withDefaultRole(egressSettings(flags, context));
  refuseActionWords(inputs, own.action);
  const forms = own.action === 'list' ? readForms(own) : [];
  const settings = readSettings(inputs, flags, context);
  return inSession({ settings, context }, async (session) => {
    const { list: whole, findings, title } = await listFor(session, { egress: own, flags });
    const list = own.optional ? whole : withoutOptional(whole);
    const run: EgressRun = { session, egress: own, list, hasFindings: findings.length > 0 };
    for (const message of findingTexts({ ...whole, findings }, isOpenedBy(own)))
      session.reporter.event({ type: 'notice', message, isWarning: true });
    return await act(run, { forms, title });
  });
}

/** Rules of a firewall open whatever was contacted. */
function isOpenedBy({ action, formats }: EgressSettings): boolean {
  return action === 'list' && formats.some((name) => firewallLanguages.some((language) => language.name === name));
}

/** Forms that have a place for notes say them themselves. */
const saysNotes: readonly string[] = ['table', 'markdown', 'json', 'html'];

async function tell(run: EgressRun, printing: Parameters<typeof tellList>[1]): Promise<number> {
  const { egress: own, list, session } = run;
  if (!own.formats.some((name) => saysNotes.includes(name))) {
    for (const message of list.notes) session.reporter.event({ type: 'notice', message });
  }
  await tellList(run, printing);
  return withFindings(run, exitCodes.ok);
}

function act(run: EgressRun, printing: Parameters<typeof tellList>[1]): Promise<number> {
  if (run.egress.action === 'resolve') return resolveNames(run);
  return run.egress.action === 'check' ? checkDestinations(run) : tell(run, printing);
}

async function listFor(session: Session, options: { readonly egress: EgressSettings; readonly flags: Flags }) {
  const { list, title } = await egressList(session, options);
  const { observed, roles } = options.egress;
  if (!observed) return { list, title, findings: [] };
  if (roles.length > 0 && !roles.includes('staging')) {
    const note =
      '--observed tells of the host that mirrors, which --role leaves out: nothing here was seen or not seen';
    return { list: { ...list, notes: [...list.notes, note] }, title, findings: [] };
  }
  const { findings, ...merged } = mergeObserved(list, await contactsFor(session.settings, session.reporter.event));
  return { list: merged, title, findings };
}

/** After everything is known: an optional destination may be needed for another reason. */
function withoutOptional(list: EgressList): EgressList {
  return { ...list, destinations: list.destinations.filter(({ required }) => required) };
}

/** A check is made from one place, and rules of a host are for one host. */
function withDefaultRole(settings: EgressSettings): EgressSettings {
  const { action, roles, assertClosed, formats, from } = settings;
  if (roles.length > 0) return settings;
  if (action === 'check') return { ...settings, roles: [assertClosed ? 'nodes' : 'staging'] };
  const ofHost = action === 'list' && from.size === 0 && formats.every((name) => /^(?:nftables|dnsmasq)/.test(name));
  return ofHost ? { ...settings, roles: ['staging'] } : settings;
}
