/** `airgap init`: an airgap.yaml made by asking. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { isAirgapError } from '../../errors.ts';
import { quoteShell } from '../../oci/shell.ts';
import { parseSpec } from '../../spec/parse.ts';
import { printSpec } from '../../spec/print.ts';
import { printSpecSchema } from '../../spec/schema.ts';
import type { Context } from '../context.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { writeFileAtomic } from '../files.ts';
import { switchFlag, textFlag } from '../flags.ts';
import { nearName } from '../next-text.ts';
import { writeLines } from '../report/reporter.ts';
import { goOn } from '../session.ts';
import { defaultSpecFile } from '../spec/find-file.ts';
import { givenAnswers, type Question, questions, readAnswer } from '../spec/questions.ts';
import { usageError } from '../values.ts';

const schemaFile = 'airgap.schema.json';

/** Asks on standard error, reads answers from standard input. Throws ERR_USAGE for files that are there, and for piped answers that are none. */
export async function init({ flags, context }: Invocation): Promise<number> {
  if (switchFlag(flags, 'schema')) {
    context.stdout.write(printSpecSchema());
    return exitCodes.ok;
  }
  const file = resolve(context.cwd, textFlag(flags, 'output') ?? defaultSpecFile);
  const schema = join(dirname(file), schemaFile);
  const files = { [file]: undefined, [schema]: printSpecSchema() };
  if (!switchFlag(flags, 'force')) await refuseOverwriting(files, context.cwd);
  const answers = new Map<string, string | readonly string[]>(givenAnswers(flags));
  await ask(answers, { context, silent: switchFlag(flags, 'yes') });
  const text = printSpec(answers, { schema: `./${schemaFile}` });
  parseSpec(basename(file), text);
  await writeFileAtomic(schema, printSpecSchema());
  await writeFileAtomic(file, text);
  if (!switchFlag(flags, 'quiet')) writeLines(context.stdout, nextSteps(file, context.cwd));
  return exitCodes.ok;
}

function nextSteps(file: string, cwd: string): string[] {
  const name = nearName(cwd, file);
  const option = name === defaultSpecFile ? '' : ` --file ${quoteShell(name)}`;
  return [
    `wrote ${name}, and ${schemaFile} beside it for editors`,
    '',
    'Next:',
    `  airgap plan${option}    what would be copied`,
    `  airgap mirror${option}`,
  ];
}

/** A file with the very text that would be written is in nobody's way. */
async function refuseOverwriting(files: Readonly<Record<string, string | undefined>>, cwd: string): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? undefined : '',
    );
    if (found === undefined || found === text) continue;
    throw usageError(
      `Cannot write "${nearName(cwd, file)}": it is there already`,
      'write over it with --force, or name another file with --output',
    );
  }
}

/** Fills in what was not given. */
async function ask(
  answers: Map<string, string | readonly string[]>,
  { context, silent }: { readonly context: Context; readonly silent: boolean },
): Promise<void> {
  const asker = silent ? undefined : new Asker(context);
  try {
    for (const question of questions()) {
      if (answers.has(question.path) || question.when?.(answers) === false) continue;
      const answer = asker === undefined ? readAnswer(question, '') : await asker.answer(question);
      if (answer !== undefined) answers.set(question.path, answer);
    }
  } finally {
    asker?.close();
  }
}

/** Lines of standard input, one for each question; when they end, the rest is answered by the defaults. */
class Asker {
  readonly #context: Context;
  readonly #lines: AsyncIterator<string>;
  readonly #close: () => void;
  readonly #isTerminal: boolean;

  constructor(context: Context) {
    this.#context = context;
    this.#isTerminal = context.stdin.isTTY === true;
    const reading = createInterface({ input: context.stdin, terminal: false, signal: context.signal });
    this.#lines = reading[Symbol.asyncIterator]();
    this.#close = () => reading.close();
  }

  async answer(question: Question): Promise<string | readonly string[] | undefined> {
    const { stderr, signal } = this.#context;
    const shown = question.byDefault === '' ? '' : ` [${question.byDefault}]`;
    for (;;) {
      stderr.write(`${question.text}${shown}: `);
      const { done, value } = await this.#lines.next();
      if (signal.aborted) stderr.write('\n');
      goOn(signal);
      if (!this.#isTerminal || done === true) stderr.write('\n');
      try {
        return readAnswer(question, done === true ? '' : value);
      } catch (error) {
        // A person is asked again; a script has to be told.
        if (!this.#isTerminal || !isAirgapError(error)) throw error;
        stderr.write(`${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}\n`);
      }
    }
  }

  close(): void {
    this.#close();
  }
}
