/** `airgap egress`: the list is printed, in forms for people and programs and in firewalls' languages. */
import { resolve } from 'node:path';
import { isExactName } from '../../egress/destination.ts';
import type { FirewallInput, FirewallLanguage } from '../../egress/firewall/language.ts';
import { firewallLanguages } from '../../egress/firewall/languages.ts';
import { knownSources } from '../../egress/knowledge/sources.ts';
import { type Printer, printers } from '../../egress/print/printers.ts';
import { checkWritable, writeFileAtomic } from '../files.ts';
import { nearName } from '../next-text.ts';
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

type Form = { readonly printer: Printer } | { readonly language: FirewallLanguage };

interface Made {
  readonly path: string;
  readonly text: string;
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
export function readForms({ formats, outputDir, stateless }: EgressRun['egress']): readonly Form[] {
  const forms = formats.map(formOf);
  if (forms.length > 1 && outputDir === undefined) {
    throw usageError(
      `Cannot write ${formats.join(', ')} into one text: they are files of different programs`,
      'name a folder with --output-dir',
    );
  }
  for (const form of forms) {
    if (!stateless || !('language' in form) || form.language.knowsStateless) continue;
    const able = firewallLanguages.filter(({ knowsStateless }) => knowsStateless).map(({ name }) => name);
    throw usageError(
      `Cannot write --format ${form.language.name} with --stateless: it follows connections, so it has no return rules`,
      `with return rules: table, markdown, csv, json, ${able.join(', ')}`,
    );
  }
  return forms;
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
  const printed = options.forms.map((form) => print(form, { run, title: options.title, input }));
  for (const { name, warnings } of printed) {
    for (const warning of warnings) {
      const message = printed.length === 1 ? warning : `${name}: ${warning}`;
      reporter.event({ type: 'notice', message, isWarning: true });
    }
  }
  const places = placesOf(printed, egress);
  for (const { path } of places) await checkWritable(path);
  for (const { path, text } of places) await writeFileAtomic(path, text);
  if (places.length === 0) printMain(printed[0], run);
  if (session.settings.output.quiet) return;
  for (const { path } of places) context.stderr.write(`wrote ${nearName(session.settings.cwd, path)}\n`);
  for (const { name, use } of printed) {
    if (use.length === 0) continue;
    const title = printed.length === 1 ? 'To use it:' : `To use ${name}:`;
    context.stderr.write(`\n${title}\n${use.map((step) => `  ${step}\n`).join('')}`);
  }
}

function printMain(printed: Printed | undefined, { session }: EgressRun): void {
  const [main, ...others] = printed?.files ?? [];
  session.context.stdout.write(main?.text ?? '');
  if (others.length === 0) return;
  const names = others.map(({ path }) => path).join(', ');
  const message = `${main?.path} alone is printed: --output-dir writes ${names} as well`;
  session.reporter.event({ type: 'notice', message, isWarning: true });
}

function print(form: Form, about: { run: EgressRun; title: string; input: FirewallInput | undefined }): Printed {
  const { run, title, input } = about;
  if ('language' in form) {
    if (input === undefined) throw new Error('a firewall is written without its input');
    return { name: form.language.name, ...form.language.print(input) };
  }
  const { name } = form.printer;
  const options = {
    columns: run.egress.outputFile === undefined ? run.session.columns : undefined,
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

function placesOf(printed: readonly Printed[], { outputFile, outputDir }: EgressRun['egress']): Made[] {
  const files = printed.flatMap((one) => one.files);
  if (outputDir !== undefined) return files.map(({ path, text }) => ({ path: resolve(outputDir, path), text }));
  if (outputFile === undefined) return [];
  const [only] = files;
  if (only === undefined || files.length > 1) {
    throw usageError(
      `Cannot write it to one --output: it is ${files.length} files, ${files.map(({ path }) => path).join(', ')}`,
      'name a folder with --output-dir',
    );
  }
  return [{ path: outputFile, text: only.text }];
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
