/** Programs that hold credentials: `docker-credential-NAME get`, the protocol of docker/docker-credential-helpers. */
import { spawn } from 'node:child_process';
import { AirgapError } from '../../errors.ts';
import type { Credential } from '../../http/client.ts';

export interface HelperQuestion {
  /** What stands after `docker-credential-` in the program's name. */
  readonly helper: string;
  /** The key asked for, as the credentials file writes it. */
  readonly server: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default 20 000. */
  readonly timeoutMs?: number | undefined;
}

export type HelperAnswer = { readonly credential: Credential | undefined } | { readonly missing: true };

const outputLimit = 64 * 1024;

/**
 * Asks a helper. No credential: it knows none; `missing`: there is no such program.
 * Throws ERR_INPUT_INVALID when it fails, says something else than credentials, or takes longer than the timeout. What it wrote is never repeated.
 */
export async function askHelper(question: HelperQuestion): Promise<HelperAnswer> {
  const program = `docker-credential-${question.helper}`;
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(question.helper)) throw failure(question, 'its name is not that of a program');
  const run = await runHelper(program, question);
  if (run === 'missing') return { missing: true };
  if (run.status === 'timeout') throw failure(question, 'it took too long');
  if (run.status !== 0) {
    if (/credentials not found/i.test(run.output)) return { credential: undefined };
    throw failure(question, `it ended with status ${run.status}`);
  }
  return { credential: readAnswer(question, run.output) };
}

interface HelperRun {
  readonly status: number | string | 'timeout';
  readonly output: string;
}

function runHelper(program: string, question: HelperQuestion): Promise<HelperRun | 'missing'> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], env: { ...question.environment } });
    let output = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      // What the helper started may live on and hold its output open: nobody waits for that.
      child.stdout.destroy();
      child.stdin.destroy();
      resolve({ status: 'timeout', output: '' });
    }, question.timeoutMs ?? 20_000);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      if (output.length < outputLimit) output += text;
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (error.code === 'ENOENT') resolve('missing');
      else reject(failure(question, `it cannot be started (${error.code ?? 'no code'})`));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ status: code ?? signal ?? 'unknown', output });
    });
    // A helper may end without reading; that is its answer's matter, not ours.
    child.stdin.on('error', () => {});
    child.stdin.end(question.server);
  });
}

function readAnswer(question: HelperQuestion, output: string): Credential | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch {
    throw failure(question, 'its answer is not JSON');
  }
  const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const { Username: username, Secret: secret } = fields;
  if (typeof username !== 'string' || typeof secret !== 'string') throw failure(question, 'its answer lacks a field');
  if (secret === '') return undefined;
  return username === '<token>' ? { identityToken: secret } : { username, password: secret };
}

function failure(question: HelperQuestion, state: string): AirgapError {
  return new AirgapError(
    'ERR_INPUT_INVALID',
    `Cannot read credentials for ${JSON.stringify(question.server)} from docker-credential-${JSON.stringify(question.helper).slice(1, -1)}: ${state}`,
    {
      host: question.server,
      hint: `try it by hand: echo ${question.server} | docker-credential-${question.helper} get`,
    },
  );
}
