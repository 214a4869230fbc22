/** `airgap egress`: the list is printed, in forms for people and programs and in firewalls' languages. */
import { resolve } from 'node:path';
import { type Destination, isExactName } from '../../egress/destination.ts';
import { blocksMeet } from '../../egress/firewall/addresses.ts';
import type { FirewallInput, FirewallLanguage } from '../../egress/firewall/language.ts';
import { firewallLanguages } from '../../egress/firewall/languages.ts';
import { knownSources } from '../../egress/knowledge/sources.ts';
import { type Printer, printers } from '../../egress/print/printers.ts';
import { quoteShell } from '../../oci/shell.ts';
import { checkWritable, writeFileAtomic } from '../files.ts';
import { nearName } from '../next-text.ts';
import { printable } from '../report/text.ts';
import { usageError } from '../values.ts';
import { knownAddresses } from './resolve.ts';
import type { EgressRun } from './run.ts';

/** File names of what is no firewall's. */
const fileNames: Readonly<Record<Printer['name'], string>> = {
  table: 'egress.txt',
  markdown: 'egress.md',
  csv: 'egress.csv',
  json: 'egress.json',
  svg: 'egress.svg',
  html: 'egress.html',
};

/** Characters in a line of a table in a file or a pipe, where no terminal says it: as wide as a ticket or a printed page shows. */
const fileColumns = 130;

type Form = { readonly printer: Printer } | { readonly language: FirewallLanguage };

interface Made {
  readonly path: string;
  readonly text: string;
}

/** A file at its place. */
interface Placed extends Made {
  /** As its language calls it. */
  readonly name: string;
}

/** What one form gives. */
interface Printed {
  readonly name: string;
  /** The main one first. */
  readonly files: readonly Made[];
  readonly warnings: readonly string[];
  readonly use: readonly string[];
}

/** Read before anything is looked up or contacted. Throws ERR_USAGE. */
export function readForms({ formats, outputDir, stateless, lookUp }: EgressRun['egress']): readonly Form[] {
  const forms = formats.map(formOf);
  if (lookUp && forms.every((form) => 'printer' in form)) {
    throw usageError(
      `Cannot use --look-up with --format ${formats.join(', ')}: it holds names, not their addresses`,
      'for the addresses: airgap egress resolve; for rules of addresses: --look-up --format nftables',
    );
  }
  if (forms.length > 1 && outputDir === undefined) {
    throw usageError(
      `Cannot write ${formats.join(', ')} into one text: they are files of different programs`,
      'name a folder with --output-dir',
    );
  }
  for (const form of stateless ? forms : []) {
    const why = whyNoReturns(form);
    if (why === undefined) continue;
    const able = [...printers.map((printer) => ({ printer })), ...firewallLanguages.map((language) => ({ language }))]
      .filter((one) => whyNoReturns(one) === undefined)
      .map(nameOf);
    throw usageError(
      `Cannot write --format ${nameOf(form)} with --stateless: ${why}`,
      `with return rules: ${able.join(', ')}`,
    );
  }
  return forms;
}

/** Undefined where the form has a place for rules of the way back. */
function whyNoReturns(form: Form): string | undefined {
  if ('printer' in form) return form.printer.name === 'svg' ? 'a picture has no return rules' : undefined;
  return form.language.knowsStateless ? undefined : 'it follows connections, so it has no return rules';
}

function nameOf(form: Form): string {
  return 'printer' in form ? form.printer.name : form.language.name;
}

function formOf(name: string): Form {
  const printer = printers.find((one) => one.name === name);
  if (printer !== undefined) return { printer };
  const language = firewallLanguages.find((one) => one.name === name);
  if (language !== undefined) return { language };
  const known = [...printers, ...firewallLanguages].map((one) => one.name);
  throw usageError(`Cannot write --format ${JSON.stringify(name)}: it is none of ${known.join(', ')}`);
}

/** Writes or prints every form. Every place is looked at before anything is written. */
export async function tellList(
  run: EgressRun,
  options: { readonly forms: readonly Form[]; readonly title: string },
): Promise<void> {
  const { session, egress } = run;
  const { reporter, context } = session;
  const input = options.forms.some((form) => 'language' in form) ? await firewallInput(run) : undefined;
  for (const message of input === undefined ? [] : sharedAddresses(input.from))
    reporter.event({ type: 'notice', message, isWarning: true });
  const printed = options.forms.map((form) => print(form, { run, title: options.title, input }));
  tellWarnings(printed, reporter.event);
  const places = placesOf(printed, egress);
  for (const { path } of places) await checkWritable(path);
  for (const { path, text } of places) await writeFileAtomic(path, text);
  if (places.length === 0) printMain(printed[0], run);
  if (!session.settings.output.quiet) tellUse({ printed, places, cwd: session.settings.cwd, stderr: context.stderr });
}

