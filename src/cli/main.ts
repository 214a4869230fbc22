/** The program: argv and signals go in, the exit status comes out. The only place that ends the process. */
import { setFlagsFromString } from 'node:v8';
import { AirgapError } from '../errors.ts';
import { programVersion } from './executable.ts';
import { exitCodes } from './exit.ts';
import { run } from './program.ts';

/** After an interrupt or at the end, what is still open gets this long to close by itself. */
const graceMs = 3000;

/**
 * Keeps V8's young generation at its first size. Layers pass through as buffers outside the heap, which are freed when a small young
 * generation is swept often; letting it grow costs 30 MB and gains no time (docs/performance.md). Only where the flag is known.
 */
function keepYoungGenerationSmall(): void {
  const [major] = process.versions.node.split('.');
  if (Number(major) <= 24) setFlagsFromString('--semi-space-growth-factor=1');
}

/** The first signal asks for a clean end, the second ends at once. */
function onSignals(controller: AbortController): void {
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(
      new AirgapError('ERR_INTERRUPTED', `Cannot go on: interrupted by ${signal}`, {
        hint: 'run the same command again: it copies only what is missing',
      }),
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
}

/** A reader that went away (`airgap images | head`) is no reason to fail. Gives a signal for who would write for ever. */
function ignoreClosedPipes(): AbortSignal {
  const unread = new AbortController();
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
      if (stream === process.stdout) unread.abort();
    });
  }
  return unread.signal;
}

/** Ends the process when something stays open that nobody waits for, but not before standard output has been read. */
function endAfterGrace(): void {
  setTimeout(() => {
    if (process.stdout.writableLength > 0 && !process.stdout.destroyed) endAfterGrace();
    else process.exit();
  }, graceMs).unref();
}

async function main(): Promise<void> {
  const controller = new AbortController();
  onSignals(controller);
  keepYoungGenerationSmall();
  const unread = ignoreClosedPipes();
  process.exitCode = await run(process.argv.slice(2), {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal: controller.signal,
    unread,
    version: programVersion(),
  });
  endAfterGrace();
}

// Not awaited: the single executable is CommonJS, which cannot.
void main();