function tellWarnings(printed: readonly Printed[], event: EgressRun['session']['reporter']['event']): void {
  for (const { name, warnings } of printed) {
    for (const warning of warnings) {
      const message = printed.length === 1 ? warning : `${name}: ${warning}`;
      event({ type: 'notice', message, isWarning: true });
    }
  }
}

interface Told {
  readonly printed: readonly Printed[];
  readonly places: readonly Placed[];
  readonly cwd: string;
  readonly stderr: EgressRun['session']['context']['stderr'];
}

/** What was written where, and the steps from there on. */
function tellUse({ printed, places, cwd, stderr }: Told): void {
  for (const { path } of places) stderr.write(`wrote ${printable(nearName(cwd, path))}\n`);
  for (const { name, use, files } of printed) {
    if (use.length === 0) continue;
    const [main] = files;
    const saved = places.length > 0 || main === undefined ? '' : `, saved as ${main.path}`;
    const title = printed.length === 1 ? `To use it${saved}:` : `To use ${name}:`;
    stderr.write(`\n${title}\n${use.map((step) => `  ${printable(withPlaces(step, places, cwd))}\n`).join('')}`);
  }
}

/** A step with the names under which its files can be found from here. A name in a folder of the system's stays. */
function withPlaces(step: string, places: readonly Placed[], cwd: string): string {
  return step.replaceAll(
    /(?<=file:\/\/|(?<![\w/.-]))(\.\/)?([a-z0-9-]+(?:\.[a-z]+)+)(?![\w/-])/g,
    (all, here = '', name: string) => {
      const path = places.find((placed) => placed.name === name)?.path;
      if (path === undefined) return all;
      const near = nearName(cwd, path);
      return quoteShell(here !== '' && !near.includes('/') ? `./${near}` : near);
    },
  );
}

/** Whoever stands in the addresses of two roles gets the rules of both. */
function sharedAddresses(from: FirewallInput['from']): string[] {
  const given = [...from];
  return given.flatMap(([role, own], index) =>
    given
      .slice(index + 1)
      .filter(([, others]) => blocksMeet(own, others))
      .map(([other]) => `--address gives ${role} and ${other} addresses in common: they may open what either may`),
  );
}

function printMain(printed: Printed | undefined, { session }: EgressRun): void {
  const [main, ...others] = printed?.files ?? [];
  session.context.stdout.write(main?.text ?? '');
  if (others.length === 0) return;
  const names = others.map(({ path }) => path).join(', ');
  const message = `${main?.path} alone is printed: --output-dir writes ${names} as well`;
  session.reporter.event({ type: 'notice', message, isWarning: true });
}

/** Names that let anybody's data out, where the language itself says nothing of them. */
function sharedDomains(destinations: readonly Destination[], said: readonly string[]): string[] {
  const shared = destinations.flatMap(({ host, exfiltration }) =>
    exfiltration === undefined || said.some((line) => line.includes(host) && line.includes(exfiltration))
      ? []
      : [`${host}: ${exfiltration}`],
  );
  return [...new Set(shared)];
}

function print(form: Form, about: { run: EgressRun; title: string; input: FirewallInput | undefined }): Printed {
  const { run, title, input } = about;
  if ('language' in form) {
    if (input === undefined) throw new Error('a firewall is written without its input');
    const printed = form.language.print(input);
    const warnings = [...printed.warnings, ...sharedDomains(input.destinations, printed.warnings)];
    return { name: form.language.name, ...printed, warnings };
  }
  const { name } = form.printer;
  const { outputFile, outputDir } = run.egress;
  const shown = outputFile === undefined && outputDir === undefined ? run.session.columns : undefined;
  const options = {
    columns: shown ?? fileColumns,
    brief: shown !== undefined,
    stateless: run.egress.stateless,
    title,
    sources: knownSources,
  };
  return {
    name,
    files: [{ path: fileNames[name], text: form.printer.print(run.list, options) }],
    warnings: [],
    use: [],
  };
}

function placesOf(printed: readonly Printed[], { outputFile, outputDir }: EgressRun['egress']): Placed[] {
  const files = printed.flatMap((one) => one.files);
  if (outputDir !== undefined)
    return files.map(({ path, text }) => ({ name: path, path: resolve(outputDir, path), text }));
  if (outputFile === undefined) return [];
  const [only] = files;
  if (only === undefined || files.length > 1) {
    throw usageError(
      `Cannot write it to one --output: it is ${files.length} files, ${files.map(({ path }) => path).join(', ')}`,
      'name a folder with --output-dir',
    );
  }
  return [{ name: only.path, path: outputFile, text: only.text }];
}

async function firewallInput(run: EgressRun): Promise<FirewallInput> {
  const { list, egress } = run;
  const names = list.destinations.some(({ host }) => isExactName(host));
  return {
    destinations: list.destinations,
    addresses: egress.lookUp && names ? await knownAddresses(run) : new Map(),
    from: egress.from,
    stateless: egress.stateless,
    graceSeconds: Math.ceil(egress.graceMs / 1000),
  };
}
